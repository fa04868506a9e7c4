package provisioning

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"porchlight/infra/internal/naming"
)

// body is the provisioning template, in a language of its own that is like
// CloudFormation's:
// https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html.
func body(scope constructs.Construct, props Props) map[string]any {
	text := map[string]any{"Type": "String"}
	ref := func(name string) map[string]any { return map[string]any{"Ref": name} }
	return map[string]any{
		"Parameters": map[string]any{
			naming.ParameterSerial:              text,
			naming.ParameterThing:               text,
			naming.ParameterCredentialsEndpoint: text,
			"AWS::IoT::Certificate::Id":         text,
		},
		"Resources": map[string]any{
			"thing": map[string]any{
				"Type": "AWS::IoT::Thing",
				"Properties": map[string]any{
					"ThingName":        ref(naming.ParameterThing),
					"AttributePayload": map[string]any{"serial": ref(naming.ParameterSerial)},
				},
				// A device that comes again finds its thing there.
				"OverrideSettings": map[string]any{"AttributePayload": "MERGE", "ThingTypeName": "DO_NOTHING", "ThingGroups": "DO_NOTHING"},
			},
			"certificate": map[string]any{
				"Type":       "AWS::IoT::Certificate",
				"Properties": map[string]any{"CertificateId": ref("AWS::IoT::Certificate::Id"), "Status": "ACTIVE"},
			},
			"policy": map[string]any{
				"Type":       "AWS::IoT::Policy",
				"Properties": map[string]any{"PolicyName": props.Device.PolicyName()},
			},
		},
		// What a device must know besides how it got here.
		"DeviceConfiguration": map[string]any{
			"region":               awscdk.Stack_Of(scope).Region(),
			"role_alias":           props.Device.RoleAliasName(),
			"thumbnail_bucket":     props.Thumbnails.Name(),
			"credentials_endpoint": ref(naming.ParameterCredentialsEndpoint),
		},
	}
}
