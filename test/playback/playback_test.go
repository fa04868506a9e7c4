package playback_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	archived "github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/api"
	"porchlight/internal/event"
)

// examine has ffprobe decode all of a file or a URL, checks that times only
// rise, and returns how long it is, in seconds, and how many pictures it has.
func examine(t *testing.T, input string) (length float64, pictures int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-of", "json", "-count_frames", "-show_streams", "-show_format", "-show_packets", input).Output()
	require.NoError(t, err)
	var p struct {
		Streams []struct {
			Type   string `json:"codec_type"`
			Frames string `json:"nb_read_frames"`
		}
		Format  struct{ Duration string }
		Packets []struct {
			Type string `json:"codec_type"`
			DTS  string `json:"dts_time"`
		}
	}
	require.NoError(t, json.Unmarshal(out, &p))
	require.Len(t, p.Streams, 2, "picture and sound")
	last := map[string]float64{}
	for _, packet := range p.Packets {
		at, err := strconv.ParseFloat(packet.DTS, 64)
		require.NoError(t, err)
		if before, there := last[packet.Type]; there {
			require.Greater(t, at, before, "%s goes on", packet.Type)
		}
		last[packet.Type] = at
	}
	for _, s := range p.Streams {
		if s.Type == "video" {
			pictures, err = strconv.Atoi(s.Frames)
			require.NoError(t, err)
		}
	}
	length, err = strconv.ParseFloat(p.Format.Duration, 64)
	require.NoError(t, err)
	return length, pictures
}

// plays asks for both protocols and has both played.
func plays(o *owner, path string, query url.Values, length float64, pictures int) (hls api.Playback) {
	o.t.Helper()
	for _, protocol := range []api.PlaybackProtocol{api.Dash, api.Hls} {
		q := url.Values{"protocol": {string(protocol)}}
		for name, v := range query {
			q[name] = v
		}
		hls = ok[api.Playback](o, path, q)
		require.Equal(o.t, protocol, hls.Protocol)
		require.True(o.t, hls.ExpiresAt.After(time.Now()))
		got, n := examine(o.t, hls.Url)
		require.Equal(o.t, pictures, n, protocol)
		if protocol == api.Hls { // ffmpeg counts the gaps of a manifest too
			require.InDelta(o.t, length, got, 0.3, protocol)
		}
	}
	return hls
}

// happened puts an ended event into the table.
func (o *owner) happened(camera string, from, to time.Time) *event.Event {
	o.t.Helper()
	ended := event.At(to)
	e := &event.Event{
		EventID: event.NewID(from), Sequence: 2, State: event.Ended, Camera: camera, StartedAt: event.At(from), UpdatedAt: ended, EndedAt: &ended,
		Labels: map[string]float64{"person": 0.9}, Zones: []string{}, Faces: []event.Face{}, Score: 0.9, Model: "m", Box: event.Box{X1: 1, Y1: 1},
		Clip: &event.Clip{Stream: camera, From: event.At(from), To: ended},
	}
	_, err := o.table.UpsertEvent(o.t.Context(), o.sub, e, time.Now().Add(time.Hour))
	require.NoError(o.t, err)
	return e
}

// download fetches a clip as a browser does and checks how it comes.
func (o *owner) download(c api.ClipFile) (file string) {
	o.t.Helper()
	status, header, body := o.fetch(c.Url, "")
	require.Equal(o.t, http.StatusOK, status)
	require.EqualValues(o.t, c.Bytes, len(body))
	require.Equal(o.t, "video/mp4", header.Get("Content-Type"))
	require.Regexp(o.t, `^attachment; filename="`+o.thing+`\.front_\d{8}T\d{6}Z\.mp4"$`, header.Get("Content-Disposition"))
	file = filepath.Join(o.t.TempDir(), "clip.mp4")
	require.NoError(o.t, os.WriteFile(file, body, 0o600))
	return file
}

func TestOwnersPlayAndDownloadTheirVideo(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.newOwner("alice", "porch"), w.newOwner("bob", "shed")
	clip := film(t, "20")
	began := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	alice.send("porch.front", began, clip)
	alice.send("porch.front", began.Add(5*time.Minute), clip)
	const camera = "/v1/cameras/porch.front"

	t.Run("recordings", func(t *testing.T) {
		got := ok[api.Recordings](alice, camera+"/recordings", span(began.Add(-time.Hour), began.Add(time.Hour)))
		require.Len(t, got.Ranges, 2)
		for i, from := range []time.Time{began, began.Add(5 * time.Minute)} {
			require.WithinDuration(t, from, got.Ranges[i].From.Time, 100*time.Millisecond)
			require.WithinDuration(t, from.Add(20*time.Second), got.Ranges[i].To.Time, 300*time.Millisecond)
		}
		require.Empty(t, ok[api.Recordings](alice, "/v1/cameras/porch.back/recordings", span(began, began.Add(time.Hour))).Ranges)
	})
	t.Run("event", func(t *testing.T) {
		// From within one fragment to within another: both are played whole.
		e := alice.happened("porch.front", began.Add(5*time.Second), began.Add(11*time.Second))
		p := plays(alice, "/v1/events/"+e.EventID+"/playback", nil, 8, 80)
		require.WithinDuration(t, began.Add(4*time.Second), p.From.Time, 100*time.Millisecond)
		require.WithinDuration(t, began.Add(12*time.Second), p.To.Time, 100*time.Millisecond)

		c := ok[api.ClipFile](alice, "/v1/events/"+e.EventID+"/clip", nil)
		require.Equal(t, p.From, c.From)
		require.Equal(t, p.To, c.To)
		length, pictures := examine(t, alice.download(c))
		require.InDelta(t, 8, length, 0.3)
		require.Equal(t, 80, pictures)

		again := ok[api.ClipFile](alice, "/v1/events/"+e.EventID+"/clip", nil)
		require.Equal(t, strings.SplitN(c.Url, "?", 2)[0], strings.SplitN(again.Url, "?", 2)[0])
	})
	t.Run("over a gap", func(t *testing.T) {
		whole := span(began.Add(-time.Minute), began.Add(10*time.Minute))
		plays(alice, camera+"/playback", whole, 40, 400)
		c := ok[api.ClipFile](alice, camera+"/clip", whole)
		length, pictures := examine(t, alice.download(c))
		require.InDelta(t, 40, length, 0.5)
		require.Equal(t, 400, pictures)
	})
	t.Run("pages of the app may fetch it", func(t *testing.T) {
		p := ok[api.Playback](alice, camera+"/playback", span(began, began.Add(time.Minute)))
		status, header, list := w.fetch(p.Url, "")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "*", header.Get("Access-Control-Allow-Origin"))
		lines := strings.Fields(string(list))
		status, header, list = w.fetch(p.Url[:strings.LastIndex(p.Url, "/")+1]+lines[len(lines)-1], "")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "*", header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, string(list), "#EXT-X-PROGRAM-DATE-TIME:"+p.From.String())

		_, header, _ = w.fetch(w.cloud.AppURL()+"/", "")
		policy := map[string]string{}
		for part := range strings.SplitSeq(header.Get("Content-Security-Policy"), "; ") {
			name, sources, _ := strings.Cut(part, " ")
			policy[name] = sources
		}
		require.Equal(t, map[string]string{
			"default-src": "'self'", "img-src": "'self' blob: data: " + w.cloud.AWSURL(), "connect-src": "'self' " + w.cloud.AWSURL() + " ws" + strings.TrimPrefix(w.cloud.AWSURL(), "http"),
			"media-src": "'self' blob: " + w.cloud.AWSURL(), "worker-src": "'self' blob:", "object-src": "'none'", "base-uri": "'none'",
			"form-action": "'self'", "frame-ancestors": "'none'",
		}, policy)
	})
	t.Run("nothing there", func(t *testing.T) {
		for _, path := range []string{camera, "/v1/cameras/porch.back"} {
			for _, what := range []string{"/playback", "/clip"} {
				p := alice.refused(404, path+what, span(began.Add(time.Minute), began.Add(2*time.Minute)))
				require.Equal(t, "no-video", p.Type)
				require.Contains(t, p.Detail, "no longer kept")
				require.Contains(t, alice.refused(404, path+what, span(time.Now().Add(-time.Minute), time.Now())).Detail, "yet")
			}
		}
		require.Equal(t, "no-video", alice.refused(404, "/v1/cameras/porch.back/playback", nil).Type)
	})
	t.Run("another owner", func(t *testing.T) {
		e := alice.happened("porch.front", began, began.Add(2*time.Second))
		for _, what := range []string{"/playback", "/clip", "/recordings"} {
			nowhere := bob.refused(404, "/v1/cameras/nowhere.front"+what, span(began, began.Add(time.Minute)))
			require.Equal(t, nowhere, bob.refused(404, camera+what, span(began, began.Add(time.Minute))))
		}
		for _, what := range []string{"/playback", "/clip"} {
			nowhere := bob.refused(404, "/v1/events/01J8Z3NDEKTSV4RRFFQ69G5FAV"+what, nil)
			require.Equal(t, nowhere, bob.refused(404, "/v1/events/"+e.EventID+what, nil))
		}
	})
	t.Run("live", func(t *testing.T) {
		// What comes in counts as live for half a minute, which a busy machine
		// may take to ask; then more comes in.
		short := film(t, "6")
		var p api.Playback
		require.Eventually(t, func() bool {
			alice.send("porch.front", time.Now().Add(-6*time.Second), short)
			var raw json.RawMessage
			status, _ := alice.get(camera+"/playback", nil, &raw)
			if status != http.StatusOK {
				t.Log(string(raw))
				return false
			}
			require.NoError(t, json.Unmarshal(raw, &p))
			return true
		}, patience, time.Millisecond)
		require.Zero(t, p.From)
		require.Zero(t, p.To)
		status, _, list := w.fetch(p.Url, "")
		require.Equal(t, http.StatusOK, status, string(list))
	})
	t.Run("an event that goes on", func(t *testing.T) {
		now := time.Now()
		alice.send("porch.front", now.Add(-20*time.Second), clip)
		e := alice.happened("porch.front", now.Add(-15*time.Second), now)
		e.EventID, e.State, e.EndedAt, e.Sequence = event.NewID(now), event.Updated, nil, 2
		e.StartedAt = event.At(now)
		_, err := alice.table.UpsertEvent(t.Context(), alice.sub, e, now.Add(time.Hour))
		require.NoError(t, err)
		p := ok[api.Playback](alice, "/v1/events/"+e.EventID+"/playback", nil)
		require.False(t, p.From.After(now.Add(-15*time.Second)))
		require.Zero(t, p.To, "its end is not there yet")
		status, _, list := w.fetch(p.Url, "")
		require.Equal(t, http.StatusOK, status, string(list))
	})
}

// TestThingsUseTheirOwnStreamsAlone: the role of devices is one for all.
func TestThingsUseTheirOwnStreamsAlone(t *testing.T) {
	w := newWorld(t)
	porch, shed := w.newOwner("alice", "porch"), w.newOwner("bob", "shed")
	hours := aws.Int32(24)
	for _, o := range []*owner{porch, shed} {
		_, err := o.control().CreateStream(t.Context(), &kinesisvideo.CreateStreamInput{
			StreamName: aws.String(o.thing + ".front"), DataRetentionInHours: hours, Tags: map[string]string{"a": "b"},
		})
		require.NoError(t, err)
	}
	tries := map[string]func(stream string) error{
		"create": func(stream string) error {
			_, err := porch.control().CreateStream(t.Context(), &kinesisvideo.CreateStreamInput{StreamName: aws.String(stream + "2"), DataRetentionInHours: hours})
			return err
		},
		"describe": func(stream string) error {
			_, err := porch.control().DescribeStream(t.Context(), &kinesisvideo.DescribeStreamInput{StreamName: &stream})
			return err
		},
		"tag": func(stream string) error {
			_, err := porch.control().TagStream(t.Context(), &kinesisvideo.TagStreamInput{StreamName: &stream, Tags: map[string]string{"a": "c"}})
			return err
		},
		"endpoint": func(stream string) error {
			_, err := porch.control().GetDataEndpoint(t.Context(), &kinesisvideo.GetDataEndpointInput{StreamName: &stream, APIName: types.APINamePutMedia})
			return err
		},
		"pictures": func(stream string) error {
			_, err := porch.control().UpdateImageGenerationConfiguration(t.Context(), &kinesisvideo.UpdateImageGenerationConfigurationInput{
				StreamName: &stream, ImageGenerationConfiguration: &types.ImageGenerationConfiguration{
					Status: types.ConfigurationStatusEnabled, ImageSelectorType: types.ImageSelectorTypeProducerTimestamp,
					Format: types.FormatJpeg, SamplingInterval: aws.Int32(3000),
					DestinationConfig: &types.ImageGenerationDestinationConfig{Uri: aws.String("s3://thumbnails"), DestinationRegion: aws.String(w.cloud.Region())},
				},
			})
			return err
		},
		"list": func(stream string) error {
			_, err := porch.archive().ListFragments(t.Context(), &kinesisvideoarchivedmedia.ListFragmentsInput{StreamName: &stream})
			return err
		},
	}
	for name, try := range tries {
		require.NoError(t, try("porch.front"), name)
		for _, theirs := range []string{"shed.front", "porch2.front", "porch", "porc.front"} {
			require.ErrorContains(t, try(theirs), "AccessDenied", "%s %s", name, theirs)
		}
	}
	// Watching is for owners, by way of the API.
	now := time.Now()
	_, err := porch.archive().GetClip(t.Context(), &kinesisvideoarchivedmedia.GetClipInput{
		StreamName: aws.String("porch.front"), ClipFragmentSelector: &archived.ClipFragmentSelector{
			FragmentSelectorType: archived.ClipFragmentSelectorTypeProducerTimestamp,
			TimestampRange:       &archived.ClipTimestampRange{StartTimestamp: aws.Time(now.Add(-time.Hour)), EndTimestamp: &now},
		},
	})
	require.ErrorContains(t, err, "AccessDenied")
	_, err = porch.archive().GetHLSStreamingSessionURL(t.Context(), &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{StreamName: aws.String("porch.front")})
	require.ErrorContains(t, err, "AccessDenied")
	_, err = porch.control().DeleteStream(t.Context(), &kinesisvideo.DeleteStreamInput{StreamARN: aws.String("porch.front")})
	require.ErrorContains(t, err, "AccessDenied")
}

func (o *owner) archive() *kinesisvideoarchivedmedia.Client {
	return kinesisvideoarchivedmedia.New(kinesisvideoarchivedmedia.Options{Region: o.cloud.Region(), BaseEndpoint: aws.String(o.cloud.AWSURL()), Credentials: o.keys})
}
