package producer

import (
	"fmt"
	"time"
)

// maxBlame is how many connections a fragment may cost before it is dropped,
// so that one that the service cannot digest does not hold up the rest.
const maxBlame = 5

// maxPatience bounds the wait for an answer and for the first word about a
// fragment. It grows
// while the link is so slow that waiting less would never get anywhere.
const maxPatience = 30 * time.Second

// acknowledge takes in one acknowledgement. A fault ends the connection.
func (p *Producer) acknowledge(c *connection, a ack) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.kind == ackIdle {
		return nil
	}
	c.heard.Store(time.Now().UnixNano())
	f := p.ledger.find(a.timecode, c.id)
	if f != nil {
		f.acked = true
	}
	switch a.kind {
	case ackPersisted:
		p.settle(c, f)
	case ackReceived:
		if p.cfg.Unkept {
			p.settle(c, f)
		}
	case ackError:
		return p.refused(c, f, a)
	}
	return nil
}

// settle takes a fragment off the ledger. It is called with mu held.
func (p *Producer) settle(c *connection, f *fragment) {
	if f == nil {
		return // told twice
	}
	p.settled(f)
	p.stats.Persisted++
	if !f.ended.IsZero() {
		p.stats.Latency = time.Since(f.ended)
	}
	c.persisted.Store(true)
	p.patience = p.timing.Stall
	if p.trouble != "" {
		p.trouble = ""
		p.log.Info("upload works again")
	}
	p.wake()
}

// refused handles an error acknowledgement. It is called with mu held.
func (p *Producer) refused(c *connection, f *fragment, a ack) *fault {
	r := refusal(a, c.audio != nil)
	if r.reaction == mute && !p.muted {
		p.muted = true
		p.log.Warn("recordings are silent from now on", "error", r)
	}
	if f == nil {
		f = p.ledger.oldest(c.id)
	}
	if f == nil || r.reaction == slow {
		return r
	}
	f.blamed++
	if r.reaction == skip || f.blamed >= maxBlame {
		p.settled(f)
		p.stats.Dropped++
		p.log.Error("a fragment is given up", "error", r, "from", time.UnixMilli(f.start()).UTC())
	}
	return r
}

// drop gives up a fragment that cannot be sent.
func (p *Producer) drop(f *fragment, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled(f)
	p.stats.Dropped++
	p.log.Error("a fragment is given up", "error", err, "from", time.UnixMilli(f.start()).UTC())
}

// guardSteps is how often in Timing.Stall a connection is looked at.
const guardSteps = 16

// guard ends a connection on which nothing moves.
func (p *Producer) guard(c *connection) {
	ticker := time.NewTicker(p.timing.Stall / guardSteps)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return
		case now := <-ticker.C:
			if err := p.stalled(c, now); err != nil {
				c.cancel(err)
				return
			}
		}
	}
}

// stalled says what has taken too long, if anything has.
func (p *Producer) stalled(c *connection, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.answered() {
		if waited := p.patience + p.patience/8; now.Sub(c.opened) > waited { // it had to connect, too
			return p.lostPatience("no answer for %s", waited)
		}
		return nil
	}
	if c.blocked(now) > p.timing.Stall {
		return fmt.Errorf("%w: the service takes nothing any more", ErrStalled)
	}
	heard := time.Unix(0, c.heard.Load())
	for _, f := range p.ledger {
		if f.on != c.id || f.begun.IsZero() {
			continue
		}
		if !f.acked && now.Sub(laterOf(f.begun, heard)) > p.patience {
			return p.lostPatience("no word about a fragment for %s", p.patience)
		}
		if !f.ended.IsZero() && now.Sub(f.ended) > p.timing.Persist {
			return fmt.Errorf("%w: a fragment is not persisted after %s", ErrStalled, p.timing.Persist)
		}
	}
	return nil
}

// lostPatience says so, and next time there is more. It is called with mu held.
func (p *Producer) lostPatience(text string, waited time.Duration) error {
	p.patience = min(2*p.patience, max(maxPatience, p.timing.Stall))
	return fmt.Errorf("%w: "+text, ErrStalled, waited)
}
