package video

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
)

// GrantView lets the grantee hand out addresses at which viewers connect to
// signaling channels, and the relays of those. A camera's channel has its name
// and is made by its device, so it is all whose names are those of cameras;
// whose they are, the grantee checks. An address that it signs is good for one
// channel and one viewer.
func GrantView(scope constructs.Construct, grantee awsiam.IGrantable) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(channelStatement(scope, "*.*/*",
		"kinesisvideo:DescribeSignalingChannel", "kinesisvideo:GetSignalingChannelEndpoint",
		"kinesisvideo:GetIceServerConfig", "kinesisvideo:ConnectAsViewer"))
}
