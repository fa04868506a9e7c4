package signaling_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/signaling"
)

// TestAWSCLI runs the real AWS CLI against the front door; it finds Debian's first.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	path := "/usr/bin/aws"
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("aws"); err != nil {
			t.Skip("the AWS CLI is not installed: apt install awscli")
		}
	}
	w := start(t, t.TempDir(), func(c *signaling.Config) { c.Relay = "127.0.0.1:0" })
	admin := w.keys.Admin()
	run := func(into any, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append([]string{"--endpoint-url", w.server.URL, "--output", "json"}, args...)...)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_DEFAULT_REGION=" + region, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
			"AWS_MAX_ATTEMPTS=1", "AWS_ACCESS_KEY_ID=" + admin.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + admin.SecretAccessKey}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(t, cmd.Run(), "aws %s: %s", strings.Join(args, " "), out.String())
		if into != nil {
			require.NoError(t, json.Unmarshal(out.Bytes(), into), out.String())
		}
	}
	var created struct{ ChannelARN string }
	run(&created, "kinesisvideo", "create-signaling-channel", "--channel-name", "porch", "--tags", "Key=room,Value=hall")
	require.Contains(t, created.ChannelARN, "channel/porch/")
	var listed struct {
		ChannelInfoList []struct{ ChannelName, ChannelStatus string }
	}
	run(&listed, "kinesisvideo", "list-signaling-channels")
	require.Equal(t, []struct{ ChannelName, ChannelStatus string }{{"porch", "ACTIVE"}}, listed.ChannelInfoList)
	var tags struct{ Tags map[string]string }
	run(&tags, "kinesisvideo", "list-tags-for-resource", "--resource-arn", created.ChannelARN)
	require.Equal(t, map[string]string{"room": "hall"}, tags.Tags)
	var endpoints struct {
		ResourceEndpointList []struct{ Protocol, ResourceEndpoint string }
	}
	run(&endpoints, "kinesisvideo", "get-signaling-channel-endpoint", "--channel-arn", created.ChannelARN,
		"--single-master-channel-endpoint-configuration", "Protocols=WSS,HTTPS,Role=MASTER")
	require.Len(t, endpoints.ResourceEndpointList, 2)
	var ice struct {
		IceServerList []struct {
			Uris []string
			Ttl  int //nolint:revive // the name in the API
		}
	}
	run(&ice, "kinesis-video-signaling", "get-ice-server-config", "--channel-arn", created.ChannelARN)
	require.Len(t, ice.IceServerList, 1)
	require.Equal(t, 300, ice.IceServerList[0].Ttl)
	var described struct{ ChannelInfo struct{ Version string } }
	run(&described, "kinesisvideo", "describe-signaling-channel", "--channel-name", "porch")
	run(nil, "kinesisvideo", "update-signaling-channel", "--channel-arn", created.ChannelARN, "--current-version", described.ChannelInfo.Version,
		"--single-master-configuration", "MessageTtlSeconds=30")
	run(nil, "kinesisvideo", "delete-signaling-channel", "--channel-arn", created.ChannelARN)
	run(&listed, "kinesisvideo", "list-signaling-channels")
	require.Empty(t, listed.ChannelInfoList)
}
