package capture

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimelineNeverRunsBack(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var log logTo
	line := timeline{log: log.Logger()}
	require.Equal(t, noon, line.at(noon))
	require.Equal(t, noon.Add(time.Second), line.at(noon.Add(time.Second)))
	require.Equal(t, noon.Add(time.Second+time.Millisecond), line.at(noon.Add(time.Second)), "the same time twice")
	require.Empty(t, log.String())

	// The clock is set back by a minute, twice.
	raw := noon.Add(-time.Minute)
	last := line.at(raw)
	for range 2 {
		for range 100 {
			raw = raw.Add(200 * time.Millisecond)
			at := line.at(raw)
			require.InDelta(t, 200*time.Millisecond, at.Sub(last), float64(25*time.Millisecond), "intervals stay right")
			last = at
		}
		raw = raw.Add(-time.Minute)
		last = line.at(raw)
	}
	require.Equal(t, 1, strings.Count(log.String(), "jumped back"), "it is told once")
	for range 20 * 60 * 5 * 2 {
		raw = raw.Add(200 * time.Millisecond)
		line.at(raw)
	}
	require.Equal(t, raw, line.last, "it has caught up")

	require.Equal(t, raw.Add(time.Hour), line.at(raw.Add(time.Hour)), "a step forward is followed")
}

func TestWallClockOfBPictures(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := wallClock{log: discard()}
	order := []int{0, 300, 100, 200, 600, 400, 500}
	for i, ms := range order {
		pts := time.Duration(ms) * time.Millisecond
		require.Equal(t, start.Add(pts), c.at(pts, start.Add(time.Duration(i)*100*time.Millisecond), start.Add(pts)))
	}
}

func TestWallClockIsSet(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var log logTo
	c := wallClock{log: log.Logger()}
	require.Equal(t, now, c.at(0, now, time.Time{}))
	c.follow(largeStep / 2)
	require.Empty(t, log.String())
	for range 2 {
		c.follow(-time.Hour)
		now = now.Add(-time.Hour)
		require.Equal(t, now, c.at(0, now, time.Time{}), "it follows at once")
	}
	require.Equal(t, 1, strings.Count(log.String(), "clock was set"))

	began := time.Now()
	c = wallClock{log: discard()}
	require.Zero(t, c.step(began))
	require.InDelta(t, 0, c.step(time.Now()), float64(100*time.Millisecond), "time that passes is no step")
}

func TestTally(t *testing.T) {
	var told []uint64
	c := &tally{tell: func(n uint64) { told = append(told, n) }}
	for range 1000 {
		c.add(2)
	}
	require.Equal(t, []uint64{2}, told, "at once, and then once a minute")
	c.told = c.told.Add(-tellEvery)
	c.add(1)
	require.Equal(t, []uint64{2, 1999}, told)
	c.flush()
	require.Len(t, told, 2)
	c.add(5)
	c.flush()
	require.Equal(t, []uint64{2, 1999, 5}, told)
}
