package producer

import "slices"

func (p *Producer) wants(from, to int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan.wants(from, to)
}

// covered is all that is taken care of: what is safe, lost, or in the ledger.
// It is called with mu held.
func (p *Producer) covered() times {
	covered := append(times(nil), p.done...)
	for _, f := range p.ledger {
		s := f.covers()
		covered.add(s.from, s.to)
	}
	return covered
}

// settled takes a fragment off the ledger for good. It is called with mu held.
func (p *Producer) settled(f *fragment) {
	p.ledger.remove(f)
	s := f.covers()
	p.done.add(s.from, s.to)
	p.done.bound(maxDone)
	p.dirty()
	p.forget()
}

// forget removes events that are over and whose video is all safe. It is
// called with mu held.
func (p *Producer) forget() {
	over := p.born
	if p.seen != nil {
		over = p.seen.Start
	}
	over -= p.timing.Grace.Milliseconds()
	covered := p.covered()
	before := len(p.plan.events)
	p.plan.events = slices.DeleteFunc(p.plan.events, func(s span) bool {
		w := window{stretch: stretch{s.from, s.until}}
		return s.until < over && len(w.missing(covered)) == 0 && !p.ledger.touches(w.stretch)
	})
	if len(p.plan.events) < before {
		p.dirty()
	}
}
