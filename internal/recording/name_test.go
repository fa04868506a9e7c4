package recording

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestName(t *testing.T) {
	start := time.Date(2026, 11, 21, 23, 59, 59, 7e6, time.UTC).UnixMilli()
	for want, n := range map[string]name{
		"20261121T235959.007Z-alert.part":           {start: start, end: start, class: Alert, open: true},
		"20261121T235959.007Z-61000-continuous.mp4": {start: start, end: start + 61000, class: Continuous},
		"20261121T235959.007Z_12-0-detection.mp4":   {start: start, end: start, same: 12, class: Detection},
		"19700101T000000.000Z-detection.part":       {class: Detection, open: true},
		"20261121T235959.007Z_1-86400000-alert.mp4": {start: start, end: start + 86400000, same: 1, class: Alert},
		"20261121T235959.007Z_99-continuous.part":   {start: start, end: start, same: 99, class: Continuous, open: true},
	} {
		require.Equal(t, want, n.String())
		got, ok := parseName(want)
		require.True(t, ok, want)
		require.Equal(t, n, got)
	}
	require.Equal(t, "2026-11-21", name{start: start}.day())
	for _, s := range []string{"", "x", "20261121T235959.007Z-1-alert.part", "20261121T235959.007Z-alert.mp4", "20261321T235959.007Z-alert.part",
		"20261121T235959.007Z-86400001-alert.mp4", "20261121T235959.007Z-007-alert.mp4", "20261121T235959.007Z-1-alarm.mp4"} {
		_, ok := parseName(s)
		require.False(t, ok, s)
	}
}

func FuzzName(f *testing.F) {
	f.Add("20261121T235959.007Z-61000-continuous.mp4")
	f.Add("20261121T235959.007Z_12-alert.part")
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseName(s); ok {
			require.Equal(t, s, n.String())
			require.NotZero(t, n.class)
			require.GreaterOrEqual(t, n.end, n.start)
		}
	})
}

// TestClock: a wall clock that jumps ahead does not cost the recordings.
func TestClock(t *testing.T) {
	var c clock
	wall := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		wall, counted time.Duration
		jump          time.Duration
		held          bool
	}{
		{0, 0, 0, false},
		{time.Minute, time.Minute, 0, false},
		{31 * time.Minute, 2 * time.Minute, 0, false}, // a correction
		{-time.Hour, 3 * time.Minute, 0, false},       // back: nothing gets older
		{1000 * time.Hour, 4 * time.Minute, 1001*time.Hour - time.Minute, true},
		{1000*time.Hour + time.Minute, 5 * time.Minute, 0, true},
		{1024 * time.Hour, 24*time.Hour + 4*time.Minute, 0, false}, // somebody meant it
	} {
		jump, held := c.hold(wall.Add(step.wall), step.counted)
		require.Equal(t, step.jump, jump, "%d", i)
		require.Equal(t, step.held, held, "%d", i)
	}
}
