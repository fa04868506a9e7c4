package recording_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording"
)

// film films real video, the first keyframe of which is of a time.
func (r *rig) film(begin time.Time, packets []*media.Packet) {
	r.t.Helper()
	first := slices.IndexFunc(packets, func(p *media.Packet) bool { return p.Key })
	for i, p := range packets {
		q := *p
		q.Time = begin.Add(p.PTS - packets[first].PTS)
		r.ring.Put(&q)
		if p.Key && i > 0 { // not faster than a ring holds
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func encode(t testing.TB, seconds string, args ...string) []*media.Packet {
	t.Helper()
	return mediatest.Encode(t, append(mediatest.Scene("320x180", "25", seconds, true), args...)...).Packets
}

var (
	plain   = []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25"}
	bframes = []string{"-c:v", "libx264", "-preset", "medium", "-bf", "3", "-g", "25"}
	hevc    = []string{"-c:v", "libx265", "-preset", "ultrafast", "-g", "25", "-x265-params", "log-level=none"}
)

// cut writes a clip and has ffmpeg and mp4ff check it.
func cut(t *testing.T, c *recording.Clip) []byte {
	t.Helper()
	defer c.Close()
	var out bytes.Buffer
	require.NoError(t, c.Write(&out))
	f, err := mp4.DecodeFile(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	require.False(t, f.IsFragmented())
	for _, track := range []string{"v", "a"} {
		last := math.Inf(-1)
		for _, line := range strings.Fields(mediatest.Probe(t, out.Bytes(), "-select_streams", track, "-show_entries", "packet=dts_time")) {
			var dts float64
			if n, _ := fmt.Sscanf(line, "dts_time=%f", &dts); n == 1 {
				require.Greater(t, dts, last, "timestamps rise")
				last = dts
			}
		}
	}
	return out.Bytes()
}

// duration is what ffprobe says, in seconds.
func duration(t *testing.T, data []byte) (video, file float64) {
	t.Helper()
	text := mediatest.Probe(t, data, "-select_streams", "v", "-show_entries", "stream=duration:format=duration")
	n, err := fmt.Sscanf(text, "duration=%f\nduration=%f", &video, &file)
	require.NoError(t, err, text)
	require.Equal(t, 2, n)
	return video, file
}

// TestClip: a range as one MP4, whatever files it is in.
func TestClip(t *testing.T) {
	for name, args := range map[string][]string{"h264": plain, "h264 with B-frames": bframes, "h265": hevc} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 2*time.Second }})
			r.film(noon, encode(t, "8", args...))
			r.stop()
			require.Greater(t, len(r.files()), 3)

			whole, err := r.library.Clip(t.Context(), "home.door", after(-10), after(100))
			require.NoError(t, err)
			require.True(t, whole.Rest.IsZero())
			data := cut(t, whole)
			require.InDelta(t, 200, mediatest.Decode(t, data), 1)
			video, _ := duration(t, data)
			require.InDelta(t, 8, video, 0.05)
			require.WithinDuration(t, after(0), whole.From, 200*time.Millisecond)
			require.WithinDuration(t, after(8), whole.To, 200*time.Millisecond)
			require.Equal(t, []recording.Piece{{At: whole.From}}, whole.Pieces)
			require.Contains(t, mediatest.Probe(t, data, "-show_entries", "stream=codec_name"), "aac")

			some, err := r.library.Clip(t.Context(), "home.door", after(2.5), after(4.5))
			require.NoError(t, err)
			data = cut(t, some)
			require.Equal(t, 75, mediatest.Decode(t, data), "three GOPs")
			require.WithinDuration(t, after(2), some.From, 200*time.Millisecond)
			_, file := duration(t, data)
			require.InDelta(t, 3, file, 0.1)
		})
	}
}

// TestClipWithGap leaves the gap out and says where it was.
func TestClipWithGap(t *testing.T) {
	r := newRig(t, set{recorder: always})
	packets := encode(t, "3", plain...)
	r.film(noon, packets)
	r.safe(after(1.9))
	r.film(after(300), packets)
	r.safe(after(301.9))
	r.film(after(400), packets)
	r.stop()
	clip, err := r.library.Clip(t.Context(), "home.door", after(0), after(310))
	require.NoError(t, err)
	require.Len(t, clip.Pieces, 2)
	require.Equal(t, after(300), clip.Pieces[1].At)
	require.InDelta(t, 3, clip.Pieces[1].Offset.Seconds(), 0.05)
	require.WithinDuration(t, after(303), clip.To, 100*time.Millisecond)
	data := cut(t, clip)
	require.Equal(t, 150, mediatest.Decode(t, data))
	_, file := duration(t, data)
	require.InDelta(t, 6, file, 0.1)
}

// TestClipOfTwoStreams ends where the camera's stream changes.
func TestClipOfTwoStreams(t *testing.T) {
	r := newRig(t, set{recorder: always})
	r.film(noon, encode(t, "2", plain...))
	r.safe(after(0.9))
	r.film(after(2), mediatest.Encode(t, append(mediatest.Scene("640x360", "25", "2", true), plain...)...).Packets)
	r.stop()
	first, err := r.library.Clip(t.Context(), "home.door", after(0), after(10))
	require.NoError(t, err)
	require.Equal(t, after(2), first.Rest)
	require.Contains(t, mediatest.Probe(t, cut(t, first), "-show_entries", "stream=width"), "width=320")
	rest, err := r.library.Clip(t.Context(), "home.door", first.Rest, after(10))
	require.NoError(t, err)
	require.True(t, rest.Rest.IsZero())
	require.Contains(t, mediatest.Probe(t, cut(t, rest), "-show_entries", "stream=width"), "width=640")
}

func TestNoClip(t *testing.T) {
	r := newRig(t, set{recorder: always})
	for _, camera := range []string{"home.door", "other"} {
		_, err := r.library.Clip(t.Context(), camera, after(0), after(10))
		require.ErrorIs(t, err, recording.ErrNothing)
	}
	_, err := r.library.Source("home.door").GOP(t.Context(), 0, 1<<60)
	require.ErrorIs(t, err, io.EOF)
}

// TestSource gives the GOPs that a ring has dropped, as they were in it.
func TestSource(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 3*time.Second }})
	var want []*media.GOP
	for range 30 {
		r.seconds(1)
		g, ok := r.ring.Find(r.now)
		require.True(t, ok)
		want = append(want, g)
		if r.now.Sub(noon) > 2*time.Second {
			r.safe(r.now.Add(-2 * time.Second))
		}
	}
	source := r.library.Source("home.door")
	from := int64(0)
	for _, w := range want[:29] { // the newest is not whole
		g, err := source.GOP(t.Context(), from, 1<<60)
		require.NoError(t, err)
		require.Equal(t, w.Start, g.Start)
		require.True(t, w.Video.Same(g.Video))
		a, _ := w.Samples(0)
		b, complete := g.Samples(0)
		require.True(t, complete)
		require.Len(t, b, len(a))
		for i := range a {
			require.Equal(t, a[i].At, b[i].At)
			require.Equal(t, a[i].AU, b[i].AU)
			require.Equal(t, a[i].Key, b[i].Key)
		}
		from = g.Start + 1
	}
	_, err := source.GOP(t.Context(), from, 1<<60)
	require.ErrorIs(t, err, io.EOF)
	_, err = source.GOP(t.Context(), want[3].Start+1, want[4].Start)
	require.ErrorIs(t, err, io.EOF)
	g, err := source.GOP(t.Context(), want[3].Start+1, want[4].Start+1)
	require.NoError(t, err)
	require.Equal(t, want[4].Start, g.Start)
}
