package kvs_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/ingest"
)

var segment = regexp.MustCompile(`FragmentNumber=(\d{47})&SequenceNumber=(\d+)`)

// segments returns the fragments of a media playlist by their sequence number.
func segments(list string) map[string]string {
	found := map[string]string{}
	for _, m := range segment.FindAllStringSubmatch(list, -1) {
		found[m[2]] = m[1]
	}
	return found
}

func TestHLSLive(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 1)
	header, clusters := split(t, film(t, "16"))
	require.Len(t, clusters, 8)
	var missing *types.ResourceNotFoundException
	_, err := w.archive().GetHLSStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{StreamName: aws.String("porch")})
	require.ErrorAs(t, err, &missing, "nothing came yet")

	u := w.open(t, opening{stream: "porch", start: time.Now()})
	u.send(header)
	send := func(i int) {
		u.send(clusters[i])
		u.until(ingest.Persisted)
	}
	for i := range 4 {
		send(i)
	}
	in := kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{PlaybackMode: types.HLSPlaybackModeLive, MaxMediaPlaylistFragmentResults: aws.Int64(3),
		HLSFragmentSelector: &types.HLSFragmentSelector{FragmentSelectorType: types.HLSFragmentSelectorTypeProducerTimestamp}}
	url := w.hls(t, in)
	list := mediaPlaylist(t, url)
	require.NotContains(t, list, "ENDLIST")
	numbers := segments(list)
	require.Len(t, numbers, 3)
	for i := 4; i < 8; i++ {
		send(i)
		list = mediaPlaylist(t, url)
		now := segments(list)
		require.Len(t, now, 3)
		same := 0
		for sequence, number := range now {
			if before, ok := numbers[sequence]; ok {
				require.Equal(t, before, number, "a segment keeps its number")
				same++
			}
		}
		require.Equal(t, 2, same, "the window moves on by one")
		numbers = now
	}
	u.finish()
	require.Equal(t, list, mediaPlaylist(t, url), "asking does not change it")
	// The first segment comes with times that a player can begin at.
	lines := strings.Split(strings.TrimSpace(list), "\n")
	status, body := fetch(t, url[:strings.LastIndex(url, "/")+1]+lines[len(lines)-1])
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body[:200], "moof")
}

func TestHLSLiveReplay(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64 // how far the service's clock is set forward
	w := start(t, t.TempDir(), func(c *kvs.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	w.create(t, "porch", 24)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.record(t, opening{stream: "porch", start: began}, film(t, "16"))
	url := w.hls(t, kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{PlaybackMode: types.HLSPlaybackModeLiveReplay,
		HLSFragmentSelector: hlsRange(began, began.Add(time.Minute)), MaxMediaPlaylistFragmentResults: aws.Int64(3), Expires: aws.Int32(43200)})
	require.NotContains(t, mediaPlaylist(t, url), "ENDLIST")
	require.Contains(t, mediaPlaylist(t, url), "MEDIA-SEQUENCE:0\n")
	ahead.Store(int64(time.Hour))
	require.Contains(t, mediaPlaylist(t, url), "MEDIA-SEQUENCE:5\n", "three are left of eight")
	require.Contains(t, mediaPlaylist(t, url), "ENDLIST")
	ahead.Store(int64(13 * time.Hour))
	status, _ := fetch(t, url)
	require.Equal(t, http.StatusForbidden, status, "sessions end")
}

func TestDASHLive(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 1)
	w.record(t, opening{stream: "porch", start: time.Now()}, film(t, "6"))
	out, err := w.archive().GetDASHStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetDASHStreamingSessionURLInput{StreamName: aws.String("porch")})
	require.NoError(t, err)
	_, manifest := fetch(t, *out.DASHStreamingSessionURL)
	require.Contains(t, manifest, `type="dynamic"`)
	require.Equal(t, 6, strings.Count(manifest, "<S t="), manifest)
}

func TestH265(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 24)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.record(t, opening{stream: "porch", start: began}, ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-t", "4", "-c:v", "libx265",
		"-preset", "ultrafast", "-x265-params", "keyint=20:min-keyint=20:scenecut=0:open-gop=0:log-level=none", "-pix_fmt", "yuv420p",
		"-cluster_time_limit", "30000", "-cluster_size_limit", "50000000", "-f", "matroska", "pipe:1"))
	p := examine(t, w.clip(t, began, began.Add(time.Minute)))
	require.Equal(t, 40, p.frames("video"))
	for _, container := range []types.ContainerFormat{types.ContainerFormatFragmentedMp4, types.ContainerFormatMpegTs} {
		url := w.hls(t, kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{PlaybackMode: types.HLSPlaybackModeOnDemand, ContainerFormat: container,
			HLSFragmentSelector: hlsRange(began, began.Add(time.Minute))})
		_, master := fetch(t, url)
		require.Regexp(t, `CODECS="hvc1\.1\.[0-9A-F]+\.L\d+`, master)
		require.Equal(t, 40, examine(t, url).frames("video"))
	}
}

func TestUnplayableStreams(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 24)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.record(t, opening{stream: "porch", start: began}, ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-t", "2", "-c:v", "mjpeg",
		"-cluster_time_limit", "30000", "-cluster_size_limit", "50000000", "-f", "matroska", "pipe:1"))
	_, err := w.archive().GetClip(t.Context(), &kinesisvideoarchivedmedia.GetClipInput{StreamName: aws.String("porch"), ClipFragmentSelector: clipRange(began, time.Now())})
	var unsupported *types.UnsupportedStreamMediaTypeException
	require.ErrorAs(t, err, &unsupported)
	_, err = w.archive().GetHLSStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{StreamName: aws.String("porch"),
		PlaybackMode: types.HLSPlaybackModeOnDemand, HLSFragmentSelector: hlsRange(began, time.Now())})
	require.ErrorAs(t, err, &unsupported)
}
