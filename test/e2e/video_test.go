package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/vision/visiontest"
)

// numbered is an RTSP camera whose every picture says which one it is, in a
// row of black and white squares, and that notes when it took each.
type numbered struct {
	camera *simulator.Camera
	mu     sync.Mutex
	taken  [][]time.Time // by number, then round
}

const (
	numberSquares = 10 // so many bits
	squareSize    = 40 // pixels
	rollBefore    = 3 * time.Second
	rollAfter     = 2 * time.Second
)

// newNumbered makes a camera before which a red block, a person to the
// synthetic network, walks for four seconds in every round of twelve.
func newNumbered(t *testing.T) *numbered {
	t.Helper()
	file := filepath.Join(t.TempDir(), "numbered.mkv")
	bit := func(channel string) string {
		return fmt.Sprintf(`%s='if(lt(Y,30),255*mod(floor(N/pow(2,floor(X/%d))),2),%s(X,Y))'`, channel, squareSize, channel)
	}
	ffmpeg(t, nil, "-f", "lavfi", "-i", "color=c=0x808080:s=400x300:r=10:d=12,format=gbrp", "-f", "lavfi", "-i", "color=c=0xff0000:s=80x60:r=10:d=12,format=gbrp",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000:duration=12",
		"-filter_complex", `[0][1]overlay=x='if(between(t,5,9),20*floor((t-5)*5/2)+20,-200)':y=120:eval=frame:format=gbrp,geq=`+bit("r")+":"+bit("g")+":"+bit("b"),
		"-map", "2:a", "-c:v", "libx264rgb", "-qp", "0", "-c:a", "aac", file)
	n := &numbered{taken: make([][]time.Time, 1<<numberSquares)}
	var err error
	n.camera, err = simulator.New(t.Context(), simulator.Config{File: file, Sound: simulator.AAC, Log: slog.New(slog.DiscardHandler), FrameSent: func(index, _ int, at time.Time) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.taken[index] = append(n.taken[index], at)
	}})
	require.NoError(t, err)
	t.Cleanup(n.camera.Close)
	return n
}

// nearest is when the camera took the picture of a number, the round that is
// nearest to about.
func (n *numbered) nearest(t *testing.T, number int, about time.Time) time.Time {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	require.NotEmpty(t, n.taken[number], "picture %d was never taken", number)
	return slices.MinFunc(n.taken[number], func(a, b time.Time) int { return int(a.Sub(about).Abs() - b.Sub(about).Abs()) })
}

// config is a configuration with this camera alone.
func (n *numbered) config() map[string]any {
	return map[string]any{"door": map[string]any{
		"source": n.camera.URL(), "quiet": "1s", "motion": map[string]any{"masks": []string{"0,0; 1,0; 1,0.12; 0,0.12"}},
		"record": map[string]any{"pre_roll": rollBefore.String(), "post_roll": rollAfter.String()},
	}}
}

// ffmpeg runs it and returns what it writes to its output.
func ffmpeg(t *testing.T, stdin io.Reader, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error", "-y"}, args...)...)
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &complaints
	require.NoError(t, cmd.Run(), "ffmpeg %s: %s", strings.Join(args, " "), &complaints)
	require.Empty(t, complaints.String(), "ffmpeg %s", strings.Join(args, " "))
	return out.Bytes()
}

// numbers decodes a video and reads the number of every picture.
func numbers(t *testing.T, source string) (all []int) {
	t.Helper()
	raw := ffmpeg(t, nil, "-i", source, "-an", "-fps_mode", "passthrough",
		"-vf", fmt.Sprintf("crop=%d:20:0:5,format=gray,scale=%d:1:flags=area", numberSquares*squareSize, numberSquares), "-f", "rawvideo", "-")
	for picture := range slices.Chunk(raw, numberSquares) {
		number := 0
		for i, level := range picture {
			if level > 128 {
				number |= 1 << i
			}
		}
		all = append(all, number)
	}
	return all
}

// times are the presentation times of a video's pictures.
func times(t *testing.T, source string) (all []time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "json", source).Output()
	require.NoError(t, err)
	var probe struct {
		Packets []struct {
			PTS string `json:"pts_time"`
		}
	}
	require.NoError(t, json.Unmarshal(out, &probe))
	for _, p := range probe.Packets {
		seconds, err := strconv.ParseFloat(p.PTS, 64)
		require.NoError(t, err)
		all = append(all, time.Duration(seconds*float64(time.Second)))
	}
	return all
}

// soundOf returns how much sound a video has.
func soundOf(t *testing.T, source string) time.Duration {
	t.Helper()
	const rate, sample = 16000, 2 // 16 bits, mono
	raw := ffmpeg(t, nil, "-i", source, "-map", "0:a:0", "-ar", strconv.Itoa(rate), "-ac", "1", "-f", "s16le", "-")
	return time.Duration(len(raw)) * time.Second / (rate * sample)
}

// checkVideo checks that a video is every picture from from to to, once and in
// order, and returns when each is shown after the first.
func (n *numbered) checkVideo(t *testing.T, source string, from, to time.Time) (shown []time.Duration, seen []int) {
	t.Helper()
	seen, shown = numbers(t, source), times(t, source)
	require.Len(t, seen, len(shown))
	require.NotEmpty(t, seen)
	round := n.camera.Frames()
	for i := 1; i < len(seen); i++ {
		require.Equal(t, (seen[i-1]+1)%round, seen[i], "picture %d of %s", i, source)
		require.Greater(t, shown[i], shown[i-1], "time of picture %d", i)
	}
	first := n.nearest(t, seen[0], from)
	last := n.nearest(t, seen[len(seen)-1], to)
	t.Logf("%d pictures; begins %s before and ends %s after the time of the clip", len(seen), from.Sub(first), last.Sub(to))
	require.InDelta(t, (time.Duration(len(seen)-1) * 100 * time.Millisecond).Seconds(), last.Sub(first).Seconds(), 0.5)
	require.False(t, first.After(from.Add(150*time.Millisecond)), "begins %s late", first.Sub(from))
	require.False(t, last.Before(to.Add(-150*time.Millisecond)), "ends %s early", to.Sub(last))
	require.InDelta(t, last.Sub(first).Seconds(), soundOf(t, source).Seconds(), 1, "sound")
	return shown, seen
}

func timeOf(t *testing.T, value any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, value.(string))
	require.NoError(t, err)
	return at
}

// recorded waits until the cloud has video of a camera up to a time, all of it
// without a gap.
func (o owner) recorded(camera string, from, to time.Time) {
	o.m.t.Helper()
	query := url.Values{"from": {from.Add(-time.Minute).UTC().Format(time.RFC3339Nano)}, "to": {to.Add(time.Minute).UTC().Format(time.RFC3339Nano)}}
	var last any
	defer func() {
		if o.m.t.Failed() {
			o.m.t.Logf("video there is of %s: %v; wanted from %s to %s", camera, last, from, to)
		}
	}()
	await(o.m.t, "the video to be in the cloud", func() bool {
		status, body := o.get("/v1/cameras/" + camera + "/recordings?" + query.Encode())
		last = body
		if status != http.StatusOK {
			return false
		}
		return slices.ContainsFunc(body["ranges"].([]any), func(r any) bool {
			stretch := r.(map[string]any)
			return !timeOf(o.m.t, stretch["from"]).After(from) && !timeOf(o.m.t, stretch["to"]).Before(to.Add(-150*time.Millisecond))
		})
	})
}

// play asks where an event can be played.
func (o owner) play(event, protocol string) string {
	o.m.t.Helper()
	status, body := o.get("/v1/events/" + event + "/playback?protocol=" + protocol)
	require.Equal(o.m.t, http.StatusOK, status, "%v", body)
	require.Equal(o.m.t, protocol, body["protocol"])
	return body["url"].(string)
}

// TestVideoOfAnEvent follows the pictures of an event from the camera to what
// plays them, and compares their times with the camera's own notes.
func TestVideoOfAnEvent(t *testing.T) {
	n := newNumbered(t)
	models := t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(models)
	require.NoError(t, err)
	config := writeConfig(t, map[string]any{"detector": map[string]any{"model": visiontest.Model}, "cameras": n.config()})
	m := boot(t, filepath.Join(t.TempDir(), "data"), "--config", config, "--models", models)
	me := m.signIn()

	var happened map[string]any
	await(t, "an ended event with a clip, which is not the first: what is before that may be missing", func() bool {
		events := me.events()
		for _, e := range events[:max(0, len(events)-1)] {
			if e["state"] == "ended" && e["clip"] != nil {
				happened = e
				return true
			}
		}
		return false
	})
	clip := happened["clip"].(map[string]any)
	require.Equal(t, "home.door", clip["stream"])
	from, to := timeOf(t, clip["from"]), timeOf(t, clip["to"])
	require.InDelta(t, rollBefore.Seconds(), timeOf(t, happened["started_at"]).Sub(from).Seconds(), 0.01)
	require.InDelta(t, rollAfter.Seconds(), to.Sub(timeOf(t, happened["ended_at"])).Seconds(), 0.01)
	me.recorded("home.door", from, to)
	id := happened["event_id"].(string)

	t.Run("HLS", func(t *testing.T) {
		playlist := me.play(id, "hls")
		shown, seen := n.checkVideo(t, playlist, from, to)
		began := firstDate(t, playlist)
		worst := time.Duration(0)
		for i, number := range seen {
			at := began.Add(shown[i] - shown[0])
			worst = max(worst, at.Sub(n.nearest(t, number, at)).Abs())
		}
		t.Logf("the playlist's wall clock is at most %s off the camera's", worst)
		require.Less(t, worst, time.Second)
	})
	t.Run("DASH", func(t *testing.T) { n.checkVideo(t, me.play(id, "dash"), from, to) })
	t.Run("MP4", func(t *testing.T) {
		status, body := me.get("/v1/events/" + id + "/clip")
		require.Equal(t, http.StatusOK, status, "%v", body)
		file := download(t, body["url"].(string))
		require.EqualValues(t, len(file), body["bytes"])
		path := filepath.Join(t.TempDir(), "clip.mp4")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		n.checkVideo(t, path, from, to)
	})
	t.Run("pictures by Kinesis Video Streams", func(t *testing.T) {
		m.picturedByCloud(t, id, timeOf(t, happened["started_at"]))
	})
}

// picturedByCloud checks that the cloud has made pictures of an alert, named
// and tagged as Kinesis Video Streams does.
func (m *machine) picturedByCloud(t *testing.T, event string, started time.Time) {
	t.Helper()
	aws := awsCLI(t, m)
	outputs, err := os.ReadFile(filepath.Join(m.data, "outputs.json"))
	require.NoError(t, err)
	var stacks map[string]map[string]string
	require.NoError(t, json.Unmarshal(outputs, &stacks))
	require.Len(t, stacks, 1)
	var bucket string
	for _, stack := range stacks {
		bucket = stack["ThumbnailBucketName"]
	}
	require.NotEmpty(t, bucket)
	type object struct {
		Key          string
		LastModified time.Time
	}
	key := regexp.MustCompile(`^thumbnails/home/images_\d{12}_home\.door_(\d{13})_[0-9a-f-]+\.jpg$`)
	asked := map[string]bool{} // each is a program's start
	await(t, "a picture of event "+event, func() bool {
		var list struct{ Contents []object }
		text := aws("s3api", "list-objects-v2", "--bucket", bucket, "--prefix", "thumbnails/home/images")
		if len(text) == 0 || json.Unmarshal(text, &list) != nil {
			return false
		}
		slices.SortFunc(list.Contents, func(a, b object) int { return a.LastModified.Compare(b.LastModified) })
		for _, picture := range list.Contents {
			parts := key.FindStringSubmatch(picture.Key)
			require.NotNil(t, parts, picture.Key)
			at, err := strconv.ParseInt(parts[1], 10, 64)
			require.NoError(t, err)
			if asked[picture.Key] || time.UnixMilli(at).Before(started.Add(-2*rollBefore)) {
				continue // of an event before
			}
			asked[picture.Key] = true
			var head struct {
				ContentType string
				Metadata    map[string]string
			}
			require.NoError(t, json.Unmarshal(aws("s3api", "head-object", "--bucket", bucket, "--key", picture.Key), &head))
			require.Equal(t, "image/jpeg", head.ContentType)
			for _, name := range []string{"aws_kinesisvideo_fragment_number", "aws_kinesisvideo_producer_timestamp", "aws_kinesisvideo_server_timestamp"} {
				require.NotEmpty(t, head.Metadata[name], name)
			}
			if strings.Contains(head.Metadata["porchlight_events"], event) {
				t.Logf("the first picture was there %s after the event began", picture.LastModified.Sub(started))
				return true
			}
		}
		return false
	})
}

// firstDate is the wall-clock time that an HLS playlist gives its beginning.
func firstDate(t *testing.T, playlist string) time.Time {
	t.Helper()
	text := download(t, playlist)
	date := regexp.MustCompile(`#EXT-X-PROGRAM-DATE-TIME:(\S+)`)
	found := date.FindSubmatch(text)
	if found == nil { // a master playlist: the media playlist is its last line
		lines := strings.Fields(string(text))
		base, err := url.Parse(playlist)
		require.NoError(t, err)
		media, err := base.Parse(lines[len(lines)-1])
		require.NoError(t, err)
		found = date.FindSubmatch(download(t, media.String()))
	}
	require.NotNil(t, found, "the playlist has no times")
	at, err := time.Parse(time.RFC3339, string(found[1]))
	require.NoError(t, err)
	return at
}

func download(t *testing.T, from string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, from, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // our own address
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	return body
}
