package recording

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/recording/segment"
)

// work is what a recorder is at. It belongs to Run.
type work struct {
	active *active
	gop    *media.GOP      // being written
	taken  int             // samples of it that are written
	seen   int             // samples of it that there were
	grown  time.Time       // when there were first so many
	done   map[uint64]bool // numbers of GOPs in the ring that are written, or given up
	newest uint64          // of those
	told   *media.Stream   // that cannot be recorded
	said   time.Time       // that GOPs were missed
}

// abandon is how long a GOP may stand still until it counts as complete: the
// camera is away.
const abandon = 20 * time.Second

// maxUnsynced is how much is written at most before it is put on disk, bytes.
const maxUnsynced = 8 << 20

// pass writes all that is to be written now.
func (r *Recorder) pass(now time.Time) error {
	if err := r.mark(); err != nil {
		return err
	}
	for r.work.gop != nil || r.pick(now) {
		done, err := r.advance(now)
		if errors.Is(err, segment.ErrStream) {
			r.foreign(err)
			continue
		}
		if err != nil {
			return r.fail(err)
		}
		if !done {
			break
		}
		if a := r.work.active; a != nil && a.writer.Size()-a.synced > maxUnsynced {
			if err := r.settle(); err != nil {
				return r.fail(err)
			}
		}
	}
	if err := r.settle(); err != nil {
		return r.fail(err)
	}
	if r.work.gop == nil && r.work.active != nil && r.over(now) {
		return r.close()
	}
	return nil
}

// mark gives what was recorded before an event was told of the event's class.
func (r *Recorder) mark() error {
	r.mu.Lock()
	events := r.plan.unmarked()
	r.mu.Unlock()
	for _, e := range events {
		if err := r.cfg.Library.raise(r.cfg.Camera, e.from, e.until, e.class); err != nil {
			return fmt.Errorf("keep what is recorded of event %s for longer: %w", e.id, err)
		}
	}
	return nil
}

// pick finds the next GOP that is to be written.
func (r *Recorder) pick(now time.Time) bool {
	w := &r.work
	if w.newest == 0 {
		r.resume()
	}
	var oldest, number uint64
	var newest *media.GOP
	for {
		g, ok := r.cfg.Ring.After(number)
		if !ok {
			break
		}
		if oldest == 0 {
			oldest = g.Number
			for n := range w.done {
				if n < oldest {
					delete(w.done, n)
				}
			}
		}
		number, newest = g.Number, g
		if _, wanted := r.wants(g); !wanted || w.done[g.Number] {
			continue
		}
		w.gop, w.taken, w.seen, w.grown = g, 0, 0, now
		r.missed(g, oldest)
		return true
	}
	if newest != nil {
		// All before it is done with, so nothing earlier can be wanted.
		r.mu.Lock()
		r.plan.forget(newest.Start)
		r.mu.Unlock()
	}
	return false
}

// resume passes over what a recorder before this one has recorded.
func (r *Recorder) resume() {
	w := &r.work
	for g, ok := r.cfg.Ring.After(0); ok; g, ok = r.cfg.Ring.After(g.Number) {
		if w.newest == 0 {
			w.newest = g.Number - 1
		}
		if r.cfg.Library.has(r.cfg.Camera, g.Start) {
			w.done[g.Number], w.newest = true, g.Number
		}
	}
}

// missed counts GOPs that the ring has dropped before they were written.
func (r *Recorder) missed(g *media.GOP, oldest uint64) {
	w := &r.work
	if w.active == nil && !r.failing() || w.newest == 0 || g.Number != oldest || g.Number <= w.newest+1 {
		return
	}
	n := int64(g.Number - w.newest - 1)
	r.count(func(s *Stats) { s.Lost += n })
	if now := time.Now(); now.Sub(w.said) > time.Minute {
		w.said = now
		r.log.Warn("video was dropped from memory before it was recorded: the disk is too slow or out of order",
			"gops", n, "before", time.UnixMilli(g.Start).UTC(), "lost_gops", r.Stats().Lost)
	}
}

func (r *Recorder) failing() bool {
	s := r.Stats().State
	return s == Full || s == Faulty
}

// over reports whether the file has ended: nothing is wanted behind it.
func (r *Recorder) over(now time.Time) bool {
	g, ok := r.cfg.Ring.After(r.work.active.number)
	if !ok {
		return now.Sub(r.work.grown) >= abandon // nothing is behind it yet
	}
	_, wanted := r.wants(g)
	return !wanted
}

// advance writes what there is of the GOP. It reports whether the GOP is done
// with.
func (r *Recorder) advance(now time.Time) (done bool, _ error) {
	w := &r.work
	samples, complete := w.gop.Samples(w.taken)
	if n := w.taken + len(samples); n != w.seen {
		w.seen, w.grown = n, now
	}
	n, next := len(samples), (*media.Sample)(nil)
	if now.Sub(w.grown) >= abandon {
		complete = true
	}
	switch {
	case complete:
		next = r.key(w.gop.Number + 1)
	case len(samples) == 0:
		return false, nil
	case now.Sub(w.grown) >= r.cfg.Flush: // the camera is silent
	case time.Duration(samples[len(samples)-1].At-samples[0].At)*time.Millisecond >= r.cfg.Flush:
		if n = lastPicture(samples); n == 0 {
			return false, nil
		}
		next = &samples[n]
	default:
		return false, nil
	}
	if err := r.write(samples[:n], next); err != nil {
		return false, err
	}
	if w.taken += n; complete {
		r.finished()
	}
	return complete, nil
}

// finished is done with the GOP.
func (r *Recorder) finished() {
	w := &r.work
	w.done[w.gop.Number] = true
	w.newest = max(w.newest, w.gop.Number)
	w.gop = nil
}

// key is the first sample of a GOP, nil when there is none.
func (r *Recorder) key(number uint64) *media.Sample {
	g, ok := r.cfg.Ring.After(number - 1)
	if !ok || g.Number != number {
		return nil
	}
	samples, _ := g.Samples(0)
	if len(samples) == 0 {
		return nil
	}
	return &samples[0]
}

func lastPicture(samples []media.Sample) int {
	for i := len(samples) - 1; i > 0; i-- {
		if !samples[i].Stream.Audio() {
			return i
		}
	}
	return 0
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
