package template

import (
	"fmt"
	"strings"
)

// kind tells how resources of one type are named and what may be asked of them.
type kind struct {
	nameProperty string // property that holds the given name, if the type has one
	style        style  // shape of generated names
	arn          string // ARN pattern: {name}, {NAME} in capitals, and the pseudo parameters {region} {account} {partition}
	ref          string // what Ref returns, as a pattern; empty: the name
	attributes   map[string]string
	// inert says why the local cloud accepts the type and does nothing with it; empty: some room acts on it.
	inert string
}

// Inert returns, for each resource type that is accepted but has no effect on
// one machine, the reason why that is right.
func Inert() map[string]string {
	out := map[string]string{}
	for name, k := range types() {
		if k.inert != "" {
			out[name] = k.inert
		}
	}
	return out
}

const (
	inertPolicy = "inside one account the caller's own policy decides, and services deliver only where the template subscribes them"
	inertKey    = "data at rest is protected by the file permissions of the data directory"
	inertAlarm  = "there are no metrics to alarm on"
	inertLogs   = "function output goes to the local log"
	inertDomain = "the local sign-in has its own page"
)

// types is the table of everything that may stand in a template.
func types() map[string]kind {
	table := kind{nameProperty: "TableName", arn: "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
		attributes: map[string]string{"Arn": "{arn}"}}
	return map[string]kind{
		"AWS::DynamoDB::Table":       table,
		"AWS::DynamoDB::GlobalTable": table,
		"AWS::SNS::Topic": {nameProperty: "TopicName", arn: "arn:{partition}:sns:{region}:{account}:{name}", ref: "{arn}",
			attributes: map[string]string{"TopicArn": "{arn}", "TopicName": "{name}"}},
		"AWS::SNS::Subscription": {style: styleUUID},
		"AWS::SNS::TopicPolicy":  {inert: inertPolicy},
		"AWS::SQS::Queue": {nameProperty: "QueueName", arn: "arn:{partition}:sqs:{region}:{account}:{name}",
			ref: "{endpoint}/{account}/{name}",
			attributes: map[string]string{"Arn": "{arn}", "QueueName": "{name}",
				"QueueUrl": "{endpoint}/{account}/{name}"}},
		"AWS::SQS::QueuePolicy": {inert: inertPolicy},
		"AWS::S3::Bucket": {nameProperty: "BucketName", style: styleLower, arn: "arn:{partition}:s3:::{name}",
			attributes: map[string]string{"Arn": "{arn}", "DomainName": "{name}.s3.amazonaws.com",
				"RegionalDomainName": "{name}.s3.{region}.amazonaws.com"}},
		"AWS::S3::BucketPolicy": {inert: inertPolicy},
		"AWS::Lambda::Function": {nameProperty: "FunctionName",
			arn:        "arn:{partition}:lambda:{region}:{account}:function:{name}",
			attributes: map[string]string{"Arn": "{arn}"}},
		"AWS::Lambda::Permission":         {},
		"AWS::Lambda::EventInvokeConfig":  {},
		"AWS::Lambda::EventSourceMapping": {style: styleUUID, attributes: map[string]string{"Id": "{name}"}},
		"AWS::IAM::Role": {nameProperty: "RoleName", arn: "arn:{partition}:iam::{account}:role/{name}",
			attributes: map[string]string{"Arn": "{arn}", "RoleId": "AROA{NAME}"}}, // as package sts has it
		"AWS::IAM::Policy": {nameProperty: "PolicyName"},
		"AWS::IAM::ManagedPolicy": {nameProperty: "ManagedPolicyName", ref: "{arn}",
			arn:        "arn:{partition}:iam::{account}:policy/{name}",
			attributes: map[string]string{"PolicyArn": "{arn}"}},
		"AWS::Logs::LogGroup": {nameProperty: "LogGroupName", inert: inertLogs,
			arn:        "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
			attributes: map[string]string{"Arn": "{arn}"}},
		"AWS::IoT::TopicRule": {nameProperty: "RuleName", style: styleUnderscore,
			arn:        "arn:{partition}:iot:{region}:{account}:rule/{name}",
			attributes: map[string]string{"Arn": "{arn}"}},
		"AWS::IoT::Policy": {nameProperty: "PolicyName", arn: "arn:{partition}:iot:{region}:{account}:policy/{name}",
			attributes: map[string]string{"Arn": "{arn}", "Id": "{name}"}},
		"AWS::IoT::RoleAlias": {nameProperty: "RoleAlias", arn: "arn:{partition}:iot:{region}:{account}:rolealias/{name}",
			attributes: map[string]string{"RoleAliasArn": "{arn}"}},
		"AWS::IoT::ProvisioningTemplate": {nameProperty: "TemplateName", style: styleShort,
			arn:        "arn:{partition}:iot:{region}:{account}:provisioningtemplate/{name}",
			attributes: map[string]string{"TemplateArn": "{arn}"}},
		"AWS::IoT::ThingGroup": {nameProperty: "ThingGroupName",
			arn:        "arn:{partition}:iot:{region}:{account}:thinggroup/{name}",
			attributes: map[string]string{"Arn": "{arn}", "Id": "{name}"}},
		"AWS::Cognito::UserPool": {style: stylePool, arn: "arn:{partition}:cognito-idp:{region}:{account}:userpool/{name}",
			attributes: map[string]string{"Arn": "{arn}", "UserPoolId": "{name}",
				"ProviderName": "cognito-idp.{region}.amazonaws.com/{name}",
				"ProviderURL":  "https://cognito-idp.{region}.amazonaws.com/{name}"}},
		"AWS::Cognito::UserPoolClient": {style: styleClient, attributes: map[string]string{"ClientId": "{name}"}},
		"AWS::Cognito::UserPoolDomain": {nameProperty: "Domain", inert: inertDomain},
		"AWS::ApiGatewayV2::Api": {style: styleShort, arn: "arn:{partition}:apigateway:{region}::/apis/{name}",
			attributes: map[string]string{"ApiId": "{name}", "ApiEndpoint": "https://{name}.execute-api.{region}.amazonaws.com"}},
		"AWS::ApiGatewayV2::Stage":       {nameProperty: "StageName"},
		"AWS::ApiGatewayV2::Route":       {style: styleShort, attributes: map[string]string{"RouteId": "{name}"}},
		"AWS::ApiGatewayV2::Integration": {style: styleShort, attributes: map[string]string{"IntegrationId": "{name}"}},
		"AWS::ApiGatewayV2::Authorizer":  {style: styleShort, attributes: map[string]string{"AuthorizerId": "{name}"}},
		"AWS::SecretsManager::Secret": {nameProperty: "Name", ref: "{arn}",
			arn:        "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{suffix}",
			attributes: map[string]string{"Id": "{arn}"}},
		// The last part of a stream's ARN is when it was made, which a template cannot know.
		"AWS::KinesisVideo::Stream": {nameProperty: "Name", arn: "arn:{partition}:kinesisvideo:{region}:{account}:stream/{name}/1577836800000",
			attributes: map[string]string{"Arn": "{arn}"}},
		"AWS::KinesisVideo::SignalingChannel": {nameProperty: "Name", arn: "arn:{partition}:kinesisvideo:{region}:{account}:channel/{name}/1577836800000",
			attributes: map[string]string{"Arn": "{arn}"}},
		"AWS::KMS::Key": {style: styleUUID, inert: inertKey, arn: "arn:{partition}:kms:{region}:{account}:key/{name}",
			attributes: map[string]string{"Arn": "{arn}", "KeyId": "{name}"}},
		"AWS::KMS::Alias": {nameProperty: "AliasName", inert: inertKey},
		"AWS::CloudWatch::Alarm": {nameProperty: "AlarmName", inert: inertAlarm,
			arn:        "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
			attributes: map[string]string{"Arn": "{arn}"}},
	}
}

// identify fills in the name, ARN, Ref value and attributes of a resource
// whose properties are already resolved.
func (k kind) identify(env Environment, res *Resource) error {
	res.Name = k.style.generate(env, res.LogicalID)
	if k.nameProperty != "" {
		if given, ok := res.Properties[k.nameProperty]; ok {
			name, err := scalar(given)
			if err != nil {
				return fmt.Errorf("%s: %w", k.nameProperty, err)
			}
			res.Name = name
		}
	}
	endpoint := strings.TrimSuffix(env.Endpoint, "/")
	if endpoint == "" {
		endpoint = "https://sqs." + env.Region + ".amazonaws.com"
	}
	pairs := []string{"{name}", res.Name, "{NAME}", strings.ToUpper(res.Name), "{region}", env.Region, "{account}", env.AccountID,
		"{partition}", env.Partition, "{endpoint}", endpoint, "{suffix}", base62(env.StackName, res.LogicalID, 6)}
	res.ARN = strings.NewReplacer(pairs...).Replace(k.arn)
	fill := strings.NewReplacer(append(pairs, "{arn}", res.ARN)...)
	res.PhysicalID = res.Name
	if k.ref != "" {
		res.PhysicalID = fill.Replace(k.ref)
	}
	res.Attributes = make(map[string]string, len(k.attributes))
	for attr, pattern := range k.attributes {
		res.Attributes[attr] = fill.Replace(pattern)
	}
	if res.Type == "AWS::SNS::Subscription" {
		topic, _ := res.Properties["TopicArn"].(string)
		res.ARN = topic + ":" + res.Name
		res.PhysicalID = res.ARN
		res.Attributes["Arn"] = res.ARN
	}
	return nil
}
