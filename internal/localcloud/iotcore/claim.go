package iotcore

import (
	"encoding/json"

	"porchlight/internal/localcloud/iam"
)

// claimPolicy is what a claim of CreateProvisioningClaim may do: ask for a
// certificate and take it up with its one template.
func (c *Core) claimPolicy(template string) iam.Document {
	resources := func(kind string) []string {
		return []string{
			c.arn(kind, "$aws/certificates/create/*"), c.arn(kind, "$aws/certificates/create-from-csr/*"),
			c.arn(kind, "$aws/provisioning-templates/"+template+"/provision/*"),
		}
	}
	type statement struct {
		Effect           string
		Action, Resource []string
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []statement{
		{"Allow", []string{"iot:Connect"}, []string{c.arn("client", "*")}},
		{"Allow", []string{"iot:Publish", "iot:Receive"}, resources("topic")},
		{"Allow", []string{"iot:Subscribe"}, resources("topicfilter")},
	}})
	if err != nil { // strings always encode
		panic(err)
	}
	document, err := iam.Parse(b)
	if err != nil { // template names hold nothing special
		panic(err)
	}
	return document
}
