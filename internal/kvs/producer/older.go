package producer

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"porchlight/internal/media"
)

// longestGOP is how far before a moment the GOP that shows it may begin,
// in milliseconds.
const longestGOP = 20_000

// smallestGap is how much has to be missing before it is worth saying: some
// cameras send a picture a second; in milliseconds.
const smallestGap = 1000

// maxUnread is how often in a row reading the older recording may fail until
// what could not be read counts as lost.
const maxUnread = 5

// Gap is video of events that is not to be had any more.
type Gap struct {
	From, To time.Time
	Events   []string // ids
}

// older finds the next GOP of a lane that is wanted and that the ring has no
// more. What cannot be found is lost, and said to be once.
func (p *Producer) older(ctx context.Context, l lane) *media.GOP {
	for ctx.Err() == nil && !time.Now().Before(p.unread.until) {
		h, from, ok := p.hole(l)
		if !ok {
			return nil
		}
		g, err := p.recorded(ctx, h, from)
		switch {
		case ctx.Err() != nil:
			return nil
		case g != nil:
			p.unread.times = 0
			p.nothing(stretch{h.from, g.Start - 1}, false)
			return g
		case errors.Is(err, io.EOF) && p.postpone(h):
			continue
		case errors.Is(err, io.EOF):
		case p.unread.times < maxUnread:
			p.log.Warn("the older recording cannot be read", "error", err)
			p.unread.times++
			p.unread.until = time.Now().Add(p.timing.RetryMax)
			time.AfterFunc(p.timing.RetryMax, p.wake)
			return nil
		}
		p.unread.times = 0
		p.nothing(h, false)
	}
	return nil
}

// hole is the next stretch of a lane that is wanted and that no fragment has,
// and from when on a GOP may begin that shows it.
func (p *Producer) hole(l lane) (h stretch, from int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	covered := p.covered()
	p.postponed(&covered, time.Now())
	of := stretch{0, p.split() - 1}
	if l == live {
		of = stretch{p.split(), p.edge - 1}
	}
	if p.unsure { // what is from before the restart may be there already
		of.from = max(of.from, p.born)
	}
	windows := p.plan.windows(of.to)
	if l == past {
		slices.Reverse(windows) // the newest event first
	}
	for _, w := range windows {
		if w.from < of.from {
			w.from, w.begun = of.from, true
		}
		if missing := w.missing(covered); w.to >= w.from && len(missing) > 0 {
			h = missing[0]
			return h, max(h.from-longestGOP, covered.before(h.from)+1), true
		}
	}
	return h, 0, false
}

// recorded is the first GOP of the older recording that shows some of h and
// is not taken care of. It begins at from or later.
func (p *Producer) recorded(ctx context.Context, h stretch, from int64) (*media.GOP, error) {
	if p.cfg.Older == nil {
		return nil, io.EOF
	}
	p.mu.Lock()
	covered := p.covered()
	p.mu.Unlock()
	for {
		g, err := p.cfg.Older.GOP(ctx, from, h.to+1)
		if err != nil {
			return nil, err
		}
		end, _ := g.End()
		samples, _ := g.Samples(0)
		sent := covered.has(g.Start) || covered.has(g.Start+(end-g.Start)/2) // maybe not to its end
		if len(samples) > 0 && end >= h.from && !sent {
			return g, nil
		}
		from = g.Start + 1
	}
}

// nothing notes that there is no video of a stretch any more; certain says
// that there was.
func (p *Producer) nothing(h stretch, certain bool) {
	if h.to < h.from {
		return
	}
	p.mu.Lock()
	p.done.add(h.from, h.to)
	p.dirty()
	ids, restored := p.plan.within(h)
	// Before the camera's first picture there is none to be missed.
	lost := certain || h.length() >= smallestGap && (restored || h.to >= p.first)
	if lost {
		p.stats.Lost++
	}
	p.mu.Unlock()
	if !lost {
		return
	}
	gap := Gap{time.UnixMilli(h.from).UTC(), time.UnixMilli(h.to).UTC(), ids}
	p.log.Warn("video of an event is no longer there to upload", "from", gap.From, "to", gap.To, "events", ids)
	if p.cfg.Gap != nil {
		p.cfg.Gap(gap)
	}
}
