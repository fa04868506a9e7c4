package kvs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/sts"
)

// cli runs the real AWS CLI against the front door; it finds Debian's first.
type cli struct {
	t    *testing.T
	path string
	url  string
	env  []string
}

func newCLI(t *testing.T, w *world, c sts.Credentials) cli {
	t.Helper()
	path := "/usr/bin/aws"
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("aws"); err != nil {
			t.Skip("the AWS CLI is not installed: apt install awscli")
		}
	}
	return cli{t, path, w.server.URL, []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_DEFAULT_REGION=" + region, "AWS_PAGER=",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_ACCESS_KEY_ID=" + c.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken}}
}

func (c cli) run(args ...string) (string, error) {
	cmd := exec.CommandContext(c.t.Context(), c.path, append([]string{"--endpoint-url", c.url, "--output", "json"}, args...)...)
	cmd.Env = c.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func (c cli) ok(into any, args ...string) {
	c.t.Helper()
	out, err := c.run(args...)
	require.NoError(c.t, err, "aws %s: %s", strings.Join(args, " "), out)
	if into != nil {
		require.NoError(c.t, json.Unmarshal([]byte(out), into), out)
	}
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	aws := newCLI(t, w, w.keys.Admin())
	var created struct{ StreamARN string }
	aws.ok(&created, "kinesisvideo", "create-stream", "--stream-name", "porch", "--data-retention-in-hours", "24", "--tags", "room=hall")
	require.Contains(t, created.StreamARN, "stream/porch/")
	var streams struct {
		StreamInfoList []struct{ StreamName, Status string }
	}
	aws.ok(&streams, "kinesisvideo", "list-streams")
	require.Len(t, streams.StreamInfoList, 1)
	require.Equal(t, "porch", streams.StreamInfoList[0].StreamName)
	var described struct {
		StreamInfo struct {
			StreamARN, Status    string
			DataRetentionInHours int
		}
	}
	aws.ok(&described, "kinesisvideo", "describe-stream", "--stream-name", "porch")
	require.Equal(t, created.StreamARN, described.StreamInfo.StreamARN)
	require.Equal(t, "ACTIVE", described.StreamInfo.Status)
	require.Equal(t, 24, described.StreamInfo.DataRetentionInHours)
	var endpoint struct{ DataEndpoint string }
	aws.ok(&endpoint, "kinesisvideo", "get-data-endpoint", "--stream-name", "porch", "--api-name", "LIST_FRAGMENTS")
	require.Equal(t, w.server.URL, endpoint.DataEndpoint)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.record(t, opening{stream: "porch", start: began}, film(t, "6"))
	from, to := began.UTC().Format(time.RFC3339Nano), began.Add(time.Minute).UTC().Format(time.RFC3339Nano)

	var listed struct {
		Fragments []struct{ FragmentNumber, ProducerTimestamp string }
	}
	aws.ok(&listed, "kinesis-video-archived-media", "list-fragments", "--stream-name", "porch", "--fragment-selector",
		"FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={StartTimestamp="+from+",EndTimestamp="+to+"}")
	require.Len(t, listed.Fragments, 3)

	var session struct{ HLSStreamingSessionURL string }
	aws.ok(&session, "kinesis-video-archived-media", "get-hls-streaming-session-url", "--stream-name", "porch", "--playback-mode", "ON_DEMAND",
		"--hls-fragment-selector", "FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={StartTimestamp="+from+",EndTimestamp="+to+"}")
	require.Equal(t, 60, examine(t, session.HLSStreamingSessionURL).frames("video"))
	var dash struct{ DASHStreamingSessionURL string }
	aws.ok(&dash, "kinesis-video-archived-media", "get-dash-streaming-session-url", "--stream-name", "porch", "--playback-mode", "ON_DEMAND",
		"--dash-fragment-selector", "FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={StartTimestamp="+from+",EndTimestamp="+to+"}")
	require.Equal(t, 60, examine(t, dash.DASHStreamingSessionURL).frames("video"))

	dir := t.TempDir()
	clip, media, part := filepath.Join(dir, "clip.mp4"), filepath.Join(dir, "media.mkv"), filepath.Join(dir, "part.mkv")
	aws.ok(nil, "kinesis-video-archived-media", "get-clip", "--stream-name", "porch", "--clip-fragment-selector",
		"FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={StartTimestamp="+from+",EndTimestamp="+to+"}", clip)
	require.Equal(t, 60, examine(t, clip).frames("video"))
	aws.ok(nil, "kinesis-video-media", "get-media", "--stream-name", "porch", "--start-selector", "StartSelectorType=EARLIEST", media)
	aws.ok(nil, "kinesis-video-archived-media", "get-media-for-fragment-list", part, "--stream-name", "porch", "--fragments", listed.Fragments[1].FragmentNumber)
	require.Equal(t, 20, examine(t, part).frames("video"))
	raw, err := os.ReadFile(media)
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(raw, []byte("AWS_KINESISVIDEO_FRAGMENT_NUMBER")))

	var pictures struct {
		Images []struct{ Error, ImageContent string }
	}
	aws.ok(&pictures, "kinesis-video-archived-media", "get-images", "--stream-name", "porch", "--image-selector-type", "PRODUCER_TIMESTAMP",
		"--format", "JPEG", "--sampling-interval", "3000", "--start-timestamp", from, "--end-timestamp", began.Add(4*time.Second).UTC().Format(time.RFC3339Nano))
	require.Len(t, pictures.Images, 2)
	require.NotEmpty(t, pictures.Images[1].ImageContent, "the CLI cuts times to seconds: the first lies before the recording")

	out, err := aws.run("kinesisvideo", "describe-stream", "--stream-name", "attic")
	require.Error(t, err)
	require.Contains(t, out, "ResourceNotFoundException")
}

func TestRecordedFootage(t *testing.T) {
	t.Parallel()
	data := os.Getenv("PORCHLIGHT_TESTDATA")
	if data == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: it names a folder with footage/")
	}
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 24)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	// As a camera encoded it, with the key frames it chose: nothing is encoded anew.
	mkv := ffmpeg(t, "-i", filepath.Join(data, "footage", "one-by-one-person-detection.mp4"), "-t", "30", "-map", "0:v:0", "-c", "copy",
		"-cluster_time_limit", "30000", "-cluster_size_limit", "50000000", "-f", "matroska", "pipe:1")
	acks := w.record(t, opening{stream: "porch", start: began}, mkv)
	require.Zero(t, len(acks)%3)
	p := examine(t, w.clip(t, began, began.Add(time.Minute)))
	require.InDelta(t, 30, p.seconds(t), 1)
}
