package assertions_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/naming"
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
	managed := tmpl.provisioningRole(t)
	for role := range tmpl.ofType(t, "AWS::IAM::Role") {
		if role == managed {
			continue // has a test of its own
		}
		grants := tmpl.grants(t, role)
		require.NotEmpty(t, grants, role)
		for action, resources := range grants {
			require.NotContains(t, action, "*", role)
			if action == "iot:DescribeEndpoint" {
				continue // the account's endpoints are no resources that have names
			}
			for _, r := range resources {
				require.NotEqual(t, "*", r, role)
				if strings.HasPrefix(action, "kinesisvideo:") {
					continue // devices make the streams; other tests say which
				}
				require.True(t, strings.HasPrefix(r, "<"), "%s: %s names no resource of the stack", role, r)
			}
		}
	}
}

// streams and channels start the ARNs of all of Kinesis Video Streams.
const (
	streams  = "arn:<AWS::Partition>:kinesisvideo:<AWS::Region>:<AWS::AccountId>:stream/"
	channels = "arn:<AWS::Partition>:kinesisvideo:<AWS::Region>:<AWS::AccountId>:channel/"
)

// anyChannel is every signaling channel that is named like a camera.
const anyChannel = channels + "*.*/*"

// ownVideo adds what a thing may do with its own streams and channels.
func ownVideo(grants map[string][]string) map[string][]string {
	for _, operation := range []string{
		"CreateStream", "TagStream", "DescribeStream", "DescribeImageGenerationConfiguration", "UpdateImageGenerationConfiguration",
		"GetDataEndpoint", "PutMedia", "ListFragments",
	} {
		grants["kinesisvideo:"+operation] = []string{streams + "${credentials-iot:ThingName}.*"}
	}
	for _, operation := range []string{
		"CreateSignalingChannel", "TagResource", "DescribeSignalingChannel", "GetSignalingChannelEndpoint", "GetIceServerConfig", "ConnectAsMaster",
	} {
		grants["kinesisvideo:"+operation] = []string{channels + "${credentials-iot:ThingName}.*/*"}
	}
	return grants
}

func TestEachLambdaMayDoItsWorkAndNoMore(t *testing.T) {
	tmpl := load(t)
	table, _ := tmpl.only(t, "AWS::DynamoDB::GlobalTable")
	bucket, _ := tmpl.output(t, naming.OutThumbnailBucket)
	secret, _ := tmpl.only(t, "AWS::SecretsManager::Secret")
	queue, _ := tmpl.named(t, "AWS::SQS::Queue", "DeadLetters")
	requests, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesRequests")
	answers, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesAnswers")
	pictures, _ := tmpl.named(t, "AWS::SQS::Queue", "PicturesQueue")
	notices, _ := tmpl.output(t, naming.OutNotices)
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
			"s3:GetObject":                  {"<" + bucket + ".Arn>/clips/*", "<" + bucket + ".Arn>/thumbnails/*"},
			"s3:PutObject":                  {"<" + bucket + ".Arn>/clips/*"},
			"secretsmanager:GetSecretValue": {"<" + secret + ">"},

			"kinesisvideo:GetDataEndpoint":            {streams + "*.*"},
			"kinesisvideo:ListFragments":              {streams + "*.*"},
			"kinesisvideo:GetHLSStreamingSessionURL":  {streams + "*.*"},
			"kinesisvideo:GetDASHStreamingSessionURL": {streams + "*.*"},
			"kinesisvideo:GetClip":                    {streams + "*.*"},

			// As a viewer: it makes no channel and is no master of any.
			"kinesisvideo:DescribeSignalingChannel":    {anyChannel},
			"kinesisvideo:GetSignalingChannelEndpoint": {anyChannel},
			"kinesisvideo:GetIceServerConfig":          {anyChannel},
			"kinesisvideo:ConnectAsViewer":             {anyChannel},
		},
		"provision": {
			"dynamodb:GetItem":     {tableARN},
			"dynamodb:PutItem":     {tableARN},
			"dynamodb:UpdateItem":  {tableARN},
			"iot:DescribeEndpoint": {"*"},
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
		"thumbnails": { // and, unless asked for, no Rekognition
			"dynamodb:GetItem":            {tableARN},
			"dynamodb:PutItem":            {tableARN},
			"dynamodb:UpdateItem":         {tableARN},
			"s3:GetObject":                {"<" + bucket + ".Arn>/thumbnails/*"},
			"sns:Publish":                 {"<" + notices + ">"},
			"sqs:ReceiveMessage":          {"<" + pictures + ".Arn>"},
			"sqs:DeleteMessage":           {"<" + pictures + ".Arn>"},
			"sqs:GetQueueAttributes":      {"<" + pictures + ".Arn>"},
			"sqs:ChangeMessageVisibility": {"<" + pictures + ".Arn>"},
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
func TestDeviceRoleSendsOwnPicturesAndVideoReadsUpdatesAndAsksAboutFaces(t *testing.T) {
	tmpl := load(t)
	requests, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesRequests")
	answers, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesAnswers")
	queues := []string{"<" + answers + ".Arn>", "<" + requests + ".Arn>"}
	bucket, _ := tmpl.output(t, naming.OutThumbnailBucket)
	_, alias := tmpl.only(t, "AWS::IoT::RoleAlias")
	require.EqualValues(t, 3600, alias.Properties["CredentialDurationSeconds"])
	role := target(t, alias.Properties["RoleArn"])
	require.Equal(t, ownVideo(map[string][]string{
		"s3:PutObject":    {"<" + bucket + ".Arn>/thumbnails/${credentials-iot:ThingName}/*"},
		"sqs:SendMessage": queues,
		"sqs:GetQueueUrl": queues,
		"s3:GetObject":    {"<" + bucket + ".Arn>/updates/*"},
	}), tmpl.grants(t, role))
	require.Equal(t, "credentials.iot.amazonaws.com",
		at(t, tmpl.Resources[role].Properties, "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"))
}

// The role of a Greengrass core is not the stack's: it gets a policy attached.
func TestCoreFetchesComponentsAndSendsOwnPicturesAndVideoOnly(t *testing.T) {
	tmpl := load(t)
	components, _ := tmpl.output(t, naming.OutComponentBucket)
	pictures, _ := tmpl.output(t, naming.OutThumbnailBucket)
	_, policy := tmpl.output(t, naming.OutCorePolicy)
	require.Equal(t, "AWS::IAM::ManagedPolicy", policy.Type)
	for _, key := range []string{"Roles", "Users", "Groups"} {
		require.NotContains(t, policy.Properties, key)
	}
	got := map[string][]string{}
	for _, s := range at(t, policy.Properties, "PolicyDocument", "Statement").([]any) {
		require.Equal(t, "Allow", at(t, s, "Effect"))
		for _, action := range texts(t, at(t, s, "Action")) {
			got[action] = texts(t, at(t, s, "Resource"))
		}
	}
	require.Equal(t, ownVideo(map[string][]string{
		"s3:GetObject":         {"<" + components + ".Arn>/porchlight.*"},
		"s3:GetBucketLocation": {"<" + components + ".Arn>"},
		"s3:PutObject":         {"<" + pictures + ".Arn>/thumbnails/${credentials-iot:ThingName}/*"},
	}), got)
}

func TestThingPolicyReachesTheConnectedThingOnly(t *testing.T) {
	tmpl := load(t)
	alias, _ := tmpl.only(t, "AWS::IoT::RoleAlias")
	policy := tmpl.iotPolicy(t, "porchlight-prod-thing")
	const (
		arn    = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:"
		name   = "${iot:Connection.Thing.ThingName}"
		own    = "porchlight/v1/" + name + "/"
		things = "$aws/things/" + name + "/"
		conf   = things + "shadow/name/config/"
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
			arn + "topic/" + things + "jobs/*",
		},
		"iot:Subscribe": {
			arn + "topicfilter/" + own + "commands", arn + "topicfilter/" + own + "sensors/*/set",
			arn + "topicfilter/" + things + "*",
		},
		"iot:Receive":                   {arn + "topic/" + own + "*", arn + "topic/" + things + "*"},
		"iot:AssumeRoleWithCertificate": {"<" + alias + ".RoleAliasArn>"},
	}, got)
}

// TestThingPolicyFits resolves the policy where names are longest. AWS IoT
// refuses policies of more than 2048 characters, which no synthesis tells.
func TestThingPolicyFits(t *testing.T) {
	_, policy := load(t).output(t, naming.OutThingPolicyName)
	raw, err := json.Marshal(policy.Properties["PolicyDocument"])
	require.NoError(t, err)
	for _, place := range [][2]string{{"aws", "ap-southeast-2"}, {"aws-cn", "cn-northwest-1"}, {"aws-us-gov", "us-gov-west-1"}} {
		document := string(raw)
		for _, literal := range []string{`{"Fn::Join":["",[`, `]]}`} {
			document = strings.ReplaceAll(document, literal, "")
		}
		for ref, value := range map[string]string{"AWS::Partition": place[0], "AWS::Region": place[1], "AWS::AccountId": "123456789012"} {
			document = strings.ReplaceAll(document, `",{"Ref":"`+ref+`"},"`, value)
		}
		document = regexp.MustCompile(`\{"Fn::GetAtt":\[[^]]*\]\}`).ReplaceAllString(document,
			`"arn:`+place[0]+":iot:"+place[1]+`:123456789012:rolealias/porchlight-a-long-stage-device"`)
		require.True(t, json.Valid([]byte(document)), document)
		require.NotContains(t, document, "Ref")
		require.LessOrEqual(t, len(document), 2048, place)
	}
}
