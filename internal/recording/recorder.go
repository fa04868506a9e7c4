package recording

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/media"
)

// Recorder records one camera. Its methods may be called from any goroutine.
type Recorder struct {
	cfg Config
	log *slog.Logger

	changed chan struct{} // the plan has

	mu    sync.Mutex
	plan  plan
	stats Stats

	work work // of Run
}

// New returns a recorder; Run does the work. It fails with ErrCamera or
// ErrReadOnly.
func New(cfg Config) (*Recorder, error) {
	if err := checkCamera(cfg.Camera); err != nil {
		return nil, err
	}
	if cfg.Library.readOnly {
		return nil, ErrReadOnly
	}
	cfg.Mode = cmp.Or(cfg.Mode, Events)
	cfg.Segment = cmp.Or(cfg.Segment, time.Minute)
	cfg.Flush = cmp.Or(cfg.Flush, 2*time.Second)
	cfg.Poll = cmp.Or(cfg.Poll, 500*time.Millisecond)
	r := &Recorder{cfg: cfg, log: cfg.Log.With("camera", cfg.Camera), changed: make(chan struct{}, 1)}
	r.plan = plan{always: cfg.Mode == Always, pre: cfg.PreRoll.Milliseconds(), post: cfg.PostRoll.Milliseconds()}
	r.work.done = make(map[uint64]bool)
	r.stats.State = Idle
	return r, nil
}

// Begin has an event recorded, from before it if the ring goes back that far.
// Told again it takes what is new; a severity that has risen counts for what
// is already recorded too. It fails with ErrEvent.
func (r *Recorder) Begin(e Event) error {
	r.mu.Lock()
	dropped, err := r.plan.begin(e)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if dropped != "" {
		r.log.Warn("too many events at once; the oldest is recorded no further", "event", dropped)
	}
	r.wake()
	return nil
}

// Extend moves an event's end later. It reports whether the event is known: it
// is forgotten once all of it is recorded.
func (r *Recorder) Extend(id string, until time.Time) bool { return r.move(id, until, true) }

// End sets an event's end, be it earlier than foreseen.
func (r *Recorder) End(id string, at time.Time) bool { return r.move(id, at, false) }

func (r *Recorder) move(id string, until time.Time, later bool) bool {
	r.mu.Lock()
	ok := r.plan.move(id, until, later)
	r.mu.Unlock()
	r.wake()
	return ok
}

func (r *Recorder) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Stats returns the present state.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Waits after a failure.
const (
	retryMin = time.Second
	retryMax = 5 * time.Second // less than a ring holds
)

// Run records until ctx ends, and then ends the file it is in. The disk's
// failures do not end it.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(r.cfg.Poll)
	defer ticker.Stop()
	var retry time.Duration
	var wait time.Time
	for ctx.Err() == nil {
		if now := time.Now(); !now.Before(wait) {
			err := r.pass(now)
			if err != nil {
				retry = min(max(2*retry, retryMin), retryMax)
				wait = now.Add(retry)
			} else {
				retry = 0
			}
			r.tell(err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-r.changed:
		}
	}
	r.tell(r.last())
}

// tell says when the state changes, and keeps it.
func (r *Recorder) tell(err error) {
	state := Idle
	switch {
	case errors.Is(err, ErrFull) || isNoSpace(err):
		state = Full
	case err != nil:
		state = Faulty
	case r.work.active != nil:
		state = Recording
	}
	before := r.Stats()
	failed := func(s State) bool { return s == Full || s == Faulty }
	switch {
	case failed(state) && state != before.State:
		r.log.Error("recording has stopped", "state", string(state), "error", err)
	case failed(before.State) && !failed(state):
		r.log.Info("recording is possible again", "lost_gops", before.Lost)
	}
	r.count(func(s *Stats) { s.State, s.Err = state, err })
}

// count adds to the stats.
func (r *Recorder) count(add func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.stats)
}

// wants is the class of a GOP as far as it has come.
func (r *Recorder) wants(g *media.GOP) (Class, bool) {
	end, _ := g.End()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plan.class(g.Start, end)
}
