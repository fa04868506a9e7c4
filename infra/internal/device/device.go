package device

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiot"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
	"porchlight/infra/internal/video"
)

// credentialSeconds is how long a device's credentials last.
const credentialSeconds = 3600

// Device is the policy and the role alias, as a device's configuration names
// them.
type Device struct {
	role   awsiam.Role
	policy awsiot.CfnPolicy
	alias  awsiot.CfnRoleAlias
}

// New makes the role, its alias and the policy.
func New(scope constructs.Construct, id string, props Props) *Device {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	role := awsiam.NewRole(parent, jsii.String("Role"), &awsiam.RoleProps{
		Description: jsii.String("What a Porchlight device does beyond MQTT"),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("credentials.iot.amazonaws.com"), nil),
	})
	props.Thumbnails.GrantPutByThing(role)
	props.Thumbnails.GrantReadUpdates(role)
	video.GrantSendByThing(parent, role)
	video.GrantShowByThing(parent, role)

	alias := awsiot.NewCfnRoleAlias(parent, jsii.String("RoleAlias"), &awsiot.CfnRoleAliasProps{
		RoleAlias:                 jsii.String(naming.Scoped(props.Stage, "device")),
		RoleArn:                   role.RoleArn(),
		CredentialDurationSeconds: jsii.Number(credentialSeconds),
	})
	policy := awsiot.NewCfnPolicy(parent, jsii.String("ThingPolicy"), &awsiot.CfnPolicyProps{
		PolicyName:     jsii.String(naming.Scoped(props.Stage, "thing")),
		PolicyDocument: thingPolicy(parent, alias),
	})
	return &Device{role: role, policy: policy, alias: alias}
}

// Role is what devices swap their certificates for.
func (d *Device) Role() awsiam.Role { return d.role }

// PolicyName is the IoT policy's name, known when it is deployed.
func (d *Device) PolicyName() *string { return d.policy.Ref() }

// RoleAliasName is the role alias' name, known when it is deployed.
func (d *Device) RoleAliasName() *string { return d.alias.Ref() }
