package recording_test

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/recording"
)

// kinds records ten seconds of each class in files of two seconds.
func kinds(t *testing.T, s set) *rig {
	t.Helper()
	r := newRig(t, set{library: s.library, recorder: func(c *recording.Config) {
		c.Mode, c.Segment, c.PreRoll, c.PostRoll = recording.Always, 2*time.Second, 0, 0
	}})
	r.size = 4000
	r.begin("d", 10, 9.9, false)
	r.begin("a", 20, 9.9, true)
	for range 3 {
		r.seconds(10)
		r.safe(r.now.Add(-time.Second - 100*time.Millisecond))
	}
	r.stop()
	require.Len(t, r.files(), 15)
	return r
}

func (r *rig) classes() map[recording.Class]bool {
	out := make(map[recording.Class]bool)
	for class, n := range r.library.Usage("home.door").Bytes {
		out[class] = n > 0
	}
	return out
}

// TestKeep: by age, alerts longer than detections.
func TestKeep(t *testing.T) {
	var now atomic.Int64
	r := kinds(t, set{library: func(c *recording.LibraryConfig) {
		c.Now = func() time.Time { return time.UnixMilli(now.Load()) }
		now.Store(after(30).UnixMilli())
	}})
	require.NoError(t, r.library.SetLimits("home.door", recording.Limits{Keep: recording.Keep{
		recording.Continuous: time.Hour, recording.Detection: 2 * time.Hour, recording.Alert: 48 * time.Hour,
	}}))
	for _, step := range []struct {
		at    time.Time
		files int
	}{
		{after(30), 15},
		{after(3600 + 5), 13},
		{after(3600 + 60), 10},
		{after(2*3600 + 60), 5},
		{after(47 * 3600), 5},
		{after(49 * 3600), 0},
	} {
		// An hour at a time: more would be a jump of the clock.
		for now.Load() < step.at.UnixMilli() {
			now.Store(min(now.Load()+time.Hour.Milliseconds(), step.at.UnixMilli()))
			r.library.Sweep()
		}
		require.Len(t, r.files(), step.files, "%v", step.at)
	}
	entries, err := os.ReadDir(filepath.Join(r.dir, "home.door"))
	require.NoError(t, err)
	require.Empty(t, entries, "no empty folder stays")
	require.Empty(t, r.library.Cameras())
}

// TestClipPins: what is being read is not removed under the reader's hands.
func TestClipPins(t *testing.T) {
	var now atomic.Int64
	now.Store(after(30).UnixMilli())
	r := kinds(t, set{library: func(c *recording.LibraryConfig) {
		c.Now = func() time.Time { return time.UnixMilli(now.Load()) }
		c.Limits.Keep = recording.Keep{recording.Continuous: time.Minute}
	}})
	clip, err := r.library.Clip(t.Context(), "home.door", after(4), after(5))
	require.NoError(t, err)
	now.Store(after(600).UnixMilli())
	r.library.Sweep()
	require.Len(t, r.files(), 11)
	require.NoError(t, clip.Write(io.Discard))
	clip.Close()
	r.library.Sweep()
	require.Len(t, r.files(), 10)
}

// TestMaxBytes: the lowest class goes first, the oldest of it, and nothing
// that outranks what is being recorded.
func TestMaxBytes(t *testing.T) {
	r := kinds(t, set{})
	full := int64(0)
	for _, n := range r.library.Usage("home.door").Bytes {
		full += n
	}
	limit := full + 120<<10 // what a recorder wants to be free before it writes
	require.NoError(t, r.library.SetLimits("home.door", recording.Limits{MaxBytes: limit}))
	r.record(always)
	r.seconds(1) // 40 kB each
	steps := 0
	for ; r.Stats().State != recording.Full; steps++ {
		require.Less(t, steps, 20)
		r.seconds(1)
		want := r.now.Add(-1100 * time.Millisecond)
		require.Eventually(t, func() bool {
			s := r.Stats()
			return s.State == recording.Full || !s.Safe.Before(want)
		}, patience, time.Millisecond)
		usage := r.library.Usage("home.door")
		require.LessOrEqual(t, usage.Bytes[1]+usage.Bytes[2]+usage.Bytes[3], limit)
		require.Positive(t, usage.Bytes[recording.Detection], "continuous makes no room at their cost")
	}
	require.Greater(t, steps, 1)
	require.ErrorIs(t, r.Stats().Err, recording.ErrFull)
	require.Equal(t, 1, r.log.count("recording has stopped"))
	require.True(t, r.classes()[recording.Alert])

	// An alert may take what all others have.
	r.begin("now", r.now.Sub(noon).Seconds(), 60, true)
	r.seconds(2)
	require.Eventually(t, func() bool { return r.Stats().State == recording.Recording }, patience, time.Millisecond)
	require.Equal(t, 1, r.log.count("recording is possible again"))
}

// TestFreeSpace: recordings leave room on the disk, whoever fills it.
func TestFreeSpace(t *testing.T) {
	var free atomic.Int64
	free.Store(roomy)
	r := kinds(t, set{library: func(c *recording.LibraryConfig) {
		c.MinFree = 1 << 20
		c.Free = func(string) (int64, error) { return free.Load(), nil }
	}})
	detections := r.library.Usage("home.door").Bytes[recording.Detection]
	// A little short: some of continuous goes.
	free.Store(1<<20 + 100<<10)
	r.record(func(c *recording.Config) { c.PreRoll, c.PostRoll = 0, 0 })
	r.begin("x", 30, 5, false)
	r.frames(10)
	r.seconds(1)
	r.safe(after(30.9))
	require.Equal(t, 1, r.log.count("the disk is nearly full"))
	require.Equal(t, detections, r.library.Usage("home.door").Bytes[recording.Detection]-r.open(t))
	// Nothing at all: what there is would not help, so it stays.
	before := r.library.Usage("home.door")
	free.Store(0)
	r.seconds(2)
	require.Eventually(t, func() bool { return r.Stats().State == recording.Full }, patience, time.Millisecond)
	require.Equal(t, before.Bytes[recording.Alert], r.library.Usage("home.door").Bytes[recording.Alert])
	require.GreaterOrEqual(t, r.library.Usage("home.door").Bytes[recording.Detection], detections)
	free.Store(roomy)
	r.seconds(2)
	require.Eventually(t, func() bool { return r.Stats().State == recording.Recording }, patience, time.Millisecond)
	r.safe(after(33.9))
	require.Zero(t, r.Stats().Lost, "memory bridged it")
}

// open is how many bytes are in the file being written.
func (r *rig) open(t *testing.T) (n int64) {
	matches, err := filepath.Glob(filepath.Join(r.dir, "*", "*", "*.part"))
	require.NoError(t, err)
	for _, m := range matches {
		info, err := os.Stat(m)
		require.NoError(t, err)
		n += info.Size()
	}
	return n
}

// TestDiskTakenAway: a disk that goes while a camera is recorded is said, costs
// no more than what was on it, and stops nothing.
func TestDiskTakenAway(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 2*time.Second }})
	packets := encode(t, "4", plain...)
	r.film(noon, packets)
	r.safe(after(2.9))
	r.library.Sweep()
	require.Zero(t, r.log.count("taken away"))

	// A folder with another name is as good as a disk that is not mounted.
	away := r.dir + ".away"
	require.NoError(t, os.Rename(r.dir, away))
	t.Cleanup(func() { _ = os.RemoveAll(away) })
	r.library.Sweep()
	r.library.Sweep()
	require.Equal(t, 1, r.log.count("taken away"))
	_, err := r.library.Clip(t.Context(), "home.door", after(0), after(1))
	require.ErrorIs(t, err, recording.ErrNothing)
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.MkdirAll(r.dir, 0o700))
	r.film(after(60), packets)
	require.Eventually(t, func() bool { return !r.Stats().Safe.Before(after(62.9)) }, patience, time.Millisecond)
	r.stop()
	clip, err := r.library.Clip(t.Context(), "home.door", after(0), after(100))
	require.NoError(t, err)
	require.Equal(t, after(60), clip.From)
	clip.Close()

	// It is back.
	require.NoError(t, os.RemoveAll(r.dir))
	require.NoError(t, os.Rename(away, r.dir))
	r.library.Sweep()
	require.Equal(t, 1, r.log.count("is back"))
	clip, err = r.library.Clip(t.Context(), "home.door", after(0), after(1))
	require.NoError(t, err)
	clip.Close()
}

// TestNobodyElseReads: folders and files are their owner's alone.
func TestNobodyElseReads(t *testing.T) {
	r := newRig(t, set{recorder: always})
	r.seconds(3)
	r.stop()
	require.NoError(t, filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		if path != r.dir { // made by the test
			require.Zero(t, info.Mode().Perm()&0o077, path)
		}
		return nil
	}))
}
