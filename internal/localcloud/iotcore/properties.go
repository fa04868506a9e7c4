package iotcore

import (
	"porchlight/internal/localcloud/iam"
)

// PolicyProperties are the properties of AWS::IoT::Policy.
type PolicyProperties struct {
	PolicyName     string
	PolicyDocument iam.Document
}

// TopicRuleProperties are the properties of AWS::IoT::TopicRule that are
// honored. RuleName must be set: CloudFormation makes one up where the template
// has none, and so must the caller.
type TopicRuleProperties struct {
	RuleName         string
	TopicRulePayload TopicRulePayload
}

// TopicRulePayload is the body of a rule.
type TopicRulePayload struct {
	Sql              string //nolint:revive // CloudFormation's name
	AwsIotSqlVersion string //nolint:revive // CloudFormation's name
	Description      string
	RuleDisabled     bool
	Actions          []Action
	ErrorAction      *Action
}

// Action is one action; exactly one member is set.
type Action struct {
	Sns    *SnsAction
	Sqs    *SqsAction
	Lambda *LambdaAction
}

// SnsAction publishes to a topic.
type SnsAction struct {
	TargetArn     string
	RoleArn       string
	MessageFormat string // RAW or empty
}

// SqsAction sends to a queue.
type SqsAction struct {
	QueueUrl  string //nolint:revive // CloudFormation's name
	RoleArn   string
	UseBase64 bool
}

// LambdaAction invokes a function asynchronously.
type LambdaAction struct {
	FunctionArn string
}

// RoleAliasProperties are the properties of AWS::IoT::RoleAlias.
type RoleAliasProperties struct {
	RoleAlias                 string
	RoleArn                   string
	CredentialDurationSeconds int // 900 to 43200; 0 means 3600
}

// ProvisioningTemplateProperties are the properties of
// AWS::IoT::ProvisioningTemplate that are honored. TemplateName must be set, as
// for rules.
type ProvisioningTemplateProperties struct {
	TemplateName        string
	TemplateType        string // FLEET_PROVISIONING or empty
	Description         string
	TemplateBody        string // JSON
	ProvisioningRoleArn string
	Enabled             bool
	PreProvisioningHook *ProvisioningHook
}

// ProvisioningHook names the function that is asked before a device is let in.
type ProvisioningHook struct {
	TargetArn      string
	PayloadVersion string // 2020-04-01 or empty
}
