package producer

import (
	"context"
	"time"

	"porchlight/internal/media"
)

// maxUnpersisted bounds the ledger. At one fragment a second it takes the
// service minutes of silence to get there.
const maxUnpersisted = 256

// pick returns the next fragment to send on a connection, 0 for a new one,
// with its first GOP. It is nil when there is nothing to send now.
//
// What is live goes first, then the past, and of either what the connection
// has not seen of the ledger before what is new.
func (p *Producer) pick(ctx context.Context, connection int64) (*fragment, *media.GOP) {
	arrived := p.look()
	if p.isPaused() {
		return nil, nil
	}
	first, second := live, past
	if p.turn(time.Now()) {
		first, second = past, live
	}
	for _, l := range []lane{first, second} {
		if f, g := p.pending(ctx, connection, l); f != nil {
			return f, g
		}
		if f, g := p.fresh(ctx, l, arrived); f != nil {
			return f, g
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget()
	return nil, nil
}

// pending is the first fragment of a lane that the connection has not seen.
func (p *Producer) pending(ctx context.Context, connection int64, l lane) (*fragment, *media.GOP) {
	for ctx.Err() == nil {
		var next *fragment
		now := time.Now()
		p.mu.Lock()
		for _, f := range p.ledger {
			unseen := (connection == 0 || f.on != connection) && !now.Before(f.again)
			if unseen && p.lane(f) == l && (next == nil || f.start() < next.start()) {
				next = f
			}
		}
		p.mu.Unlock()
		if next == nil {
			return nil, nil
		}
		if g := p.locate(ctx, next.gops[0]); g != nil {
			next.since = time.Time{}
			return next, g
		}
		if ctx.Err() == nil && p.missed(next) {
			p.lose(next)
		}
	}
	return nil, nil
}

// fresh makes a fragment of the next wanted GOP of a lane that none has yet.
// arrived is the next in the ring.
func (p *Producer) fresh(ctx context.Context, l lane, arrived *media.GOP) (*fragment, *media.GOP) {
	p.mu.Lock()
	full := len(p.ledger) >= maxUnpersisted
	p.mu.Unlock()
	if full {
		return nil, nil
	}
	g := p.older(ctx, l)
	if g == nil && l == live {
		g = arrived
	}
	if g == nil || ctx.Err() != nil {
		return nil, nil
	}
	f := &fragment{gops: []place{placeOf(g)}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger = append(p.ledger, f)
	p.take(f, g)
	return f, g
}

// take notes that a fragment has a GOP. It is called with mu held.
func (p *Producer) take(f *fragment, g *media.GOP) {
	end, _ := g.End()
	f.end = max(f.end, end)
	if g.Number > 0 {
		p.taken[g.Number] = true
	}
}

// look takes in what the ring holds and returns the first GOP there that is
// wanted and that no fragment has.
func (p *Producer) look() (next *media.GOP) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.cfg.Ring.After(0)
	if !ok {
		return nil
	}
	p.edge, p.oldest = g.Start, g.Number
	if len(p.plan.events) == 0 && len(p.ledger) == 0 {
		return nil
	}
	if p.seen == nil {
		p.first = 0 // not known
		if g.Number == 1 {
			p.first = g.Start
		}
	}
	for number := range p.taken {
		if number < g.Number {
			delete(p.taken, number)
		}
	}
	before := p.seen
	for {
		end, complete := g.End()
		if before != nil && before.Number+1 == g.Number {
			p.quiet(before, g)
		}
		if samples, _ := g.Samples(0); next == nil && len(samples) > 0 && !p.taken[g.Number] && p.plan.wants(g.Start, end) {
			next = g
		}
		p.seen, before = g, g
		if !complete {
			return next
		}
		if g, ok = p.cfg.Ring.After(g.Number); !ok {
			return next
		}
	}
}

// quiet notes that there is nothing to wait for between two GOPs of which one
// followed the other. It is called with mu held.
func (p *Producer) quiet(before, after *media.GOP) {
	end, _ := before.End()
	hole := stretch{end + 1, after.Start - 1}
	if hole.to < hole.from || !p.plan.wants(hole.from, hole.to) {
		return
	}
	// In a small one a window may begin or end.
	if hole.length() >= smallestHole || !p.plan.wants(before.Start, end) || !p.plan.wants(after.Start, after.Start) {
		p.done.add(hole.from, hole.to)
	}
}

// locate finds a GOP again, nil when it is gone.
func (p *Producer) locate(ctx context.Context, at place) *media.GOP {
	if at.number > 0 {
		if g, ok := p.cfg.Ring.After(at.number - 1); ok && g.Number == at.number {
			return g
		}
	}
	if p.cfg.Older == nil {
		return nil
	}
	g, err := p.cfg.Older.GOP(ctx, at.start, at.start+1)
	if err != nil || g.Start != at.start {
		return nil
	}
	if samples, _ := g.Samples(0); len(samples) == 0 {
		return nil
	}
	return g
}

// lose gives up a fragment whose video is gone.
func (p *Producer) lose(f *fragment) {
	p.mu.Lock()
	p.ledger.remove(f)
	p.mu.Unlock()
	p.nothing(f.covers(), true)
}
