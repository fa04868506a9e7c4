package rules

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiot"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/messages"
	"porchlight/infra/internal/naming"
)

// sqlVersion is the newest version of the IoT rules language that is not beta.
const sqlVersion = "2016-03-23"

// New makes a rule with two roles: one that can only publish on the target,
// one that can only send to the dead-letter queue.
func New(scope constructs.Construct, id string, props Props) {
	rule := constructs.NewConstruct(scope, jsii.String(id))
	filter := props.Topic
	if props.Filter != "" {
		filter = props.Filter
	}

	publish := role(rule, "PublishRole")
	messages.GrantPublish(props.Target, publish)
	fail := role(rule, "ErrorRole")
	messages.GrantSend(props.DeadLetters, fail)

	awsiot.NewCfnTopicRule(rule, jsii.String("Rule"), &awsiot.CfnTopicRuleProps{
		// Rule names take no hyphen.
		RuleName: jsii.String("porchlight_" + props.Stage + "_" + props.Topic),
		TopicRulePayload: &awsiot.CfnTopicRule_TopicRulePayloadProperty{
			Sql: jsii.String("SELECT *, topic() AS topic, timestamp() AS received_at FROM '" +
				naming.TopicRoot + "+/" + filter + "'"),
			AwsIotSqlVersion: jsii.String(sqlVersion),
			RuleDisabled:     jsii.Bool(false),
			Actions: &[]*awsiot.CfnTopicRule_ActionProperty{{
				Sns: &awsiot.CfnTopicRule_SnsActionProperty{
					TargetArn:     props.Target.TopicArn(),
					RoleArn:       publish.RoleArn(),
					MessageFormat: jsii.String("RAW"),
				},
			}},
			ErrorAction: &awsiot.CfnTopicRule_ActionProperty{
				Sqs: &awsiot.CfnTopicRule_SqsActionProperty{
					QueueUrl:  props.DeadLetters.QueueUrl(),
					RoleArn:   fail.RoleArn(),
					UseBase64: jsii.Bool(false),
				},
			},
		},
	})
}

// role is one that the rules engine of this account may assume.
func role(scope constructs.Construct, id string) awsiam.Role {
	return awsiam.NewRole(scope, jsii.String(id), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("iot.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()},
			},
		}),
	})
}
