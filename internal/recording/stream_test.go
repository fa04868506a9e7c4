package recording_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/recording"
)

func always(c *recording.Config) { c.Mode = recording.Always }

// TestNewStream: other parameter sets begin a new file.
func TestNewStream(t *testing.T) {
	r := newRig(t, set{recorder: always})
	r.seconds(3)
	r.pps = newPPS
	r.seconds(3)
	r.stop()
	require.Len(t, r.files(), 2)
	require.Equal(t, at(span(0, 5)...), all(t, r.library))
	var streams []*media.Stream
	for g, err := range r.library.GOPs(t.Context(), "home.door", after(0), after(10)) {
		require.NoError(t, err)
		streams = append(streams, g.Video)
	}
	require.Equal(t, pps, streams[2].PPS)
	require.Equal(t, newPPS, streams[3].PPS)
}

// TestSound that comes and goes begins new files.
func TestSound(t *testing.T) {
	r := newRig(t, set{recorder: always})
	sound, err := media.NewAACStream([]byte{0x14, 0x08})
	require.NoError(t, err)
	hear := func() {
		p, err := media.AudioPacket(sound, []byte{1, 2, 3}, r.pts, r.now)
		require.NoError(t, err)
		r.ring.Put(p)
	}
	r.seconds(2)
	for range 3 {
		hear()
		r.seconds(1)
	}
	r.now, r.pts = r.now.Add(2*time.Second), r.pts+2*time.Second
	r.seconds(2)
	r.stop()
	require.Len(t, r.files(), 3)
	heard := 0
	for g, err := range r.library.GOPs(t.Context(), "home.door", after(0), after(10)) {
		require.NoError(t, err)
		samples, _ := g.Samples(0)
		for _, s := range samples {
			if s.Stream.Audio() {
				heard++
				require.Equal(t, [][]byte{{1, 2, 3}}, s.AU)
			}
		}
	}
	require.Equal(t, 2, heard, "the first is from before the file")
}

// TestClockSteps: back and ahead, a little and much.
func TestClockSteps(t *testing.T) {
	for name, c := range map[string]struct {
		step  time.Duration
		files int
		want  []int // the second stretch, when it keeps its time
	}{
		"a little ahead":  {step: 3 * time.Second, files: 1, want: []int{7, 8, 9, 10}},
		"hours ahead":     {step: 5 * time.Hour, files: 2, want: []int{18004, 18005, 18006, 18007}},
		"a little back":   {step: -2 * time.Second, files: 1},
		"a minute back":   {step: -time.Minute, files: 2, want: []int{-56, -55, -54, -53}},
		"to the same day": {step: -12 * time.Hour, files: 2, want: []int{-43196, -43195, -43194, -43193}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, set{recorder: always})
			r.seconds(4)
			r.safe(after(2.9)) // a ring drops what is hours old
			r.now = r.now.Add(c.step)
			r.seconds(4)
			r.stop()
			require.Len(t, r.files(), c.files)
			got := all(t, r.library)
			require.Len(t, got, 8)
			if c.want != nil {
				require.Subset(t, got, at(c.want...))
			}
			require.IsNonDecreasing(t, millis(got))
			require.Subset(t, got, at(0, 1, 2, 3))
		})
	}
}

func millis(times []time.Time) (out []int64) {
	for _, t := range times {
		out = append(out, t.UnixMilli())
	}
	return out
}

// TestSameStart: a clock that is set back again and again makes files of the
// same name.
func TestSameStart(t *testing.T) {
	r := newRig(t, set{recorder: always})
	for range 3 {
		r.now = noon
		r.seconds(12)
	}
	r.stop()
	require.Equal(t, []string{"20261121T120000.000Z-11900-continuous.mp4", "20261121T120000.000Z_1-11900-continuous.mp4",
		"20261121T120000.000Z_2-11900-continuous.mp4"}, r.files())
	require.Len(t, all(t, r.library), 36)
	again := openAgain(t, r)
	require.Len(t, all(t, again), 36)
}

func openAgain(t *testing.T, r *rig) *recording.Library {
	t.Helper()
	require.NoError(t, r.library.Close())
	return openLibrary(t, r.dir, r.log, nil)
}

// TestSilentCamera: what there is of a GOP is on disk soon, and can be seen
// once it is clear that no more will come.
func TestSilentCamera(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Flush = recording.Always, 50*time.Millisecond }})
	r.seconds(2)
	r.frames(4)
	r.safe(after(2.3))
	r.frames(0)
	require.Equal(t, at(0, 1), all(t, r.library), "the newest may grow")
	r.stop()
	require.Equal(t, at(0, 1, 2), all(t, r.library))
	require.Equal(t, []string{"20261121T120000.000Z-2300-continuous.mp4"}, r.files())
}

// TestLongGOP is written in parts and read as one.
func TestLongGOP(t *testing.T) {
	r := newRig(t, set{recorder: always})
	r.frames(45)
	r.safe(after(4.3)) // all but the last, of which it is not known how long it is shown
	r.frames(45)
	r.frames(1)
	r.stop()
	require.Equal(t, []time.Time{after(0), after(4.5), after(9)}, all(t, r.library))
	for g, err := range r.library.GOPs(t.Context(), "home.door", after(1), after(2)) {
		require.NoError(t, err)
		samples, complete := g.Samples(0)
		require.Len(t, samples, 45)
		require.True(t, complete)
	}
	require.GreaterOrEqual(t, r.Stats().Fragments, int64(4))
}

// TestOddPackets that a ring should not have are left out.
func TestOddPackets(t *testing.T) {
	r := newRig(t, set{recorder: always})
	r.seconds(1)
	odd := &media.Stream{Codec: "mjpeg"}
	r.ring.Put(&media.Packet{Stream: odd, Key: true, Time: r.now, PTS: r.pts, AU: [][]byte{{1}}})
	r.now = r.now.Add(time.Second)
	r.seconds(2)
	r.stop()
	require.Len(t, all(t, r.library), 3)
	require.Equal(t, 1, r.log.count("the camera's stream cannot"))
	require.EqualValues(t, 1, r.Stats().Lost)
}
