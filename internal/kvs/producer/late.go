package producer

import (
	"slices"
	"time"
)

// lateSteps is how often in Timing.Late, at least, what may be late is looked
// for again.
const lateSteps = 10

// awaited is a stretch that the older recording does not have yet: it may be
// behind when the disk is busy.
type awaited struct {
	stretch
	since, again time.Time
}

// young reports whether the older recording may not have a stretch yet. It is
// called with mu held.
func (p *Producer) young(h stretch) bool {
	now := p.born
	if p.seen != nil {
		now, _ = p.seen.End()
	}
	return p.cfg.Older != nil && h.to >= now-p.timing.Reach.Milliseconds()
}

// postpone has a stretch looked for later, and reports whether there is reason
// to.
func (p *Producer) postpone(h stretch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.late, func(a awaited) bool { return a.from <= h.to && a.to >= h.from })
	now := time.Now()
	switch {
	case i < 0 && p.young(h):
		p.late = append(p.late, awaited{h, now, now})
		i = len(p.late) - 1
	case i < 0:
		return false
	case now.Sub(p.late[i].since) > p.timing.Late:
		p.late = slices.Delete(p.late, i, i+1)
		return false
	}
	a := &p.late[i]
	a.from, a.to, a.again = min(a.from, h.from), max(a.to, h.to), p.soon(now)
	return true
}

// soon is when to look again.
func (p *Producer) soon(now time.Time) time.Time {
	step := min(p.timing.Late/lateSteps, time.Second)
	time.AfterFunc(step, p.wake)
	return now.Add(step)
}

// postponed adds what is not to be looked for now. It is called with mu held.
func (p *Producer) postponed(covered *times, now time.Time) {
	for _, a := range p.late {
		if now.Before(a.again) {
			covered.add(a.from, a.to)
		}
	}
}

// missed reports whether a fragment whose video cannot be found is lost; else
// it is looked for later.
func (p *Producer) missed(f *fragment) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case f.since.IsZero() && p.young(f.covers()):
		f.since = now
	case f.since.IsZero(), now.Sub(f.since) > p.timing.Late:
		return true
	}
	f.again = p.soon(now)
	return false
}
