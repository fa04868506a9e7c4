package producer

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// lane is what video waits in. Each is sent in order; the past by event,
// the newest first, on connections of its own as times must not go back on one.
type lane int

const (
	live lane = iota // what is in the ring, and what left it a moment ago
	past             // the rest: what an outage has left behind
)

// split is where live begins, in milliseconds since 1970. It is called with
// mu held.
func (p *Producer) split() int64 { return p.edge - p.timing.Reach.Milliseconds() }

// lane is that of a fragment. It is called with mu held.
func (p *Producer) lane(f *fragment) lane {
	if at := f.gops[0]; at.start >= p.split() || at.number > 0 && at.number >= p.oldest {
		return live
	}
	return past
}

// turns lets the past go first for a while when what is live does not end, as
// where everything is uploaded: it would wait until it is gone.
type turns struct {
	waiting time.Time // since when the past is, zero when it is not
	until   time.Time // the past goes first
	owed    bool      // a fragment at least
}

// turn reports whether the past goes first.
func (p *Producer) turn(now time.Time) bool {
	switch {
	case !p.waits():
		p.turns = turns{}
	case p.turns.owed || now.Before(p.turns.until):
		return true
	case p.turns.waiting.IsZero():
		p.turns.waiting = now
	case now.Sub(p.turns.waiting) > p.timing.Turn:
		p.turns = turns{until: now.Add(p.timing.Turn / 10), owed: true}
		return true
	}
	return false
}

// waits reports whether there is something of the past to send.
func (p *Producer) waits() bool {
	if _, _, ok := p.hole(past); ok {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.ledger, func(f *fragment) bool { return p.lane(f) == past })
}

// piece is how much of the past is sent at once where its rate is bounded, in
// bytes.
const piece = 16 << 10

func newLimiter(bytesPerSecond int) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	bytesPerSecond = max(bytesPerSecond, 1<<10) // or the service takes the connection for dead
	return rate.NewLimiter(rate.Limit(bytesPerSecond), max(piece, bytesPerSecond/4))
}

// write sends bytes, those of the past no faster than they may be. A fragment
// of the past that stands in the way of something is completed at once.
func (p *Producer) write(ctx context.Context, s *sending, data []byte) error {
	if abandoned(ctx) {
		return ErrAbandon
	}
	for p.limiter != nil && s.lane == past && !s.hurry && len(data) > 0 {
		n := min(len(data), piece)
		if err := p.allow(ctx, s, n); err != nil {
			return err
		}
		if err := s.c.write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return s.c.write(data)
}

// allow waits until n more bytes of the past may be sent, or have to be.
func (p *Producer) allow(ctx context.Context, s *sending, n int) error {
	timer := time.NewTimer(p.limiter.ReserveN(time.Now(), n).Delay())
	defer timer.Stop()
	for {
		if abandoned(ctx) {
			return ErrAbandon
		}
		waited := !p.turn(time.Now()) && p.look() != nil
		if s.hurry = p.isPaused() || ctx.Err() != nil || waited; s.hurry {
			return nil
		}
		select {
		case <-timer.C:
			return nil
		case <-s.watch.C:
		case <-p.changed:
		case <-ctx.Done():
		case <-s.c.done:
			return s.c.reason()
		}
	}
}

// Pause stops sending after the fragment under way: in private mode, or when a
// day's budget is used up. Events are still taken, and what they want waits
// for Resume.
func (p *Producer) Pause() { p.setPaused(true) }

// Resume sends again.
func (p *Producer) Resume() { p.setPaused(false) }

func (p *Producer) isPaused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

func (p *Producer) setPaused(on bool) {
	p.mu.Lock()
	p.paused = on
	p.mu.Unlock()
	p.wake()
}
