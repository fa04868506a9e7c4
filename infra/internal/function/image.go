package function

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecrassets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/loggroup"
	"porchlight/infra/internal/naming"
)

// imageMemoryMiB gives a little more than half a processor, and room for the
// networks.
const imageMemoryMiB = 1024

// NewImage makes a function out of a container image, for what needs shared
// libraries. It is for x86-64, which the image can be built on most machines
// for. The image is built when the stack is deployed; making the template
// takes no Docker.
func NewImage(scope constructs.Construct, id string, props Props) awslambda.Function {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	logs := loggroup.New(parent, "Logs", props.Stage.LogDays)
	role := awsiam.NewRole(parent, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	logs.GrantWrite(role)

	fn := awslambda.NewDockerImageFunction(parent, jsii.String("Function"), &awslambda.DockerImageFunctionProps{
		Description:  jsii.String(props.Description),
		Architecture: awslambda.Architecture_X86_64(),
		Code: awslambda.DockerImageCode_FromImageAsset(jsii.String(filepath.Join(props.Stage.Lambdas, props.Name)),
			&awslambda.AssetImageCodeProps{Platform: awsecrassets.Platform_LINUX_AMD64()}),
		MemorySize:    jsii.Number(imageMemoryMiB),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(props.TimeoutSeconds)),
		Environment:   &props.Environment,
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
	})
	fn.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String(naming.LambdaMetadata), props.Name)
	return fn
}
