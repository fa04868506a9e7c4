package assertions_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// grants returns what the policies attached to a role allow, as
// action -> resources.
func (tmpl template) grants(t *testing.T, role string) map[string][]string {
	t.Helper()
	require.NotContains(t, tmpl.Resources[role].Properties, "ManagedPolicyArns")
	require.NotContains(t, tmpl.Resources[role].Properties, "Policies")
	out := map[string][]string{}
	for _, policy := range tmpl.ofType(t, "AWS::IAM::Policy") {
		for _, r := range policy.Properties["Roles"].([]any) {
			if target(t, r) != role {
				continue
			}
			for _, s := range at(t, policy.Properties, "PolicyDocument", "Statement").([]any) {
				require.Equal(t, "Allow", at(t, s, "Effect"))
				for _, action := range texts(t, at(t, s, "Action")) {
					out[action] = append(out[action], texts(t, at(t, s, "Resource"))...)
				}
			}
		}
	}
	return out
}

func TestNoGrantIsWild(t *testing.T) {
	tmpl := load(t)
	for role := range tmpl.ofType(t, "AWS::IAM::Role") {
		grants := tmpl.grants(t, role)
		require.NotEmpty(t, grants, role)
		for action, resources := range grants {
			require.NotContains(t, action, "*", role)
			for _, r := range resources {
				require.NotEqual(t, "*", r, role)
				require.True(t, strings.HasPrefix(r, "<"), "%s: %s names no resource of the stack", role, r)
			}
		}
	}
}

func TestEachLambdaMayDoItsWorkAndNoMore(t *testing.T) {
	tmpl := load(t)
	table, _ := tmpl.only(t, "AWS::DynamoDB::GlobalTable")
	bucket, _ := tmpl.only(t, "AWS::S3::Bucket")
	secret, _ := tmpl.only(t, "AWS::SecretsManager::Secret")
	queue, _ := tmpl.named(t, "AWS::SQS::Queue", "DeadLetters")
	requests, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesRequests")
	answers, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesAnswers")
	tableARN := "<" + table + ".Arn>"
	queueARN := []string{"<" + queue + ".Arn>"}

	want := map[string]map[string][]string{
		"events": {
			"dynamodb:GetItem":    {tableARN},
			"dynamodb:PutItem":    {tableARN},
			"dynamodb:UpdateItem": {tableARN},
			// The failure destination.
			"sqs:SendMessage":        queueARN,
			"sqs:GetQueueAttributes": queueARN,
			"sqs:GetQueueUrl":        queueARN,
		},
		"api": {
			"dynamodb:GetItem":              {tableARN},
			"dynamodb:Query":                {tableARN, tableARN + "/index/gsi1"},
			"s3:GetObject":                  {"<" + bucket + ".Arn>/thumbnails/*"},
			"secretsmanager:GetSecretValue": {"<" + secret + ">"},
		},
		"faces": {
			"dynamodb:GetItem":       {tableARN},
			"dynamodb:PutItem":       {tableARN},
			"dynamodb:UpdateItem":    {tableARN},
			"dynamodb:Query":         {tableARN},
			"sqs:SendMessage":        {"<" + answers + ".Arn>"},
			"sqs:ReceiveMessage":     {"<" + requests + ".Arn>"},
			"sqs:DeleteMessage":      {"<" + requests + ".Arn>"},
			"sqs:GetQueueAttributes": {"<" + requests + ".Arn>"},
		},
	}
	for name, grants := range want {
		fn := tmpl.lambda(t, name)
		logs := target(t, at(t, fn.Properties, "LoggingConfig", "LogGroup"))
		grants["logs:CreateLogStream"] = []string{"<" + logs + ".Arn>"}
		grants["logs:PutLogEvents"] = []string{"<" + logs + ".Arn>"}
		require.Equal(t, grants, tmpl.grants(t, target(t, fn.Properties["Role"])), name)
	}
}

// A device asks about faces and reads no answers, which may be other owners'.
func TestDeviceRoleWritesOwnThumbnailsAndAsksAboutFaces(t *testing.T) {
	tmpl := load(t)
	requests, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesRequests")
	answers, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesAnswers")
	queues := []string{"<" + answers + ".Arn>", "<" + requests + ".Arn>"}
	bucket, _ := tmpl.only(t, "AWS::S3::Bucket")
	_, alias := tmpl.only(t, "AWS::IoT::RoleAlias")
	require.EqualValues(t, 3600, alias.Properties["CredentialDurationSeconds"])
	role := target(t, alias.Properties["RoleArn"])
	require.Equal(t, map[string][]string{
		"s3:PutObject":    {"<" + bucket + ".Arn>/thumbnails/${credentials-iot:ThingName}/*"},
		"sqs:SendMessage": queues,
		"sqs:GetQueueUrl": queues,
	}, tmpl.grants(t, role))
	require.Equal(t, "credentials.iot.amazonaws.com",
		at(t, tmpl.Resources[role].Properties, "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"))
}

func TestThingPolicyReachesTheConnectedThingOnly(t *testing.T) {
	tmpl := load(t)
	alias, _ := tmpl.only(t, "AWS::IoT::RoleAlias")
	_, policy := tmpl.only(t, "AWS::IoT::Policy")
	const (
		arn  = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:"
		name = "${iot:Connection.Thing.ThingName}"
		own  = "porchlight/v1/" + name + "/"
		conf = "$aws/things/" + name + "/shadow/name/config/"
	)
	got := map[string][]string{}
	for _, s := range at(t, policy.Properties, "PolicyDocument", "Statement").([]any) {
		require.Equal(t, "Allow", at(t, s, "Effect"))
		action := at(t, s, "Action").(string)
		got[action] = texts(t, at(t, s, "Resource"))
		if action == "iot:Connect" {
			// Without this a certificate could connect under another's name.
			require.Equal(t, object{"Bool": object{"iot:Connection.Thing.IsAttached": "true"}}, at(t, s, "Condition"))
		}
		if action != "iot:AssumeRoleWithCertificate" {
			for _, r := range got[action] {
				require.Contains(t, r, name)
			}
		}
	}
	require.Equal(t, map[string][]string{
		"iot:Connect": {arn + "client/" + name},
		"iot:Publish": {
			arn + "topic/" + own + "events", arn + "topic/" + own + "status", arn + "topic/" + own + "telemetry",
			arn + "topic/" + own + "replies", arn + "topic/" + own + "sensors/*",
			arn + "topic/" + conf + "get", arn + "topic/" + conf + "update",
		},
		"iot:Subscribe":                 {arn + "topicfilter/" + own + "commands", arn + "topicfilter/" + conf + "*"},
		"iot:Receive":                   {arn + "topic/" + own + "commands", arn + "topic/" + conf + "*"},
		"iot:AssumeRoleWithCertificate": {"<" + alias + ".RoleAliasArn>"},
	}, got)
}
