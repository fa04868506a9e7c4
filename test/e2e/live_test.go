package e2e

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/stretchr/testify/require"

	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live/livetest"
)

// A camera is watched live through a channel that its device has made and is
// the master of with what its role may do.
func TestCameraIsWatchedLive(t *testing.T) {
	t.Parallel()
	m := boot(t, filepath.Join(t.TempDir(), "data"), syntheticCamera(t)...)
	env := m.environment()
	keys := credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "")
	control := kinesisvideo.New(kinesisvideo.Options{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]), Credentials: keys,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	await(t, "the camera's channel", func() bool {
		_, err := control.DescribeSignalingChannel(t.Context(), &kinesisvideo.DescribeSignalingChannelInput{ChannelName: aws.String("home.door")})
		return err == nil
	})
	v, err := livetest.New(t.Context(), livetest.Config{Signaling: signaling.Config{
		Channel: "home.door", Region: env["AWS_REGION"], Credentials: keys, Log: slog.New(slog.DiscardHandler),
		Directory: signaling.NewChannels(signaling.ChannelsConfig{Client: control}),
	}})
	require.NoError(t, err)
	t.Cleanup(v.Close)
	await(t, "pictures", func() bool { return v.Pictures() >= 20 && v.Phases().Picture > 0 })
	require.NotContains(t, m.log(), "signaling channel cannot be used")
}
