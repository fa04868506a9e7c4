package producer

import (
	"context"
	"errors"
	"io"
	"time"

	"porchlight/internal/media"
)

// maxUnpersisted bounds the ledger. At one fragment a second it takes the
// service minutes of silence to get there.
const maxUnpersisted = 256

// smallestHole is more than there ever is between two pictures, in
// milliseconds.
const smallestHole = 1000

// longestGOP is how far before a moment the GOP that shows it may begin,
// in milliseconds.
const longestGOP = 20_000

// pick returns the next fragment to send on a connection, 0 for a new one,
// with its first GOP: what the connection has not seen of the ledger, then
// what is new. It is nil when there is nothing to send now.
func (p *Producer) pick(ctx context.Context, connection int64) (*fragment, *media.GOP) {
	for {
		p.mu.Lock()
		f := p.ledger.unsent(connection)
		if connection == 0 && len(p.ledger) > 0 {
			f = p.ledger[0] // a new connection has seen nothing
		}
		full := len(p.ledger) >= maxUnpersisted
		p.mu.Unlock()
		if f == nil {
			if full {
				return nil, nil
			}
			break
		}
		if g := p.locate(ctx, f.gops[0]); g != nil {
			return f, g
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		p.lose(f)
	}
	g := p.fresh(ctx)
	if g == nil {
		return nil, nil
	}
	f := &fragment{gops: []place{placeOf(g)}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger = append(p.ledger, f)
	p.advance(g)
	return f, g
}

// advance moves the cursor past a GOP. It is called with mu held.
func (p *Producer) advance(g *media.GOP) {
	if g.Number > 0 {
		p.cursor.number = g.Number
	}
	p.cursor.last = g
}

// fresh finds the next wanted GOP that no fragment has.
func (p *Producer) fresh(ctx context.Context) *media.GOP {
	p.mu.Lock()
	at, idle := p.cursor, len(p.plan.events) == 0
	p.mu.Unlock()
	if idle {
		return nil
	}
	g, ok := p.cfg.Ring.After(at.number)
	if !ok {
		return nil
	}
	if old := p.older(ctx, at, g); old != nil {
		return old
	}
	for {
		end, complete := g.End()
		if samples, _ := g.Samples(0); len(samples) > 0 && p.wants(g.Start, end) {
			return g
		}
		if !complete {
			break
		}
		next, ok := p.cfg.Ring.After(g.Number)
		if !ok {
			break
		}
		g = next
	}
	// All before the newest GOP is taken, so nothing earlier can be wanted.
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan.forget(g.Start - p.timing.Grace.Milliseconds())
	return nil
}

func (p *Producer) wants(from, to int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan.wants(from, to)
}

// older finds the next wanted GOP that the ring has dropped before the given
// one. What cannot be found is lost, and said to be once.
func (p *Producer) older(ctx context.Context, at cursor, oldest *media.GOP) *media.GOP {
	end, start := at.after()
	p.mu.Lock()
	from, ok := p.plan.earliest(max(end, p.asked) + 1)
	p.mu.Unlock()
	if !ok || from+smallestHole > oldest.Start || oldest.Number == at.number+1 {
		return nil
	}
	if p.cfg.Older != nil {
		for next := max(start+1, from-longestGOP); ; {
			g, err := p.cfg.Older.GOP(ctx, next, oldest.Start)
			if err != nil {
				if !errors.Is(err, io.EOF) && ctx.Err() == nil {
					p.log.Warn("the older recording cannot be read", "error", err)
				}
				break
			}
			if end, _ := g.End(); p.wants(g.Start, end) {
				return g
			}
			next = g.Start + 1
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = oldest.Start - 1
	p.stats.Lost++
	p.log.Warn("video of an event is no longer there to upload",
		"from", time.UnixMilli(from).UTC(), "to", time.UnixMilli(oldest.Start).UTC())
	return nil
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
	defer p.mu.Unlock()
	p.ledger.remove(f)
	p.stats.Lost++
	p.log.Warn("video of an event is no longer there to upload again", "from", time.UnixMilli(f.start()).UTC())
}
