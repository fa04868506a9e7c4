package assertions_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// iotPolicy returns the IoT policy with a name.
func (tmpl template) iotPolicy(t *testing.T, name string) resource {
	t.Helper()
	for _, policy := range tmpl.ofType(t, "AWS::IoT::Policy") {
		if policy.Properties["PolicyName"] == name {
			return policy
		}
	}
	require.Fail(t, "no such IoT policy", name)
	return resource{}
}

// provisioningRole returns the id of the role that makes things.
func (tmpl template) provisioningRole(t *testing.T) string {
	t.Helper()
	_, fleet := tmpl.only(t, "AWS::IoT::ProvisioningTemplate")
	return target(t, fleet.Properties["ProvisioningRoleArn"])
}

// AWS IoT is this role's only user and names its only policy.
func TestProvisioningRoleIsTheServices(t *testing.T) {
	tmpl := load(t)
	p := tmpl.Resources[tmpl.provisioningRole(t)].Properties
	require.Equal(t, []string{"arn:<AWS::Partition>:iam::aws:policy/service-role/AWSIoTThingsRegistration"}, texts(t, p["ManagedPolicyArns"]))
	statement := at(t, p, "AssumeRolePolicyDocument", "Statement", 0)
	require.Equal(t, "iot.amazonaws.com", at(t, statement, "Principal", "Service"))
	require.Equal(t, "<AWS::AccountId>", flat(t, at(t, statement, "Condition", "StringEquals", "aws:SourceAccount")))
}

func TestFleetTemplateAsksTheHook(t *testing.T) {
	tmpl := load(t)
	id, fleet := tmpl.only(t, "AWS::IoT::ProvisioningTemplate")
	p := fleet.Properties
	require.Equal(t, true, p["Enabled"])
	require.Equal(t, "FLEET_PROVISIONING", p["TemplateType"])
	hook := tmpl.Resources[target(t, at(t, p, "PreProvisioningHook", "TargetArn"))]
	require.Equal(t, "provision.zip", at(t, hook.Properties, "Code", "S3Key"))
	require.EqualValues(t, 5, hook.Properties["Timeout"], "AWS IoT waits no longer")
	require.Equal(t, "<"+id+">", flat(t, tmpl.Outputs["ProvisioningTemplateName"].Value))

	// The names have bounds that only a deployment would find: 36 characters
	// for the longest stage.
	require.LessOrEqual(t, len(p["TemplateName"].(string))-len("prod")+12, 36)

	for _, permission := range tmpl.ofType(t, "AWS::Lambda::Permission") {
		if permission.Properties["Principal"] == "iot.amazonaws.com" {
			require.Equal(t, "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:provisioningtemplate/"+p["TemplateName"].(string),
				flat(t, permission.Properties["SourceArn"]))
			return
		}
	}
	require.Fail(t, "AWS IoT may not ask the hook")
}

func TestFleetTemplateMakesAThingWithTheThingPolicy(t *testing.T) {
	tmpl := load(t)
	_, fleet := tmpl.only(t, "AWS::IoT::ProvisioningTemplate")
	text := flat(t, fleet.Properties["TemplateBody"])
	require.Less(t, len(text), 10240, "the most that AWS IoT takes")
	var body struct {
		Parameters          map[string]struct{ Type string }
		Resources           map[string]struct{ Properties object }
		DeviceConfiguration object
	}
	require.NoError(t, json.Unmarshal([]byte(text), &body), text)
	require.Len(t, body.Parameters, 4)
	require.Equal(t, object{"Ref": "ThingName"}, body.Resources["thing"].Properties["ThingName"])
	require.Equal(t, object{"CertificateId": object{"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"}, body.Resources["certificate"].Properties)
	policy := body.Resources["policy"].Properties["PolicyName"].(string)
	require.Equal(t, "porchlight-prod-thing", tmpl.Resources[strings.Trim(policy, "<>")].Properties["PolicyName"])
	alias, _ := tmpl.only(t, "AWS::IoT::RoleAlias")
	bucket, _ := tmpl.only(t, "AWS::S3::Bucket")
	require.Equal(t, object{
		"region": "<AWS::Region>", "role_alias": "<" + alias + ">", "thumbnail_bucket": "<" + bucket + ">",
		"credentials_endpoint": object{"Ref": "CredentialsEndpoint"},
	}, body.DeviceConfiguration)
}

func TestClaimPolicyReachesProvisioningOnly(t *testing.T) {
	tmpl := load(t)
	_, fleet := tmpl.only(t, "AWS::IoT::ProvisioningTemplate")
	const arn = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:"
	create := "$aws/certificates/create-from-csr/json"
	provision := "$aws/provisioning-templates/" + fleet.Properties["TemplateName"].(string) + "/provision/json"
	answers := func(kind string) []string {
		return []string{
			arn + kind + "/" + create + "/accepted", arn + kind + "/" + create + "/rejected",
			arn + kind + "/" + provision + "/accepted", arn + kind + "/" + provision + "/rejected",
		}
	}
	got := map[string][]string{}
	for _, s := range at(t, tmpl.iotPolicy(t, "porchlight-prod-claim").Properties, "PolicyDocument", "Statement").([]any) {
		require.Equal(t, "Allow", at(t, s, "Effect"))
		got[at(t, s, "Action").(string)] = texts(t, at(t, s, "Resource"))
	}
	require.Equal(t, map[string][]string{
		"iot:Connect":   {arn + "client/claim-*"},
		"iot:Publish":   {arn + "topic/" + create, arn + "topic/" + provision},
		"iot:Subscribe": answers("topicfilter"),
		"iot:Receive":   answers("topic"),
	}, got)
}
