package recording_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/recording"
)

const childVariable = "RECORDING_CHILD"

// TestKill kills a process that records, with SIGKILL and at any moment. What
// it said to be on disk is there, whole and in order.
func TestKill(t *testing.T) {
	if dir := os.Getenv(childVariable); dir != "" {
		recordUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	var safe int64
	recorded := 0
	for round := range 8 {
		safe = max(safe, killed(t, dir, round))
		log := &lines{}
		l, err := recording.Open(recording.LibraryConfig{
			Dir: dir, Free: func(string) (int64, error) { return roomy, nil }, Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		require.NoError(t, err)
		require.Zero(t, log.count("left alone"))
		last, n := int64(0), 0
		for g, err := range l.GOPs(t.Context(), "home.door", noon, noon.Add(1000*time.Hour)) {
			require.NoError(t, err)
			require.Greater(t, g.Start, last)
			last, _ = g.End()
			n++
		}
		require.GreaterOrEqual(t, last, safe, "all that was safe is there")
		require.Greater(t, n, recorded)
		recorded = n
		require.NoError(t, l.Close())
		for _, name := range files(t, dir) {
			require.True(t, strings.HasSuffix(name, ".mp4"), "%s: every file is ended", name)
		}
	}
	for _, path := range paths(t, dir) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = mp4.DecodeFile(bytes.NewReader(data))
		require.NoError(t, err, path)
	}
}

func paths(t *testing.T, dir string) []string {
	out, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.mp4"))
	require.NoError(t, err)
	return out
}

// killed has a child record until it is killed, and returns what it said last
// to be safe.
func killed(t *testing.T, dir string, round int) (safe int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), childVariable+"="+dir, "RECORDING_ROUND="+strconv.Itoa(round))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if s, ok := strings.CutPrefix(lines.Text(), "safe "); ok {
			safe, err = strconv.ParseInt(s, 10, 64)
			require.NoError(t, err)
		}
		if n == 3 {
			time.AfterFunc(rand.N(20*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.NoError(t, ctx.Err())
	require.Positive(t, safe)
	return safe
}

func recordUntilKilled(t *testing.T, dir string) {
	r := &rig{camera: newCamera(t), dir: dir, log: &lines{}}
	r.library = openLibrary(t, dir, r.log, nil)
	round, err := strconv.Atoi(os.Getenv("RECORDING_ROUND"))
	require.NoError(t, err)
	r.now, r.size = noon.Add(time.Duration(round)*time.Hour), 20_000
	r.record(func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 3*time.Second })
	begin, last := r.now, time.Time{}
	for r.now.Sub(begin) < 50*time.Minute {
		r.seconds(1)
		for r.now.Sub(begin) > 8*time.Second && r.Stats().Safe.Before(r.now.Add(-5*time.Second)) {
			time.Sleep(time.Millisecond) // not faster than a ring holds
		}
		if safe := r.Stats().Safe; safe.After(last) {
			_, err := fmt.Fprintf(os.Stdout, "safe %d\n", safe.UnixMilli())
			require.NoError(t, err)
			last = safe
		}
	}
	t.Fatal("nobody killed it")
}

// TestOpen repairs what a crash has left and leaves alone what is not ours.
func TestOpen(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 3*time.Second }})
	r.seconds(9)
	r.stop()
	require.NoError(t, r.library.Close())
	day := filepath.Join(r.dir, "home.door", "2026-11-21")
	last := "20261121T120006.000Z-"
	data, err := os.ReadFile(filepath.Join(day, last+"2900-continuous.mp4"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(day, last+"2900-continuous.mp4")))
	for name, content := range map[string][]byte{
		last + "alert.part":                       data[:len(data)-30],
		"20261121T120030.000Z-detection.part":     data[:100],
		"20261121T120031.000Z-detection.part":     nil,
		"notes.txt":                               []byte("mine"),
		"20261121T120032.000Z-1000-detection.xyz": []byte("mine"),
		"20261122T120032.000Z-1000-detection.mp4": []byte("of another day"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(day, name), content, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "file"), nil, 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(r.dir, "empty", "2026-11-20"), 0o700))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(day, "20261121T130000.000Z-1000-detection.mp4")))

	log := &lines{}
	l := openLibrary(t, r.dir, log, nil)
	require.Equal(t, at(span(0, 7)...), all(t, l), "the last fragment was cut short")
	require.Equal(t, 1, log.count("whole up to its last fragment"))
	require.Equal(t, 2, log.count("had only begun"))
	require.FileExists(t, filepath.Join(day, last+"1900-alert.mp4"))
	require.FileExists(t, filepath.Join(day, "notes.txt"))
	require.NoDirExists(t, filepath.Join(r.dir, "empty", "2026-11-20"))
	require.NoError(t, l.SetLimits("home.door", recording.Limits{MaxBytes: 1}))
	for _, f := range []string{"notes.txt", "20261121T120032.000Z-1000-detection.xyz"} {
		require.FileExists(t, filepath.Join(day, f))
	}

	_, err = recording.Open(recording.LibraryConfig{Dir: r.dir, Log: slog.New(slog.DiscardHandler)})
	require.ErrorIs(t, err, recording.ErrBusy)
	_, err = recording.Open(recording.LibraryConfig{Dir: filepath.Join(r.dir, "file"), Log: slog.New(slog.DiscardHandler)})
	require.Error(t, err)
}

// TestDamagedFile: what can be read of a file is.
func TestDamagedFile(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 4*time.Second }})
	r.seconds(8)
	r.stop()
	all := paths(t, r.dir)
	require.Len(t, all, 2)
	data, err := os.ReadFile(all[0])
	require.NoError(t, err)
	clear(data[len(data)*5/8:])
	require.NoError(t, os.WriteFile(all[0], data, 0o600))
	l := openAgain(t, r)
	source := l.Source("home.door")
	var got []time.Time
	for from := int64(0); ; {
		g, err := source.GOP(t.Context(), from, 1<<60)
		if err != nil {
			break
		}
		got = append(got, time.UnixMilli(g.Start).UTC())
		from = g.Start + 1
	}
	require.Equal(t, at(0, 1, 4, 5, 6, 7), got)
	require.NoError(t, os.Remove(all[0]))
	_, err = source.GOP(t.Context(), 0, after(3).UnixMilli())
	require.Error(t, err)
	g, err := source.GOP(t.Context(), 0, 1<<60)
	require.NoError(t, err)
	require.Equal(t, after(4).UnixMilli(), g.Start)
}
