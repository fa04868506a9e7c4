// Package rules makes the IoT rules that hand on what devices publish.
package rules

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
)

// Props of one rule.
type Props struct {
	// Stage is the stage's name, part of the rule's name. Required.
	Stage string
	// Topic is the last part of the topics it listens to, under any thing,
	// like naming.TopicEvents. It also names the rule. Required.
	Topic string
	// Filter is what stands in place of Topic in the topics it listens to where
	// they have more levels, like naming.FilterSensors. Optional.
	Filter string
	// Target receives each message, with the fields topic and received_at
	// (milliseconds since 1970) added. Required.
	Target awssns.ITopic
	// DeadLetters receives a message that Target would not take. Required.
	DeadLetters awssqs.IQueue
}
