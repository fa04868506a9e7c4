package capture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLipSync plays an hour of a camera whose sound's clock runs fast by a
// hundredth of a percent, with and without reports of the camera's own time:
// sound stays with the pictures, and never jumps.
func TestLipSync(t *testing.T) {
	for name, c := range map[string]struct {
		reports bool
		doubt   time.Duration // by how much those of the sound are wrong
		within  time.Duration
	}{
		"by reports":           {true, 0, 3 * time.Millisecond},
		"by arrival":           {false, 0, 40 * time.Millisecond},
		"reports of two times": {true, time.Hour, 40 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLipSync()
			start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			const frame = 64 * time.Millisecond
			last, next := time.Duration(0), time.Duration(0)
			for i := range int(time.Hour / frame) {
				moment := time.Duration(i) * frame
				jitter := time.Duration(i*37%20) * time.Millisecond
				for ; next <= moment; next += 40 * time.Millisecond {
					at, reported := start.Add(next), time.Time{}
					if c.reports {
						reported = at.Add(3 * time.Second) // the camera's clock is off
					}
					l.picture(next, at, at.Add(jitter), reported)
				}
				own := 500*time.Millisecond + moment + moment/10_000
				reported := time.Time{}
				if c.reports {
					reported = start.Add(moment + 3*time.Second + c.doubt)
				}
				pts, at, known := l.sound(own, start.Add(moment+jitter), reported)
				require.True(t, known)
				if i > 1000 {
					require.InDelta(t, moment.Seconds(), pts.Seconds(), c.within.Seconds())
					require.InDelta(t, frame.Seconds(), (pts - last).Seconds(), 0.001, "at %s", moment)
				}
				require.WithinDuration(t, start.Add(pts), at, time.Millisecond)
				last = pts
			}
		})
	}
}

func TestLipSyncWaitsForPictures(t *testing.T) {
	l := newLipSync()
	now := time.Now()
	_, _, known := l.sound(time.Second, now, time.Time{})
	require.False(t, known)
	l.picture(0, now, now, time.Time{})
	pts, at, known := l.sound(1100*time.Millisecond, now.Add(100*time.Millisecond), time.Time{})
	require.True(t, known)
	require.InDelta(t, 0.1, pts.Seconds(), 1e-6)
	require.WithinDuration(t, now.Add(100*time.Millisecond), at, time.Microsecond)
}
