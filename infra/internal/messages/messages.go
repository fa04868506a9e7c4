// Package messages makes the topic on which everything a device says is
// handed on, and the queue that keeps what could not be handled.
package messages

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// NewTopic makes the topic. It refuses publishers that do not use TLS.
func NewTopic(scope constructs.Construct, id string) awssns.Topic {
	return awssns.NewTopic(scope, jsii.String(id), &awssns.TopicProps{EnforceSSL: jsii.Bool(true)})
}

// NewDeadLetterQueue makes the queue: encrypted, TLS only, and as patient as
// SQS allows, so that a failure over a holiday can still be replayed.
func NewDeadLetterQueue(scope constructs.Construct, id string) awssqs.Queue {
	const mostDays = 14
	return awssqs.NewQueue(scope, jsii.String(id), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(mostDays)),
	})
}

// GrantPublish lets the grantee publish on the topic, and no more.
func GrantPublish(topic awssns.ITopic, grantee awsiam.IGrantable) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("sns:Publish"),
		Resources: &[]*string{topic.TopicArn()},
	}))
}

// GrantSend lets the grantee put messages into the queue, and no more.
func GrantSend(queue awssqs.IQueue, grantee awsiam.IGrantable) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("sqs:SendMessage"),
		Resources: &[]*string{queue.QueueArn()},
	}))
}
