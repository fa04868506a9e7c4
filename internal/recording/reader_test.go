package recording_test

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

// A producer gets from disk what memory has dropped.
var _ producer.Source = (*recording.Source)(nil)

// TestReadWhileRecording: readers see whole GOPs, while files grow, get other
// names and are removed.
func TestReadWhileRecording(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 2*time.Second }})
	r.size = 1000
	require.NoError(t, r.library.SetLimits("home.door", recording.Limits{MaxBytes: 300 << 10}))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				last := int64(0)
				for g, err := range r.library.GOPs(t.Context(), "home.door", after(-10), after(1000)) {
					if err != nil {
						t.Error(err)
						return
					}
					samples, complete := g.Samples(0)
					if len(samples) != 10 || !complete || g.Start <= last {
						t.Error("not a whole GOP, or out of order", len(samples), complete, g.Start, last)
					}
					last = g.Start
				}
				clip, err := r.library.Clip(t.Context(), "home.door", after(-10), after(1000))
				if errors.Is(err, recording.ErrNothing) {
					continue
				}
				if err == nil {
					err = clip.Write(io.Discard)
					clip.Close()
				}
				if err != nil {
					t.Error(err)
					return
				}
				r.library.Ranges("home.door", after(0), after(100))
				r.library.Sweep()
			}
		})
	}
	for i := range 80 {
		if i%10 == 5 {
			r.begin(string(rune('a'+i)), float64(i), 3, i%20 == 5)
		}
		r.seconds(1)
		if i > 2 {
			r.safeOrFull(r.now.Add(-2 * time.Second))
		}
	}
	close(stop)
	readers.Wait()
}

// safeOrFull is safe for when readers may hold what would have to go.
func (r *rig) safeOrFull(at time.Time) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		s := r.Stats()
		return s.State == recording.Full || !s.Safe.Before(at)
	}, patience, time.Millisecond)
}
