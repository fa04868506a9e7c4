package provisioning

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiot"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
)

// hookVersion is the only version of the hook's input there is.
const hookVersion = "2020-04-01"

// Provisioning is the template and the claim policy, as a device's
// configuration and the operator's tools name them.
type Provisioning struct {
	template awsiot.CfnProvisioningTemplate
	claim    awsiot.CfnPolicy
}

// New makes the template with its role and hook permission, and the claim
// policy.
func New(scope constructs.Construct, id string, props Props) *Provisioning {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	name := naming.Scoped(props.Stage, "device")
	permission := awslambda.NewCfnPermission(parent, jsii.String("AskHook"), &awslambda.CfnPermissionProps{
		Action:        jsii.String("lambda:InvokeFunction"),
		FunctionName:  props.Hook.FunctionArn(),
		Principal:     jsii.String("iot.amazonaws.com"),
		SourceAccount: awscdk.Aws_ACCOUNT_ID(),
		SourceArn: awscdk.Stack_Of(parent).FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("iot"), Resource: jsii.String("provisioningtemplate"), ResourceName: jsii.String(name),
		}),
	})
	allowDescribeEndpoint(props.Hook)

	// What it does goes by the resources of the template below, which is the
	// service's own business; AWS asks for this policy.
	role := awsiam.NewRole(parent, jsii.String("Role"), &awsiam.RoleProps{
		Description: jsii.String("Makes things of Porchlight devices"),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("iot.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
		}),
		ManagedPolicies: &[]awsiam.IManagedPolicy{
			awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AWSIoTThingsRegistration")),
		},
	})
	template := awsiot.NewCfnProvisioningTemplate(parent, jsii.String("Template"), &awsiot.CfnProvisioningTemplateProps{
		TemplateName:        jsii.String(name),
		TemplateType:        jsii.String("FLEET_PROVISIONING"),
		Description:         jsii.String("Porchlight devices, by claim"),
		Enabled:             jsii.Bool(true),
		ProvisioningRoleArn: role.RoleArn(),
		PreProvisioningHook: &awsiot.CfnProvisioningTemplate_ProvisioningHookProperty{
			PayloadVersion: jsii.String(hookVersion), TargetArn: props.Hook.FunctionArn(),
		},
		TemplateBody: awscdk.Stack_Of(parent).ToJsonString(body(parent, props), nil),
	})
	// A template whose hook may not be asked yet is refused.
	template.AddResourceDependency(permission, nil)

	claim := awsiot.NewCfnPolicy(parent, jsii.String("ClaimPolicy"), &awsiot.CfnPolicyProps{
		PolicyName:     jsii.String(naming.Scoped(props.Stage, "claim")),
		PolicyDocument: claimPolicy(parent, name),
	})
	return &Provisioning{template: template, claim: claim}
}

// TemplateName is the provisioning template's name, known when it is deployed.
func (p *Provisioning) TemplateName() *string { return p.template.Ref() }

// ClaimPolicyName is the claim policy's name, known when it is deployed.
func (p *Provisioning) ClaimPolicyName() *string { return p.claim.Ref() }

// allowDescribeEndpoint lets the hook ask for the account's endpoints, which
// are no resources that could be named.
func allowDescribeEndpoint(hook awslambda.Function) {
	hook.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("iot:DescribeEndpoint"), Resources: jsii.Strings("*"),
	}))
}
