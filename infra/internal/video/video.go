// Package video makes what a device may do with Kinesis Video Streams.
package video

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Produce lets a role that IoT's credentials provider hands out make the
// streams of the cameras of the thing whose certificate was shown, and send
// video to them. It can see what they hold, and read none of it. A stream has its camera's name,
// which is the thing's with a dot and a name behind it.
func Produce(scope constructs.Construct) awsiam.PolicyStatement {
	streams := awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("kinesisvideo"), Resource: jsii.String("stream"), ResourceName: jsii.String("${credentials-iot:ThingName}.*/*"),
	})
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(
			"kinesisvideo:CreateStream", "kinesisvideo:DescribeStream", "kinesisvideo:GetDataEndpoint", "kinesisvideo:ListFragments", "kinesisvideo:PutMedia",
			"kinesisvideo:TagStream", "kinesisvideo:UpdateImageGenerationConfiguration",
		),
		Resources: &[]*string{streams},
	})
}
