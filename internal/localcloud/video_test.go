package localcloud

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/template"
)

const channelTemplate = `{"Resources":{
 "Stream": {"Type":"AWS::KinesisVideo::Stream","Properties":{"Name":"porch","DataRetentionInHours":24}},
 "Channel": {"Type":"AWS::KinesisVideo::SignalingChannel","Properties":{"Name":"porch","Type":"SINGLE_MASTER","MessageTtlSeconds":30}}},
 "Outputs":{"Arn":{"Value":{"Fn::GetAtt":["Channel","Arn"]}}}}`

// videoCloud is the part of a cloud that video needs.
func videoCloud(t *testing.T, turn string) (*Cloud, error) {
	t.Helper()
	stack, err := template.Load(template.Environment{Region: "us-east-1", AccountID: AccountID, StackName: "porchlight"}, []byte(channelTemplate))
	require.NoError(t, err)
	_, cancel := context.WithCancel(t.Context())
	c := &Cloud{stack: stack, cancel: cancel, cfg: Config{Dir: t.TempDir(), Region: "us-east-1", Log: slog.New(slog.DiscardHandler), Listen: Addresses{TURN: turn}}}
	c.roles, err = newRoles(stack)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c, c.openVideo(t.Context())
}

func TestChannelsComeFromTheTemplate(t *testing.T) {
	c, err := videoCloud(t, "127.0.0.1:0")
	require.NoError(t, err)
	require.Equal(t, c.stack.Outputs["Arn"], c.signaling.ChannelARN("porch"))
	require.Equal(t, "arn:aws:kinesisvideo:us-east-1:000000000000:stream/porch/1577836800000", c.video.StreamARN("porch"))
	conn, err := net.Dial("tcp", c.Addresses().TURN)
	require.NoError(t, err)
	conn.Close()
}

func TestRelayPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = videoCloud(t, taken.Addr().String())
	require.ErrorIs(t, err, signaling.ErrRelay)
	require.ErrorContains(t, err, "--turn")
}

func TestWithoutRelay(t *testing.T) {
	c, err := videoCloud(t, "")
	require.NoError(t, err)
	require.Empty(t, c.Addresses().TURN)
}
