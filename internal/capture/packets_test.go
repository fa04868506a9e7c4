package capture

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording/segment"
)

// recorded is what a source has put on its bus, its frames and its log.
type recorded struct {
	order        []*media.Packet // as they came
	video, audio []*media.Packet
	frames       []*event.Frame
	log          string
}

// record plays a source until it ends, or until there are enough frames.
func record(t *testing.T, cfg Config, frames int) *recorded {
	t.Helper()
	if frames == 0 {
		return recordUntil(t, cfg, nil)
	}
	return recordUntil(t, cfg, func(r *recorded) bool { return len(r.frames) >= frames })
}

// recordUntil plays a source until there is enough, or, with a nil enough,
// until it ends.
func recordUntil(t *testing.T, cfg Config, enough func(*recorded) bool) *recorded {
	t.Helper()
	var log logTo
	r := &recorded{}
	cfg.Packets, cfg.Log = &media.Bus{}, log.Logger()
	reader := cfg.Packets.SubscribeAll(100_000)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var mu sync.Mutex
	add := func(something func()) {
		mu.Lock()
		defer mu.Unlock()
		if something(); enough != nil && enough(r) {
			cancel()
		}
	}
	read := make(chan error, 1)
	go func() {
		for {
			p, err := reader.Next(context.WithoutCancel(ctx))
			if err != nil {
				read <- err
				return
			}
			add(func() { r.take(p) })
		}
	}()
	err := Run(ctx, cfg, func(f *event.Frame) { add(func() { r.frames = append(r.frames, f) }) })
	ended := ctx.Err() == nil
	reader.Close() // what it has got can still be read
	require.ErrorIs(t, <-read, media.ErrClosed)
	require.NoError(t, err)
	if enough == nil {
		require.True(t, ended, "the source did not end by itself")
	} else {
		require.True(t, enough(r), "there are %d frames, %d packets of video and %d of sound", len(r.frames), len(r.video), len(r.audio))
	}
	r.log = log.String()
	return r
}

// pairs counts frames whose pictures are among the packets.
func (r *recorded) pairs() (n int) {
	at := make(map[int64]bool)
	for _, p := range r.video {
		at[p.Time.UnixMilli()] = true
	}
	for _, f := range r.frames {
		if at[f.Time.UnixMilli()] {
			n++
		}
	}
	return n
}

func (r *recorded) take(p *media.Packet) {
	r.order = append(r.order, p)
	if p.Stream.Audio() {
		r.audio = append(r.audio, p)
	} else {
		r.video = append(r.video, p)
	}
}

// sound checks what every reader of a bus relies on, and that ffmpeg decodes
// all of it. It returns the film as Matroska, one cluster for each GOP.
func (r *recorded) sound(t *testing.T) []byte {
	t.Helper()
	require.NotEmpty(t, r.video)
	require.True(t, r.video[0].Key)
	reordered := r.video[0].Stream.Reorders()
	first := r.video[0].Time.UnixMilli()
	var audio *media.Stream
	if len(r.audio) > 0 {
		audio = r.audio[0].Stream
	}
	film, err := matroska.AppendHeader(nil, matroska.Header{Video: r.video[0].Stream, Audio: audio})
	require.NoError(t, err)
	heard := 0
	var cluster int64
	for i, p := range r.video {
		at := p.Time.UnixMilli() - first
		if i > 0 && !reordered {
			require.Greater(t, p.PTS, r.video[i-1].PTS)
			require.True(t, p.Time.After(r.video[i-1].Time))
		}
		if p.Key {
			cluster = at
			film = matroska.AppendCluster(film, cluster)
		}
		if film, err = matroska.AppendBlock(film, cluster, media.Sample{Packet: p, At: at}); err != nil {
			require.NoError(t, err)
		}
		for ; heard < len(r.audio) && r.audio[heard].PTS <= p.PTS; heard++ {
			at := max(r.audio[heard].Time.UnixMilli()-first, cluster)
			film, err = matroska.AppendBlock(film, cluster, media.Sample{Packet: r.audio[heard], At: at})
			require.NoError(t, err)
		}
	}
	require.Equal(t, len(r.video), mediatest.Decode(t, film), "every picture is decoded without a word")
	return film
}

// agrees checks that the frames have the times of the packets they were in.
func (r *recorded) agrees(t *testing.T) {
	t.Helper()
	for _, f := range r.frames {
		if f.Time.After(r.video[len(r.video)-1].Time) {
			break // the source was stopped with its packet on the way
		}
		nearest := time.Duration(math.MaxInt64)
		for _, p := range r.video {
			nearest = min(nearest, f.Time.Sub(p.Time).Abs())
		}
		require.LessOrEqual(t, nearest, time.Millisecond, "frame %d", f.Sequence)
	}
}

// shown are the places of the square in the frames, by their time in
// milliseconds.
func (r *recorded) shown() map[int64]int {
	x := make(map[int64]int)
	for _, f := range r.frames {
		x[f.Time.UnixMilli()] = squareX(f)
	}
	return x
}

// squares are the places of the square in the pictures of a film.
func squares(t *testing.T, film []byte) (x []int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.WriteFile(path, film, 0o600))
	frames, err := all(t, Config{URL: path, Pace: FullSpeed})
	require.NoError(t, err)
	for _, f := range frames {
		x = append(x, squareX(f))
	}
	return x
}

// TestFilePackets plays two rounds of a film whose every picture shows its
// number: copied where players show it, else encoded, with the times of the
// frames and no gap at the seam.
func TestFilePackets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   string
		args   []string
		copied bool
	}{
		"H.264":               {"clip.mp4", []string{"-c:v", "libx264", "-bf", "0"}, true},
		"B-frames":            {"clip.mkv", []string{"-c:v", "libx264", "-bf", "2"}, true},
		"H.265":               {"clip.mp4", []string{"-c:v", "libx265", "-x265-params", "log-level=error:bframes=0"}, true},
		"transport stream":    {"clip.ts", []string{"-c:v", "libx264", "-bf", "0"}, true},
		"MPEG-4":              {"clip.avi", []string{"-c:v", "mpeg4", "-q:v", "2"}, false},
		"colors nobody shows": {"clip.mp4", []string{"-c:v", "libx264", "-pix_fmt", "yuv444p"}, false},
		"pictures of a GIF":   {"clip.gif", []string{"-pix_fmt", "rgb24"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 10
			path := makeClip(t, c.file, append(scene("10", "1"), c.args...)...)
			r := recordUntil(t, Config{URL: path, Loop: true, FPS: 5}, func(r *recorded) bool { return len(r.frames) > n && len(r.video) >= 2*n-5 })
			r.agrees(t)
			film := r.sound(t)
			require.Equal(t, !c.copied, strings.Contains(r.log, "video is encoded"), r.log)
			require.NotContains(t, r.log, "damaged")
			require.GreaterOrEqual(t, len(r.video), 2*n-5)
			require.Same(t, r.video[0].Stream, r.video[len(r.video)-1].Stream, "all rounds are one stream")
			if r.video[0].Stream.Reorders() {
				return // the film's pictures are then in another order
			}
			for i, x := range squares(t, film) {
				require.InDelta(t, 4*(i%n+1), x, 3, "picture %d", i)
				require.InDelta(t, float64(i)*100, float64(r.video[i].PTS.Milliseconds()), 10)
				require.WithinDuration(t, r.video[0].Time.Add(r.video[i].PTS-r.video[0].PTS), r.video[i].Time, time.Millisecond)
			}
		})
	}
}

// TestTry tells why a file's video is no good as it is.
func TestTry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"good":                  {[]string{"-c:v", "libx264", "-g", "20"}, ""},
		"a single keyframe":     {[]string{"-c:v", "libx264", "-g", "1000", "-sc_threshold", "0", "-t", "4"}, ""},
		"keyframes far apart":   {[]string{"-c:v", "libx264", "-g", "1000", "-sc_threshold", "0"}, "more than 5s apart"},
		"no keyframes after":    {[]string{"-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=1000"}, "more than 5s apart"},
		"a transport stream of": {[]string{"-c:v", "mpeg2video"}, "no keyframes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := makeClip(t, "clip.mkv", append(scene("10", "7"), c.args...)...)
			reason := try(t.Context(), path, ffmpeg.PacketConfig{Copy: "h264"})
			if c.want == "" {
				require.Empty(t, reason)
			}
			require.Contains(t, reason, c.want)
		})
	}
}

// TestFileSound plays a film with sound: AAC as it is, other sound as AAC,
// over the seam of its rounds.
func TestFileSound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		args []string
		rate int
	}{
		"AAC": {"clip.mp4", []string{"-c:v", "libx264", "-c:a", "aac", "-ar", "16000"}, 16000},
		"MP3": {"clip.mkv", []string{"-c:v", "libx264", "-c:a", "mp2", "-ar", "32000"}, 32000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=1.5", "-f", "lavfi", "-i", "sine=440:d=1.6",
				"-pix_fmt", "yuv420p", "-bf", "0"}, c.args...)
			path := makeClip(t, c.file, args...)
			r := recordUntil(t, Config{URL: path, Loop: true, Audio: true}, func(r *recorded) bool { return len(r.frames) >= 25 && len(r.audio) > 20 })
			r.agrees(t)
			r.sound(t)
			require.Greater(t, len(r.audio), 20)
			each := 1024 * time.Second / time.Duration(c.rate)
			for i, p := range r.audio {
				require.Equal(t, c.rate, p.Stream.SampleRate)
				require.WithinDuration(t, r.video[0].Time.Add(p.PTS-r.video[0].PTS), p.Time, time.Millisecond, "one clock")
				if i > 0 {
					require.InDelta(t, each.Seconds(), (p.PTS - r.audio[i-1].PTS).Seconds(), each.Seconds(), "no gap and no overlap")
				}
			}
			require.Same(t, r.audio[0].Stream, r.audio[len(r.audio)-1].Stream)

			r = record(t, Config{URL: path}, 0)
			require.Empty(t, r.audio, "only when asked for")
			require.Len(t, r.video, 15)
		})
	}
}

// TestLivePackets encodes a live input such as a USB camera's.
func TestLivePackets(t *testing.T) {
	t.Parallel()
	cfg := Config{URL: "x", Log: discard(), FPS: 5, Packets: &media.Bus{}}
	require.NoError(t, cfg.complete())
	reader := cfg.Packets.Subscribe(1000)
	var r recorded
	p := &player{cfg: cfg, states: &states{cfg: cfg}, times: timeline{log: cfg.Log}, deliver: func(f *event.Frame) { r.frames = append(r.frames, f) }}
	how := devicePackets(t.Context(), &cfg)
	require.NotNil(t, how)
	// Stamps are those of the wall clock, as from a driver that has one.
	stamp := fmt.Sprintf("testsrc2=s=322x241:r=10:d=3,setpts=PTS+%.3f/TB", float64(time.Now().UnixMilli())/1000)
	err := playLive(t.Context(), cfg, p, []string{"-copyts", "-f", "lavfi", "-i", stamp}, how)
	require.ErrorIs(t, err, ErrStalled, "a live input does not end")
	reader.Close()
	for {
		p, err := reader.Next(t.Context())
		if err != nil {
			break
		}
		r.video = append(r.video, p)
	}
	require.Len(t, r.video, 30)
	r.agrees(t)
	r.sound(t)
	keys := 0
	for i, p := range r.video {
		require.Equal(t, time.Duration(i)*100*time.Millisecond, p.PTS.Round(time.Millisecond))
		if p.Key {
			keys++
		}
	}
	require.Equal(t, 2, keys, "one every two seconds")
	require.Equal(t, 322, r.video[0].Stream.Width)
	require.InDelta(t, 241, r.video[0].Stream.Height, 1, "even")
}

// TestFileIsRecorded records a looping film with sound as the recorder does
// and has ffprobe look at it.
func TestFileIsRecorded(t *testing.T) {
	t.Parallel()
	path := makeClip(t, "clip.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=440:d=2",
		"-pix_fmt", "yuv420p", "-c:v", "libx264", "-bf", "2", "-g", "25", "-c:a", "aac", "-ar", "48000")
	r := recordUntil(t, Config{URL: path, Loop: true, Audio: true}, func(r *recorded) bool { return len(r.video) >= 140 })
	ring := media.NewRing(media.RingConfig{Keep: time.Hour, Log: discard()})
	for _, p := range r.order {
		ring.Put(p)
	}
	var gops []*media.GOP
	for g, ok := ring.After(0); ok; g, ok = ring.After(g.Number) {
		gops = append(gops, g)
	}
	require.LessOrEqual(t, ring.Stats().LeftOut, int64(48), "but the sound before the second keyframe")
	require.GreaterOrEqual(t, len(gops), 5)
	gops = gops[1:5] // the first has been begun without sound
	file := filepath.Join(t.TempDir(), "film.mp4")
	w, err := segment.Create(file, gops[0].Video, gops[0].Audio)
	require.NoError(t, err)
	defer w.Close()
	pictures := 0
	for _, g := range gops {
		require.Equal(t, gops[0].Run, g.Run, "one recording")
		samples, _ := g.Samples(0)
		require.NoError(t, w.Append(samples, true, nil))
		for _, s := range samples {
			require.InDelta(t, s.Time.UnixMilli(), s.At, 2, "recorded at its time")
			if !s.Stream.Audio() {
				pictures++
			}
		}
	}
	require.Equal(t, 100, pictures)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, pictures, mediatest.Decode(t, data), "all is decoded without a word")
	for _, track := range []string{"v", "a"} {
		last, n := math.Inf(-1), 0
		var first float64
		for _, line := range strings.Fields(mediatest.Probe(t, data, "-select_streams", track, "-show_entries", "packet=dts_time")) {
			var dts float64
			if found, _ := fmt.Sscanf(line, "dts_time=%f", &dts); found == 1 {
				require.Greater(t, dts, last, track)
				if n++; n == 1 {
					first = dts
				}
				last = dts
			}
		}
		require.InDelta(t, 4, last-first, 0.1, "four seconds of %s", track)
	}
}

// TestOddFilePackets plays what files should not be: what comes out can be
// decoded all the same, with times that rise.
func TestOddFilePackets(t *testing.T) {
	dir := t.TempDir()
	join := func(name string, parts ...string) string {
		var whole []byte
		for _, part := range parts {
			content, err := os.ReadFile(part)
			require.NoError(t, err)
			whole = append(whole, content...)
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, whole, 0o600))
		return path
	}
	part := func(size string) string {
		return makeClip(t, "part.ts", append(scene("10", "1"), "-s", size, "-c:v", "libx264", "-bf", "0")...)
	}
	clip := makeClip(t, "clip.mp4", "-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=2", "-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p",
		"-g", "5", "-movflags", "faststart")
	damaged, err := os.ReadFile(clip)
	require.NoError(t, err)
	for i := len(damaged) / 2; i < len(damaged)*3/4; i++ {
		damaged[i] ^= byte(i*7 + 1)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "damaged.mp4"), damaged, 0o600))

	for name, c := range map[string]struct {
		path    string
		fewest  int
		streams int
	}{
		"another size":          {join("sizes.ts", part("320x240"), part("160x120")), 18, 2},
		"damaged in the middle": {filepath.Join(dir, "damaged.mp4"), 5, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, Config{URL: c.path}, 0)
			require.GreaterOrEqual(t, len(r.video), c.fewest)
			streams := 1
			for i, p := range r.video[1:] {
				require.Greater(t, p.PTS, r.video[i].PTS)
				require.NotEmpty(t, p.AU)
				if p.Stream != r.video[i].Stream {
					require.True(t, p.Key)
					streams++
				}
			}
			require.GreaterOrEqual(t, streams, c.streams)
			require.Empty(t, decoders(t), "no child is left")
		})
	}
}
