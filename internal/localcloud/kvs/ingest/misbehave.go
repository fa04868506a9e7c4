package ingest

import "time"

// ack sends an acknowledgment about the fragment being sent, subject to injected faults.
func (c *connection) ack(a Ack) {
	faults, number := c.server.cfg.Faults, 0
	if a.EventType != Idle { // which comes from another goroutine and is about no fragment
		number = c.count
		if c.acked {
			a.FragmentTimecode, a.FragmentNumber = &c.ms, c.ackNumber
		}
	}
	if _, ok := faults.take(c.stream.Name, number, drops(a.EventType)); ok {
		return
	}
	delay, _ := faults.take(c.stream.Name, number, delays)
	c.acks.send(a, delay.Delay)
}

// misbehave breaks the connection in the middle of a fragment where a fault says so.
func (c *connection) misbehave() error {
	f, ok := c.server.cfg.Faults.take(c.stream.Name, c.count, interrupts)
	if !ok {
		return nil
	}
	if f.Stall > 0 {
		c.server.release(c) // the producer gives up on it and connects anew
		select {
		case <-time.After(f.Stall):
		case <-c.server.stopping:
		}
	}
	return errCut
}

// abandon drops a fragment that did not come whole.
func (c *connection) abandon() {
	if c.writer != nil {
		if err := c.writer.Abort(); err != nil {
			c.server.cfg.Logger.Error("an unfinished fragment was left on disk", "stream", c.stream.Name, "err", err)
		}
		c.writer = nil
	}
}
