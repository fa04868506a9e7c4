package kvs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"
)

// probe is what ffprobe says of a file or a URL.
type probe struct {
	Streams []struct {
		CodecName string `json:"codec_name"`
		CodecType string `json:"codec_type"`
		Width     int
		NbFrames  string `json:"nb_read_frames"`
	}
	Format  struct{ Duration string }
	Packets []struct {
		CodecType string `json:"codec_type"`
		DTS       string `json:"dts_time"`
		PTS       string `json:"pts_time"`
	}
}

// examine has ffprobe decode everything and checks that decoding times only rise.
func examine(t *testing.T, input string) probe {
	t.Helper()
	path, err := exec.LookPath("ffprobe")
	if err != nil {
		t.Skip("ffprobe is not installed: apt install ffmpeg")
	}
	cmd := exec.CommandContext(t.Context(), path, "-v", "error", "-of", "json", "-count_frames", "-show_streams", "-show_format", "-show_packets", input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), errs.String())
	require.Empty(t, errs.String(), "ffprobe has nothing to complain about")
	var p probe
	require.NoError(t, json.Unmarshal(out.Bytes(), &p))
	last := map[string]float64{}
	for _, packet := range p.Packets {
		dts, err := strconv.ParseFloat(packet.DTS, 64)
		require.NoError(t, err)
		if before, ok := last[packet.CodecType]; ok {
			require.Greater(t, dts, before, "%s goes on", packet.CodecType)
		}
		last[packet.CodecType] = dts
	}
	return p
}

func (p probe) frames(kind string) int {
	for _, s := range p.Streams {
		if s.CodecType == kind {
			n, _ := strconv.Atoi(s.NbFrames)
			return n
		}
	}
	return 0
}

func (p probe) seconds(t *testing.T) float64 {
	t.Helper()
	s, err := strconv.ParseFloat(p.Format.Duration, 64)
	require.NoError(t, err)
	return s
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

// recorded is a world with ten seconds of video and sound in it, of an hour ago.
func recorded(t *testing.T, more ...string) (w *world, began time.Time) {
	t.Helper()
	w = start(t, t.TempDir(), nil)
	w.create(t, "porch", 24)
	began = time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.record(t, opening{stream: "porch", start: began}, film(t, "10", more...))
	return w, began
}

func clipRange(from, to time.Time) *types.ClipFragmentSelector {
	return &types.ClipFragmentSelector{FragmentSelectorType: types.ClipFragmentSelectorTypeProducerTimestamp,
		TimestampRange: &types.ClipTimestampRange{StartTimestamp: &from, EndTimestamp: &to}}
}

func (w *world) clip(t *testing.T, from, to time.Time) (file string) {
	t.Helper()
	var raw []byte
	// The SDK closes the request's body as soon as an answer begins. The answer
	// is here so soon that net/http may not have looked for the body's end yet; it
	// takes that for a fault and cuts the connection.
	require.Eventually(t, func() bool {
		out, err := w.archive().GetClip(t.Context(), &kinesisvideoarchivedmedia.GetClipInput{StreamName: aws.String("porch"), ClipFragmentSelector: clipRange(from, to)})
		require.NoError(t, err)
		defer out.Payload.Close()
		require.Equal(t, "video/mp4", *out.ContentType)
		if raw, err = io.ReadAll(out.Payload); err != nil {
			t.Log("a clip was cut off:", err)
		}
		return err == nil
	}, time.Minute, time.Millisecond)
	file = filepath.Join(t.TempDir(), "clip.mp4")
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	return file
}

func TestClip(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{"plain": nil, "reordered frames": {"-bf", "2", "-b_strategy", "0"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, began := recorded(t, more...)
			p := examine(t, w.clip(t, began, began.Add(time.Minute)))
			require.InDelta(t, 10, p.seconds(t), 0.15)
			require.Equal(t, 100, p.frames("video"))
			require.InDelta(t, 156, p.frames("audio"), 3)

			file := w.clip(t, began.Add(3500*time.Millisecond), began.Add(5500*time.Millisecond))
			require.InDelta(t, 2, examine(t, file).seconds(t), 0.3, "one fragment starts in the range")
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			parsed, err := mp4.DecodeFile(bytes.NewReader(raw))
			require.NoError(t, err)
			require.False(t, parsed.IsFragmented())
		})
	}
}

func TestClipWithG711(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"pcm_alaw", "pcm_mulaw"} {
		w, began := recorded(t, "-c:a", codec, "-ar", "8000")
		file := w.clip(t, began, began.Add(time.Minute))
		require.InDelta(t, 10, examine(t, file).seconds(t), 0.3)
		// A tone of 440 Hz stays one: nearly all of the sound is in a band around it.
		volume := ffmpeg(t, "-i", file, "-map", "0:a", "-af", "highpass=f=380:p=2,lowpass=f=500:p=2,astats=metadata=1:reset=0,ametadata=print:key=lavfi.astats.Overall.RMS_level:file=-", "-f", "null", "-")
		lines := strings.Fields(string(volume))
		level, err := strconv.ParseFloat(lines[len(lines)-1][strings.Index(lines[len(lines)-1], "=")+1:], 64)
		require.NoError(t, err)
		require.Greater(t, level, -30.0, "%s is heard", codec)
		_, err = w.archive().GetHLSStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{StreamName: aws.String("porch"),
			PlaybackMode: types.HLSPlaybackModeOnDemand, HLSFragmentSelector: hlsRange(began, time.Now())})
		var unsupported *types.UnsupportedStreamMediaTypeException
		require.ErrorAs(t, err, &unsupported, "browsers cannot play it")
	}
}

func TestClipLeavesPausesOut(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	w.record(t, opening{stream: "porch", start: began.Add(5 * time.Minute)}, film(t, "4"))
	p := examine(t, w.clip(t, began, began.Add(10*time.Minute)))
	require.InDelta(t, 14, p.seconds(t), 0.3)
	require.Equal(t, 140, p.frames("video"))
}

func TestClipErrors(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	get := func(from, to time.Time) error {
		_, err := w.archive().GetClip(t.Context(), &kinesisvideoarchivedmedia.GetClipInput{StreamName: aws.String("porch"), ClipFragmentSelector: clipRange(from, to)})
		return err
	}
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, get(began.Add(time.Hour), began.Add(2*time.Hour)), &missing)
	require.ErrorAs(t, get(began.Add(4500*time.Millisecond), began.Add(5500*time.Millisecond)), &missing, "a fragment counts by its start")
	var invalid *types.InvalidArgumentException
	require.ErrorAs(t, get(began.Add(time.Hour), began), &invalid)
	other := film(t, "2", "-vf", "scale=160:90")
	w.record(t, opening{stream: "porch", start: began.Add(time.Minute)}, other)
	var private *types.InvalidCodecPrivateDataException
	require.ErrorAs(t, get(began, began.Add(2*time.Minute)), &private)
	w.create(t, "fleeting", 0)
	_, err := w.archive().GetClip(t.Context(), &kinesisvideoarchivedmedia.GetClipInput{StreamName: aws.String("fleeting"), ClipFragmentSelector: clipRange(began, time.Now())})
	var none *types.NoDataRetentionException
	require.ErrorAs(t, err, &none)
}

func (w *world) hls(t *testing.T, in kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput) string {
	t.Helper()
	in.StreamName = aws.String("porch")
	out, err := w.archive().GetHLSStreamingSessionURL(t.Context(), &in)
	require.NoError(t, err)
	return *out.HLSStreamingSessionURL
}

func hlsRange(from, to time.Time) *types.HLSFragmentSelector {
	return &types.HLSFragmentSelector{FragmentSelectorType: types.HLSFragmentSelectorTypeProducerTimestamp,
		TimestampRange: &types.HLSTimestampRange{StartTimestamp: &from, EndTimestamp: &to}}
}

// mediaPlaylist fetches the first media playlist of a master playlist.
func mediaPlaylist(t *testing.T, master string) string {
	t.Helper()
	status, body := fetch(t, master)
	require.Equal(t, http.StatusOK, status, body)
	lines := strings.Fields(body)
	status, body = fetch(t, master[:strings.LastIndex(master, "/")+1]+lines[len(lines)-1])
	require.Equal(t, http.StatusOK, status, body)
	return body
}

func TestHLSOnDemand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more      []string
		container types.ContainerFormat
	}{
		"fragmented MP4":                   {nil, types.ContainerFormatFragmentedMp4},
		"fragmented MP4, reordered frames": {[]string{"-bf", "2", "-b_strategy", "0"}, types.ContainerFormatFragmentedMp4},
		"transport stream":                 {[]string{"-bf", "2", "-b_strategy", "0"}, types.ContainerFormatMpegTs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, began := recorded(t, c.more...)
			url := w.hls(t, kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{PlaybackMode: types.HLSPlaybackModeOnDemand, ContainerFormat: c.container,
				HLSFragmentSelector: hlsRange(began, began.Add(time.Minute)), DisplayFragmentTimestamp: types.HLSDisplayFragmentTimestampAlways})
			_, master := fetch(t, url)
			require.Contains(t, master, "RESOLUTION=320x180")
			require.Contains(t, master, `CODECS="avc1.`)
			list := mediaPlaylist(t, url)
			require.Equal(t, 5, strings.Count(list, "#EXTINF:"))
			require.Contains(t, list, "#EXT-X-ENDLIST")
			listed, err := w.archive().ListFragments(t.Context(), &kinesisvideoarchivedmedia.ListFragmentsInput{StreamName: aws.String("porch")})
			require.NoError(t, err)
			for _, f := range listed.Fragments {
				require.Contains(t, list, "#EXT-X-PROGRAM-DATE-TIME:"+f.ProducerTimestamp.Format("2006-01-02T15:04:05.000Z"))
			}
			require.NotContains(t, list, "#EXT-X-DISCONTINUITY\n")
			p := examine(t, url)
			require.InDelta(t, 10, p.seconds(t), 0.2)
			require.Equal(t, 100, p.frames("video"))
			require.InDelta(t, 156, p.frames("audio"), 3)
		})
	}
}

func TestHLSDiscontinuities(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	w.record(t, opening{stream: "porch", start: began.Add(time.Minute)}, film(t, "2"))
	w.record(t, opening{stream: "porch", start: began.Add(2 * time.Minute)}, film(t, "2", "-vf", "scale=160:90"))
	for mode, want := range map[types.HLSDiscontinuityMode]int{"ALWAYS": 6, "ON_DISCONTINUITY": 2, "NEVER": 1} {
		list := mediaPlaylist(t, w.hls(t, kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{PlaybackMode: types.HLSPlaybackModeOnDemand,
			HLSFragmentSelector: hlsRange(began, began.Add(time.Hour)), DiscontinuityMode: mode}))
		require.Equal(t, want, strings.Count(list, "#EXT-X-DISCONTINUITY\n"), mode)
		require.Equal(t, 2, strings.Count(list, "#EXT-X-MAP:"), "the codec changes once")
	}
}

func TestSessionTokens(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	url := w.hls(t, kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{PlaybackMode: types.HLSPlaybackModeOnDemand, HLSFragmentSelector: hlsRange(began, began.Add(time.Minute))})
	for name, bad := range map[string]string{
		"altered": strings.Replace(url, "SessionToken=e", "SessionToken=f", 1), "empty": url[:strings.Index(url, "=")+1],
		"other protocol": strings.Replace(url, "/hls/v1/getHLSMasterPlaylist.m3u8", "/dash/v1/getDASHManifest.mpd", 1),
	} {
		status, body := fetch(t, bad)
		require.Equal(t, http.StatusForbidden, status, name)
		require.Contains(t, body, "NotAuthorizedException")
	}
	status, _ := fetch(t, url[:strings.Index(url, "?")])
	require.Equal(t, http.StatusForbidden, status, "neither token nor signature")
	var invalid *types.InvalidArgumentException
	_, err := w.archive().GetHLSStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{StreamName: aws.String("porch"), Expires: aws.Int32(299)})
	require.ErrorAs(t, err, &invalid)
	var missing *types.ResourceNotFoundException
	_, err = w.archive().GetHLSStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{StreamName: aws.String("nowhere")})
	require.ErrorAs(t, err, &missing)
}

func TestDASHOnDemand(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	out, err := w.archive().GetDASHStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetDASHStreamingSessionURLInput{StreamName: aws.String("porch"),
		PlaybackMode: types.DASHPlaybackModeOnDemand, DisplayFragmentNumber: types.DASHDisplayFragmentNumberAlways,
		DisplayFragmentTimestamp: types.DASHDisplayFragmentTimestampAlways,
		DASHFragmentSelector: &types.DASHFragmentSelector{FragmentSelectorType: types.DASHFragmentSelectorTypeProducerTimestamp,
			TimestampRange: &types.DASHTimestampRange{StartTimestamp: &began, EndTimestamp: aws.Time(began.Add(time.Minute))}}})
	require.NoError(t, err)
	_, manifest := fetch(t, *out.DASHStreamingSessionURL)
	require.Equal(t, 10, strings.Count(manifest, "kvs:fn="), manifest)
	require.Contains(t, manifest, `kvs:ts="`+formatSeconds(began.UnixMilli()))
	p := examine(t, *out.DASHStreamingSessionURL)
	require.Equal(t, 100, p.frames("video"))
	require.InDelta(t, 156, p.frames("audio"), 3)
	require.InDelta(t, 10, p.seconds(t), 0.2)
}
