package function

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/loggroup"
	"porchlight/infra/internal/naming"
)

const (
	memoryMiB     = 256
	retries       = 2 // the most that Lambda allows
	maxAgeMinutes = 6 * 60
)

// New makes the function. Its role starts with nothing but writing to its own
// log group; what else it may do, the caller grants.
func New(scope constructs.Construct, id string, props Props) awslambda.Function {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	logs := loggroup.New(parent, "Logs", props.Stage.LogDays)
	role := awsiam.NewRole(parent, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	logs.GrantWrite(role)

	fn := awslambda.NewFunction(parent, jsii.String("Function"), &awslambda.FunctionProps{
		Description:   jsii.String(props.Description),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String("bootstrap"),
		Code:          awslambda.Code_FromAsset(jsii.String(filepath.Join(props.Stage.Lambdas, props.Name)), nil),
		MemorySize:    jsii.Number(memoryMiB),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(props.TimeoutSeconds)),
		Environment:   &props.Environment,
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
	})
	fn.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String(naming.LambdaMetadata), props.Name)

	if props.DeadLetters != nil {
		fn.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
			OnFailure:     awslambdadestinations.NewSqsDestination(props.DeadLetters),
			RetryAttempts: jsii.Number(retries),
			MaxEventAge:   awscdk.Duration_Minutes(jsii.Number(maxAgeMinutes)),
		})
	}
	return fn
}
