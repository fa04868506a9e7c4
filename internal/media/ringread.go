package media

import (
	"context"
	"sort"
	"time"
)

// After returns the oldest GOP whose number is above n, if there is one. Its
// number is n+1 unless GOPs between have been dropped.
func (r *Ring) After(n uint64) (*GOP, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.gops) == 0 || r.newest().Number <= n {
		return nil, false
	}
	if first := r.gops[0].Number; n >= first {
		return r.gops[n+1-first], true
	}
	return r.gops[0], true
}

// Find returns the GOP that is on screen at t: the newest that begins at or
// before t, else the oldest there is.
func (r *Ring) Find(t time.Time) (*GOP, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.gops) == 0 {
		return nil, false
	}
	ms := t.UnixMilli()
	i := sort.Search(len(r.gops), func(i int) bool { return r.gops[i].Start > ms })
	return r.gops[max(i-1, 0)], true
}

// Watch tells a reader that a ring has changed since it last looked.
type Watch struct {
	C    <-chan struct{}
	c    chan struct{}
	ring *Ring
}

// Watch begins to watch the ring. Close ends it.
func (r *Ring) Watch() *Watch {
	c := make(chan struct{}, 1)
	w := &Watch{C: c, c: c, ring: r}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watches[w] = struct{}{}
	return w
}

func (w *Watch) wake() {
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// Close stops watching. It may be called more than once.
func (w *Watch) Close() {
	w.ring.mu.Lock()
	defer w.ring.mu.Unlock()
	delete(w.ring.watches, w)
}

// RingReader reads a ring from some time on and then follows it.
type RingReader struct {
	ring    *Ring
	watch   *Watch
	gop     *GOP
	next    int // sample of gop
	number  uint64
	skipped uint64
}

// Read returns a reader that begins with the GOP on screen at t, or with the
// next one that comes when the ring is empty. Close releases it.
func (r *Ring) Read(t time.Time) *RingReader {
	reader := &RingReader{ring: r, watch: r.Watch()}
	if g, ok := r.Find(t); ok {
		reader.gop, reader.number = g, g.Number
	}
	return reader
}

// Next returns the next sample and the GOP it belongs to, waiting for one if
// need be. A reader too slow for the ring finishes the GOP it is in and goes
// on at the oldest that is left. It fails only with the context's error.
func (r *RingReader) Next(ctx context.Context) (Sample, *GOP, error) {
	for {
		if r.gop != nil {
			samples, complete := r.gop.Samples(r.next)
			if len(samples) > 0 {
				r.next++
				return samples[0], r.gop, nil
			}
			if complete {
				r.gop = nil
			}
		}
		if r.gop == nil {
			if g, ok := r.ring.After(r.number); ok {
				if r.number > 0 {
					r.skipped += g.Number - r.number - 1
				}
				r.gop, r.next, r.number = g, 0, g.Number
				continue
			}
		}
		select {
		case <-ctx.Done():
			return Sample{}, nil, ctx.Err()
		case <-r.watch.C:
		}
	}
}

// Skipped counts the GOPs the reader was too slow for.
func (r *RingReader) Skipped() uint64 { return r.skipped }

// Close releases the reader.
func (r *RingReader) Close() { r.watch.Close() }
