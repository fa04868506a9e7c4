package capture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
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

// TestWeave gives out sound after the pictures of its time, whoever is ahead.
func TestWeave(t *testing.T) {
	bus := &media.Bus{}
	reader := bus.SubscribeAll(1000)
	w := weave{bus: bus}
	video, audio := &media.Stream{Codec: media.H264}, &media.Stream{Codec: media.AAC}
	picture := func(ms int, key bool) {
		w.video(&media.Packet{Stream: video, PTS: time.Duration(ms) * time.Millisecond, Key: key, AU: [][]byte{{1}}})
	}
	sound := func(ms int) {
		w.sound(&media.Packet{Stream: audio, PTS: time.Duration(ms) * time.Millisecond, AU: [][]byte{{1}}})
	}
	for range 2 * maxSoundHeld {
		sound(-1) // before there are pictures: bounded, and of no use
	}
	picture(0, true)
	sound(50)
	sound(150)
	picture(100, false)
	picture(200, true)
	sound(180)
	picture(20_000, true)
	sound(20_100)
	picture(0, true) // another connection
	sound(10)
	picture(100, false)
	reader.Close()
	var got []int
	for {
		p, err := reader.Next(t.Context())
		if err != nil {
			break
		}
		got = append(got, int(p.PTS.Milliseconds()))
	}
	require.Equal(t, []int{0, 50, 100, 150, 200, 180, 20_000, 0, 10, 100}, got)
}
