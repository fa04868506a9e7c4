package recording_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording"
)

func openReader(t testing.TB, dir string, log *lines) *recording.Library {
	t.Helper()
	l, err := recording.OpenReadOnly(recording.LibraryConfig{Dir: dir, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// TestReadBesideAnotherProcess: what a recording process said to be on disk can
// be read while it records, and once it has crashed.
func TestReadBesideAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), childVariable+"="+dir, "RECORDING_ROUND=0")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said, safe, rounds := bufio.NewScanner(out), int64(0), 0
	for rounds < 10 && said.Scan() {
		text, ok := strings.CutPrefix(said.Text(), "safe ")
		if !ok {
			continue
		}
		// It stops in whatever it is doing, so that it is still there.
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		safe, err = strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		_, err = recording.Open(recording.LibraryConfig{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		require.ErrorIs(t, err, recording.ErrBusy)
		require.GreaterOrEqual(t, newest(t, openReader(t, dir, &lines{})), safe)
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
		rounds++
	}
	require.Equal(t, 10, rounds)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait(), "it was killed")

	before := snapshot(t, dir)
	l := openReader(t, dir, &lines{})
	seen := newest(t, l)
	require.GreaterOrEqual(t, seen, safe)
	require.Equal(t, before, snapshot(t, dir), "nothing is repaired")
	require.NoError(t, openLibrary(t, dir, &lines{}, nil).Close())
	require.Equal(t, seen, newest(t, l), "nor is what was repaired lost to a reader")
	require.GreaterOrEqual(t, newest(t, openReader(t, dir, &lines{})), safe)
}

// newest is when the latest packet was, milliseconds since 1970.
func newest(t *testing.T, l *recording.Library) (last int64) {
	t.Helper()
	for g, err := range l.GOPs(t.Context(), "home.door", noon, noon.Add(1000*time.Hour)) {
		require.NoError(t, err)
		end, _ := g.End()
		require.Greater(t, end, last)
		last = end
	}
	require.NotZero(t, last)
	return last
}

// snapshot is all files with their sizes and times.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		all[path] = info.Mode().String() + " " + strconv.FormatInt(info.Size(), 10) + " " + info.ModTime().String()
		return nil
	}))
	return all
}

// TestReadWhileFilesComeAndGo: clips are whole while files end, get another
// class and are removed.
func TestReadWhileFilesComeAndGo(t *testing.T) {
	r := newRig(t, set{
		library: func(c *recording.LibraryConfig) { c.Limits.MaxBytes = 400_000 },
		recorder: func(c *recording.Config) {
			c.Mode, c.Segment, c.PreRoll, c.PostRoll = recording.Always, time.Second, 0, 0
		},
	})
	r.size = 1000
	var reading sync.WaitGroup
	ended := make(chan struct{})
	stop := sync.OnceFunc(func() { close(ended); reading.Wait() })
	defer stop()
	var read atomic.Int64
	reading.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
			}
			l, err := recording.OpenReadOnly(recording.LibraryConfig{Dir: r.dir, Log: slog.New(slog.NewTextHandler(r.log, nil))})
			if !noError(t, err) {
				return
			}
			clip, err := l.Clip(context.Background(), "home.door", noon, noon.Add(time.Hour))
			if errors.Is(err, recording.ErrNothing) {
				continue
			}
			if !noError(t, err) {
				return
			}
			var out bytes.Buffer
			err = clip.Write(&out)
			clip.Close()
			if !noError(t, err) {
				return
			}
			if _, err = mp4.DecodeFile(&out); !noError(t, err) {
				return
			}
			read.Add(1)
		}
	})
	for i := range 150 {
		if i%50 == 10 { // what is recorded of it already gets another name
			r.begin(strconv.Itoa(i), float64(i-3), 4, i > 50)
		}
		r.seconds(1)
		if i > 2 {
			r.safe(r.now.Add(-1100 * time.Millisecond))
		}
	}
	require.Eventually(t, func() bool { return read.Load() > 0 }, patience, time.Millisecond)
	stop()
	require.Zero(t, r.log.count("cannot be read"))
	require.Less(t, len(r.files()), 100, "some were removed")
}

func noError(t *testing.T, err error) bool {
	if err != nil {
		t.Error(err) // of a goroutine that must not end the test
	}
	return err == nil
}

// TestReadWhatIsRemoved: what a clip is made of can be read to its end; what
// was removed before is a gap.
func TestReadWhatIsRemoved(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 2*time.Second }})
	r.film(noon, encode(t, "8", plain...))
	r.safe(after(6.9))
	log := &lines{}
	l := openReader(t, r.dir, log)
	open := l.Usage("home.door").Files
	r.stop() // the last file gets its name
	clip, err := l.Clip(t.Context(), "home.door", after(0), after(10))
	require.NoError(t, err)
	all := paths(t, r.dir)
	require.Len(t, all, open)
	require.NoError(t, os.Remove(all[1]))
	rest, err := l.Clip(t.Context(), "home.door", after(0), after(10))
	require.NoError(t, err)
	require.Equal(t, 1, log.count("was removed meanwhile"))
	require.Equal(t, 150, mediatest.Decode(t, cut(t, rest)))
	require.Len(t, starts(t, l, noon, after(10)), 6)

	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "home.door")))
	video, _ := duration(t, cut(t, clip))
	require.InDelta(t, 8, video, 0.05)
	_, err = l.Clip(t.Context(), "home.door", after(0), after(10))
	require.ErrorIs(t, err, recording.ErrNothing)
}

// TestReadOnlyChangesNothing, whatever it finds.
func TestReadOnlyChangesNothing(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 3*time.Second }})
	r.seconds(6)
	r.stop()
	require.NoError(t, r.library.Close())
	require.NoError(t, os.Remove(filepath.Join(r.dir, ".lock")))
	day := filepath.Join(r.dir, "home.door", "2026-11-21")
	data, err := os.ReadFile(paths(t, r.dir)[1])
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"20261121T120009.000Z-alert.part":         data[:len(data)-30],
		"20261121T120030.000Z-detection.part":     data[:100],
		"20261121T120031.000Z-detection.part":     nil,
		"20261121T120032.000Z-1000-detection.xyz": []byte("not ours"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(day, name), content, 0o600))
	}
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(day, "20261121T130000.000Z-1000-detection.mp4")))
	require.NoError(t, os.MkdirAll(filepath.Join(r.dir, "empty", "2026-11-20"), 0o700))
	before := snapshot(t, r.dir)
	log := &lines{}
	l := openReader(t, r.dir, log)
	require.Equal(t, []string{"home.door"}, l.Cameras())
	require.Len(t, l.Ranges("home.door", noon, after(3600)), 2)
	require.Equal(t, 3, l.Usage("home.door").Files)
	require.NoError(t, l.SetLimits("home.door", recording.Limits{Keep: recording.Keep{recording.Alert: time.Second}, MaxBytes: 1}))
	l.Sweep()
	_, err = recording.New(recording.Config{Camera: "home.door", Ring: r.ring, Library: l, Log: slog.New(slog.DiscardHandler)})
	require.ErrorIs(t, err, recording.ErrReadOnly)
	require.Equal(t, before, snapshot(t, r.dir))
	require.Empty(t, log.text.String())

	_, err = recording.OpenReadOnly(recording.LibraryConfig{Dir: filepath.Join(r.dir, "none"), Log: slog.New(slog.DiscardHandler)})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoDirExists(t, filepath.Join(r.dir, "none"))
}
