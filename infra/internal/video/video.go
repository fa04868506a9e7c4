// Package video says who may do what with the streams and signaling channels
// of Kinesis Video Streams. The stack makes none: those of a camera are made by
// its device, on first use, and are named <thing>.<camera>.
package video

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// GrantPlay lets the grantee find out what streams hold and hand out URLs and
// files of it. Which streams there will be is not known when the stack is
// deployed, so it is all of the account's whose names are those of cameras, in
// which a dot is; whose they are, the grantee checks.
func GrantPlay(scope constructs.Construct, grantee awsiam.IGrantable) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(statement(scope, "*.*",
		"kinesisvideo:GetDataEndpoint", "kinesisvideo:ListFragments", "kinesisvideo:GetHLSStreamingSessionURL",
		"kinesisvideo:GetDASHStreamingSessionURL", "kinesisvideo:GetClip"))
}

// GrantSendByThing lets a role that IoT's credentials provider hands out make
// the streams of the thing whose certificate was shown, and send to them. No
// other thing's begin with its name and a dot: names of things have none.
func GrantSendByThing(scope constructs.Construct, role awsiam.IRole) {
	role.GrantPrincipal().AddToPrincipalPolicy(SendByThing(scope))
}

// SendByThing is the statement of GrantSendByThing, for a role outside the
// stack. Pictures that the service makes of what is sent, it stores with the
// same role's rights.
func SendByThing(scope constructs.Construct) awsiam.PolicyStatement {
	return statement(scope, "${credentials-iot:ThingName}.*",
		"kinesisvideo:CreateStream", "kinesisvideo:TagStream", "kinesisvideo:DescribeStream",
		"kinesisvideo:DescribeImageGenerationConfiguration", "kinesisvideo:UpdateImageGenerationConfiguration",
		"kinesisvideo:GetDataEndpoint", "kinesisvideo:PutMedia", "kinesisvideo:ListFragments")
}

// GrantShowByThing lets a role that IoT's credentials provider hands out make
// the signaling channels of the thing whose certificate was shown, and be their
// master. It may not be a viewer of its own cameras or of anyone's.
func GrantShowByThing(scope constructs.Construct, role awsiam.IRole) {
	role.GrantPrincipal().AddToPrincipalPolicy(ShowByThing(scope))
}

// ShowByThing is the statement of GrantShowByThing, for a role outside the
// stack.
func ShowByThing(scope constructs.Construct) awsiam.PolicyStatement {
	return channelStatement(scope, "${credentials-iot:ThingName}.*/*",
		"kinesisvideo:CreateSignalingChannel", "kinesisvideo:TagResource", "kinesisvideo:DescribeSignalingChannel",
		"kinesisvideo:GetSignalingChannelEndpoint", "kinesisvideo:GetIceServerConfig", "kinesisvideo:ConnectAsMaster")
}

// channelStatement allows actions on signaling channels, whose ARNs end in when
// they were made.
func channelStatement(scope constructs.Construct, names string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(actions...),
		Resources: &[]*string{awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("kinesisvideo"), Resource: jsii.String("channel"), ResourceName: jsii.String(names),
		})},
	})
}

// statement allows actions on streams. An ARN ends in when its stream was
// made, which the star of names takes in.
func statement(scope constructs.Construct, names string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(actions...),
		Resources: &[]*string{awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("kinesisvideo"), Resource: jsii.String("stream"), ResourceName: jsii.String(names),
		})},
	})
}
