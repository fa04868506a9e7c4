package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording"
)

// recorded is a folder that a camera is being recorded in.
type recorded struct {
	t        *testing.T
	dir      string
	library  *recording.Library
	ring     *media.Ring
	recorder *recording.Recorder
	newest   time.Time
}

func record(t *testing.T, dir string) *recorded {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	library, err := recording.Open(recording.LibraryConfig{Dir: dir, Free: func(string) (int64, error) { return 1 << 40, nil }, Log: log})
	require.NoError(t, err)
	r := &recorded{t: t, dir: dir, library: library, ring: media.NewRing(media.RingConfig{Keep: time.Hour, Log: log})}
	r.recorder, err = recording.New(recording.Config{
		Camera: "home.door", Ring: r.ring, Library: library, Log: log, Mode: recording.Always, Segment: 2 * time.Second, Poll: time.Millisecond,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.recorder.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		require.NoError(t, library.Close())
	})
	return r
}

// film films a second more than seconds, for the last one is not whole yet.
func (r *recorded) film(begin time.Time, size, seconds string) {
	r.t.Helper()
	clip := mediatest.Encode(r.t, append(mediatest.Scene(size, "10", seconds, false), "-c:v", "libx264", "-preset", "ultrafast", "-g", "10")...)
	first := clip.Packets[0].PTS
	for _, p := range clip.Packets {
		q := *p
		q.Time = begin.Add(p.PTS - first)
		r.newest = q.Time
		r.ring.Put(&q)
	}
	require.Eventually(r.t, func() bool { return !r.recorder.Stats().Safe.Before(r.newest.Add(-1200 * time.Millisecond)) }, time.Minute, time.Millisecond)
}

// day is when test recordings begin.
func day() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

const (
	dayFrom = "2026-11-21T11:59:00Z"
	dayTo   = "2026-11-21T13:00:00Z"
)

func TestRecordingsAreListedWhileTheyGrow(t *testing.T) {
	r := record(t, filepath.Join(t.TempDir(), "state", "recordings"))
	require.NoError(t, r.recorder.Begin(recording.Event{ID: "a", From: day().Add(300 * time.Second), Until: day().Add(310 * time.Second), Severity: event.Alert}))
	r.film(day(), "160x120", "5")
	r.film(day().Add(300*time.Second), "160x120", "5")

	out := porchlight(t, "recordings", "list", "--json", "--dir", r.dir)
	require.Equal(t, 0, out.code, out.stderr)
	list := lines[rangeLine](t, out)
	require.Len(t, list, 2)
	require.Equal(t, "home.door", list[0].Camera)
	require.Equal(t, "continuous", list[0].Class)
	require.Equal(t, day(), list[0].From.Time)
	require.InDelta(t, 4.9, list[0].Seconds, 0.2)
	require.Equal(t, "alert", list[1].Class)
	require.Equal(t, day().Add(300*time.Second), list[1].From.Time)

	out = porchlight(t, "recordings", "list", "--camera", "door", "--dir", r.dir, "--from", "2026-11-21T12:01:00Z", "--to", dayTo)
	require.Equal(t, 0, out.code, out.stderr)
	require.Len(t, strings.Split(strings.TrimSpace(out.stdout), "\n"), 2, out.stdout)
	require.Contains(t, out.stdout, local(day().Add(300*time.Second)))
	require.Contains(t, out.stderr, r.dir)

	config := filepath.Join(t.TempDir(), "porchlight.yaml")
	require.NoError(t, os.WriteFile(config, []byte("state_dir: "+filepath.Dir(r.dir)+"\ntomorrow: 1"), 0o600))
	out = porchlight(t, "recordings", "usage", "--json", "--config", config)
	require.Equal(t, 0, out.code, out.stderr)
	usage := strings.Split(strings.TrimSpace(out.stdout), "\n")
	require.Len(t, usage, 2)
	require.Contains(t, usage[0], `"camera":"home.door"`)
	require.Contains(t, usage[0], `"alert":`)
	require.Contains(t, usage[1], `{"summary":{"dir":`)
	require.NoError(t, os.WriteFile(config, []byte("state_dir: s\nrecordings: {dir: "+r.dir+"}"), 0o600))
	out = porchlight(t, "recordings", "usage", "--config", config)
	require.Equal(t, 0, out.code, out.stderr)
	require.Contains(t, out.stdout, "home.door")
}

func TestRecordingsAreExported(t *testing.T) {
	r := record(t, t.TempDir())
	r.film(day(), "160x120", "5")
	r.film(day().Add(5*time.Minute), "160x120", "3")
	r.film(day().Add(10*time.Minute), "320x240", "4")
	file := filepath.Join(t.TempDir(), "door.mp4")
	args := []string{"recordings", "export", "door", "--json", "--dir", r.dir, "--from", dayFrom, "--to", dayTo, "-o", file}
	out := porchlight(t, args...)
	require.Equal(t, 0, out.code, out.stderr)
	list := lines[exportLine](t, out)
	require.Len(t, list, 2)
	require.Equal(t, day(), list[0].From.Time)
	require.Len(t, list[0].Gaps, 1)
	require.WithinDuration(t, day().Add(5*time.Second), list[0].Gaps[0].From.Time, time.Second)
	require.Equal(t, day().Add(5*time.Minute), list[0].Gaps[0].To.Time)
	require.Equal(t, filepath.Join(filepath.Dir(file), "door-2.mp4"), list[1].File)
	require.Contains(t, out.stderr, "nothing is recorded from "+local(day().Add(5*time.Second)))
	require.Contains(t, out.stderr, "nothing is recorded before")
	require.Contains(t, out.stderr, "nothing is recorded after")
	for i, frames := range []int{80, 30} {
		data, err := os.ReadFile(list[i].File)
		require.NoError(t, err)
		require.EqualValues(t, len(data), list[i].Bytes)
		require.InDelta(t, frames, mediatest.Decode(t, data), 10)
		info, err := os.Stat(list[i].File)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}

	before, err := os.ReadFile(file)
	require.NoError(t, err)
	out = porchlight(t, args...)
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "--force")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	require.NoError(t, os.Remove(list[1].File))
	out = porchlight(t, append(args, "--force")...)
	require.Equal(t, 0, out.code, out.stderr)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing else is left")

	out = porchlight(t, "recordings", "export", "home.door", "--dir", r.dir, "--from", dayFrom, "--to", "2026-11-21T12:06:00Z", "-o", "-")
	require.Equal(t, 0, out.code, out.stderr)
	require.Equal(t, string(before), out.stdout)
	require.Contains(t, out.stderr, "home.door")
	out = porchlight(t, "recordings", "export", "home.door", "--dir", r.dir, "--from", dayFrom, "--to", dayTo, "-o", "-")
	require.Equal(t, 1, out.code, "there is more than one file")
	require.Contains(t, out.stderr, "--from 2026-11-21T12:10:00Z")
}

func TestAnExportThatFailsLeavesNothing(t *testing.T) {
	r := record(t, t.TempDir())
	r.film(day(), "160x120", "3")
	to := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	for _, more := range [][]string{nil, {"--force"}} {
		code := run(ctx, append([]string{"recordings", "export", "door", "--dir", r.dir, "--from", dayFrom, "--to", dayTo, "-o", filepath.Join(to, "a.mp4")}, more...),
			&Streams{Stdout: &stdout, Stderr: &stderr, Log: slog.New(slog.DiscardHandler)})
		require.Equal(t, 1, code)
		entries, err := os.ReadDir(to)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
	require.Empty(t, stdout.String())
	for want, args := range map[string][]string{
		"recordings list":                       {"export", "door", "--dir", r.dir, "--from", "2020-01-01", "--to", "2020-01-02", "-o", filepath.Join(to, "a.mp4")},
		"there are some of home.door":           {"export", "garden", "--dir", r.dir, "--from", dayFrom, "-o", filepath.Join(to, "a.mp4")},
		"--dir":                                 {"list", "--dir", filepath.Join(to, "none")},
		"no such file":                          {"usage", "--config", filepath.Join(to, "none")},
		"no recordings of camera \"a\", nor of": {"list", "--camera", "a", "--dir", to},
	} {
		out := porchlight(t, append([]string{"recordings"}, args...)...)
		require.Equal(t, 1, out.code, args)
		require.Contains(t, out.stderr, want)
		require.Empty(t, out.stdout)
	}
	require.NoDirExists(t, filepath.Join(to, "none"))
}

func TestRecordingsRefuse(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, args := range [][]string{
		{},
		{"list"}, // where?
		{"list", "--dir", dir, "--config", "x"},
		{"list", "--dir", dir, "--from"},
		{"list", "--dir", dir, "--from", "yesterday"},
		{"list", "--dir", dir, "--from", "10m"},
		{"list", "--dir", dir, "--from", "-10m", "--to", "-20m"},
		{"list", "--dir", dir, "--to", "25:00"},
		{"export", "--dir", dir, "--from", "-10m", "-o", "a.mp4"},
		{"export", "door", "--dir", dir, "-o", "a.mp4"},
		{"export", "door", "--dir", dir, "--from", "-10m"},
		{"export", "door", "--dir", dir, "--from", "-10m", "-o", "a.avi"},
		{"export", "door", "--dir", dir, "--from", "-10m", "-o", "--force"},
		{"export", "door", "--dir", dir, "--from", "-10m", "-o", "-", "--json"},
	} {
		r := porchlight(t, append([]string{"recordings"}, args...)...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Empty(t, r.stdout)
		require.Contains(t, r.stderr, "--help")
	}
}

func TestMoments(t *testing.T) {
	zone := time.FixedZone("here", 2*3600)
	now := time.Date(2026, 11, 21, 18, 30, 0, 0, zone)
	for text, want := range map[moment]time.Time{
		"now":                       now,
		"-10m":                      now.Add(-10 * time.Minute),
		"-1h30m":                    now.Add(-90 * time.Minute),
		"-2d":                       now.Add(-48 * time.Hour),
		"2026-11-20T10:00:00Z":      time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
		"2026-11-20T10:00:00+02:00": time.Date(2026, 11, 20, 10, 0, 0, 0, zone),
		"2026-11-20 10:00:05":       time.Date(2026, 11, 20, 10, 0, 5, 0, zone),
		"2026-11-20 10:00":          time.Date(2026, 11, 20, 10, 0, 0, 0, zone),
		"2026-11-20":                time.Date(2026, 11, 20, 0, 0, 0, 0, zone),
		"10:15":                     time.Date(2026, 11, 21, 10, 15, 0, 0, zone),
		"10:15:20":                  time.Date(2026, 11, 21, 10, 15, 20, 0, zone),
	} {
		got, err := text.at(now)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), "%s: %v", text, got)
	}
	for _, text := range []moment{"", "x", "-", "--10m", "-x", "-9999999d", "-d", "10", "24:01", "2026-13-01", "2026-11-20T10:00", "10m"} {
		_, err := text.at(now)
		require.Error(t, err, text)
	}
}
