package producer

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"porchlight/internal/media"
)

// asked is an older recording that says when it is asked.
type asked struct {
	*recording
	on   func(from int64)
	errs []error
}

func (a *asked) GOP(ctx context.Context, from, before int64) (*media.GOP, error) {
	if len(a.errs) > 0 {
		err := a.errs[0]
		a.errs = a.errs[1:]
		return nil, err
	}
	g, err := a.recording.GOP(ctx, from, before)
	if err == nil && a.on != nil {
		a.on(g.Start)
	}
	return g, err
}

// outage is a camera that has filmed three events while nothing could be sent,
// before its process began anew.
func outage(t *testing.T, change func(*Config, *recording)) (s *restarts, a, b, c []int64) {
	s = newRestarts(t, nil)
	online := s.offline()
	s.camera.gops(14)
	require.NoError(t, s.Begin(s.event("A", 1, 4)))
	require.NoError(t, s.Begin(s.event("C", 10, 12)))
	require.NoError(t, s.Begin(s.event("B", 5, 8)))
	s.saved(func(st state) bool { return len(st.Events) == 3 })
	s.stop()
	online()
	keys := s.camera.keys
	s.camera.at = s.camera.at.Add(5 * time.Minute)
	s.again(func(cfg *Config) {
		if change != nil {
			change(cfg, s.older)
		}
	}, nil)
	return s, keys[1:4], keys[5:8], keys[10:12]
}

func join(all ...[]int64) (out []int64) {
	for _, one := range all {
		out = append(out, one...)
	}
	return out
}

// TestNewestEventFirst: of what an outage has left, the newest event is sent
// first, each from its beginning and on a connection of its own.
func TestNewestEventFirst(t *testing.T) {
	s, a, b, c := outage(t, nil)
	s.until("all", func(st Stats) bool { return st.Persisted == 8 && st.Events == 0 })
	s.service.clean()
	require.Equal(t, join(c, b, a), s.starts())
	connections := map[int]int{}
	for _, f := range s.service.list() {
		connections[f.connection]++
	}
	require.Len(t, connections, 3)
	st := s.Stats()
	require.Zero(t, st.Resent+st.Lost+st.Retries)
	require.Zero(t, st.Backlog)
	require.Zero(t, st.Waiting)
}

// TestFirstAndLastMoment: a GOP is sent for a single picture of it that is
// wanted.
func TestFirstAndLastMoment(t *testing.T) {
	s := newRestarts(t, nil)
	online := s.offline()
	s.camera.gops(8)
	at := func(i int, more time.Duration) time.Time { return time.UnixMilli(s.camera.keys[i]).Add(more) }
	require.NoError(t, s.Begin(Event{ID: "E", From: at(2, 880*time.Millisecond), Until: at(5, 0)}))
	require.NoError(t, s.Begin(Event{ID: "F", From: at(7, 30*time.Millisecond), Until: at(7, 40*time.Millisecond)}))
	s.saved(func(st state) bool { return len(st.Events) == 2 })
	s.stop()
	online()
	s.again(nil, nil)
	s.until("all", func(st Stats) bool { return st.Events == 0 })
	s.service.clean()
	require.Equal(t, join(s.camera.keys[7:8], s.camera.keys[2:6]), s.starts())
	require.Zero(t, s.Stats().Lost)
}

// TestLiveFirst: an event that begins while the past is sent goes next.
func TestLiveFirst(t *testing.T) {
	var s *restarts
	var now []int64
	ready := make(chan struct{})
	var once sync.Once
	s, a, b, c := outage(t, func(cfg *Config, r *recording) {
		cfg.Older = &asked{recording: r, on: func(int64) {
			once.Do(func() { // the first fragment of the past is found, and will be under way
				<-ready
				require.NoError(t, s.Begin(Event{ID: "N", From: s.camera.at, Until: s.camera.at.Add(2900 * time.Millisecond)}))
				now = s.camera.gops(4)[1:]
			})
		}}
	})
	close(ready)
	s.until("all", func(st Stats) bool { return st.Persisted == 11 })
	s.service.clean()
	require.Equal(t, join(c[:1], now, c[1:], b, a), s.starts())
}

// TestBackfillRate: what is live is not bound by it, and does not wait for a
// fragment that is.
func TestBackfillRate(t *testing.T) {
	var s *restarts
	started := make(chan struct{})
	s, a, b, c := outage(t, func(cfg *Config, r *recording) {
		cfg.BackfillRate = 1 << 10
		cfg.Older = &asked{recording: r, on: func(int64) { <-started }}
	})
	const burst = 6 << 10 // one fragment is longer than 4 KiB, two are longer than this
	s.limiter = rate.NewLimiter(rate.Limit(1e-6), burst)
	close(started)
	s.until("the first", func(st Stats) bool { return st.Persisted == 1 })
	require.Less(t, s.limiter.Tokens(), float64(burst-4000))
	require.NoError(t, s.Begin(Event{ID: "N", From: s.camera.at, Until: s.camera.at.Add(2900 * time.Millisecond)}))
	now := s.camera.gops(4)[1:]
	s.until("what is live", func(st Stats) bool { return st.Persisted == 5 })
	s.service.clean()
	require.Equal(t, join(c, now), s.starts(), "the second had to be completed")
	left := s.limiter.Tokens()
	s.Pause() // completes what is under way
	s.until("paused", func(st Stats) bool { return st.State == Paused })
	s.stop()
	require.Subset(t, join(c, now, b[:1]), s.starts(), "one may have been under way")
	require.LessOrEqual(t, s.limiter.Tokens(), left+1)
	require.Empty(t, intersection(a, s.starts()))
}

func intersection(a, b []int64) (both []int64) {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				both = append(both, x)
			}
		}
	}
	return both
}

func TestLiveIsNotBound(t *testing.T) {
	r := newRig(t, func(c *Config) { c.BackfillRate = 1 })
	r.limiter = rate.NewLimiter(rate.Limit(1e-6), 1)
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	r.camera.gops(3)
	r.until("all", func(s Stats) bool { return s.Persisted == 3 })
	require.InDelta(t, 1, r.limiter.Tokens(), 1e-3)
}

// TestPause: while paused nothing is sent and nothing is lost.
func TestPause(t *testing.T) {
	r := newRig(t, nil)
	r.start()
	r.Pause()
	require.NoError(t, r.Begin(r.camera.always()))
	want := r.camera.gops(3)
	r.until("paused", func(s Stats) bool { return s.State == Paused && s.Waiting == 1 })
	require.Zero(t, r.Stats().Connections)
	require.Greater(t, r.Stats().Backlog, 2500*time.Millisecond)
	r.Resume()
	r.until("three, and one under way", func(s Stats) bool { return s.Persisted == 3 && s.Unpersisted == 1 })
	r.Pause()
	want = append(want, r.camera.gops(3)...)
	r.until("the one under way", func(s Stats) bool { return s.Persisted == 4 && s.State == Paused })
	require.EqualValues(t, 4, r.Stats().Sent)
	r.Resume()
	r.until("all", func(s Stats) bool { return s.Persisted == 6 })
	require.Equal(t, want, r.starts())
	require.Zero(t, r.Stats().Resent+r.Stats().Lost)
	r.service.clean()
}

// TestGap: what is nowhere any more is said, once and with whose it was.
func TestGap(t *testing.T) {
	var mu sync.Mutex
	var gaps []Gap
	s, _, b, c := outage(t, func(cfg *Config, r *recording) {
		cfg.Gap = func(g Gap) {
			mu.Lock()
			defer mu.Unlock()
			gaps = append(gaps, g)
		}
		r.set(append(r.gops[5:7:7], r.gops[10:]...))
	})
	s.until("the rest", func(st Stats) bool { return st.Persisted == 4 && st.Events == 0 })
	require.Equal(t, join(c, b[:2]), s.starts())
	s.stop()
	require.EqualValues(t, 2, s.Stats().Lost)
	require.Len(t, gaps, 2)
	require.Equal(t, []string{"B"}, gaps[0].Events)
	require.Equal(t, []string{"A"}, gaps[1].Events)
	e := s.event("A", 1, 4)
	require.Equal(t, e.From.UTC(), gaps[1].From)
	require.WithinDuration(t, e.Until, gaps[1].To, 100*time.Millisecond, "the last picture")
}

// TestRecordingIsLate: what has just left the ring and is not on disk yet is
// waited for; what is live meanwhile goes on.
func TestRecordingIsLate(t *testing.T) {
	older := &recording{}
	r := newRig(t, func(c *Config) {
		c.Ring = media.NewRing(media.RingConfig{Keep: 2 * time.Second, Log: discard()})
		c.Older, c.Timing.Late = older, 10*patience
	})
	all := media.NewRing(media.RingConfig{Keep: time.Hour, Log: discard()})
	again := newCamera(all)
	again.at, again.origin = r.camera.origin, r.camera.origin
	again.gops(10)
	r.camera.gops(10) // of which the ring has the last
	require.NoError(t, r.Begin(Event{ID: "E", From: r.camera.origin, Until: time.UnixMilli(r.camera.keys[10] - 1)}))
	g, ok := r.ring.After(0)
	require.True(t, ok)
	live := int64(10 - (g.Number - 1))
	r.start()
	r.until("what is live", func(s Stats) bool { return s.Persisted >= live })
	older.set(record(all))
	r.until("the rest", func(s Stats) bool { return s.Persisted >= 10 })
	require.Subset(t, r.starts(), r.camera.keys[:10])
	require.Zero(t, r.Stats().Lost+r.Stats().Resent)
	r.service.clean()
}

// TestRecordingComesBack: a disk that fails for a moment loses nothing.
func TestRecordingComesBack(t *testing.T) {
	s, a, b, c := outage(t, func(cfg *Config, r *recording) {
		cfg.Older = &asked{recording: r, errs: []error{io.ErrUnexpectedEOF, io.ErrUnexpectedEOF}}
		cfg.Timing.RetryMax = time.Millisecond
	})
	s.until("all", func(st Stats) bool { return st.Persisted == 8 })
	require.Equal(t, join(c, b, a), s.starts())
	require.Zero(t, s.Stats().Lost)
}

// TestRecordingStaysAway: a disk that is broken does not keep events for ever.
func TestRecordingStaysAway(t *testing.T) {
	s, _, _, _ := outage(t, func(cfg *Config, r *recording) {
		errs := make([]error, 1000)
		for i := range errs {
			errs[i] = io.ErrUnexpectedEOF
		}
		cfg.Older = &asked{recording: r, errs: errs}
		cfg.Timing.RetryMax = time.Millisecond
	})
	s.until("nothing to be had", func(st Stats) bool { return st.Events == 0 })
	require.EqualValues(t, 3, s.Stats().Lost)
}

// TestThePastGetsATurn: what is live without end does not starve the past.
func TestThePastGetsATurn(t *testing.T) {
	s, a, b, c := outage(t, func(cfg *Config, _ *recording) { cfg.Timing.Turn = 20 * time.Millisecond })
	require.NoError(t, s.Begin(Event{ID: "ever", From: s.camera.at, Until: s.camera.at.Add(24 * time.Hour)}))
	missing := join(a, b, c)
	var want []int64
	for len(intersection(missing, s.starts())) < len(missing) {
		want = append(want, s.camera.gops(1)...)
		n := int64(len(want))
		s.until("what is live", func(st Stats) bool { return st.Persisted >= n-1 })
		if len(want) > 5000 {
			t.Fatal("the past is never sent")
		}
	}
	s.camera.gops(1)
	s.until("all", func(st Stats) bool { return st.Persisted >= int64(len(want)+len(missing)) })
	s.service.clean()
	require.Subset(t, s.starts(), want[1:])
	require.Zero(t, s.Stats().Lost+s.Stats().Resent)
}
