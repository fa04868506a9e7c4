package iot

import (
	"sync/atomic"
	"time"
)

// Stats of a client. Counts are since Connect.
type Stats struct {
	Connected     bool
	Since         time.Time // when it connected, or lost the connection, or was made
	Connects      int64     // connections there have been; one less is the reconnects
	FailedTries   int64     // connections that did not come about
	Published     int64     // messages acknowledged
	Refused       int64     // messages that will never be taken
	Received      int64     // messages of subscriptions
	Dropped       int64     // of these, those that a slow handler did not get
	Subscriptions int       // in effect now
	// Trouble is why there is no connection, or why the last one broke lately;
	// nil: nothing is the matter.
	Trouble error
	// CertificateExpires is zero where there is no certificate.
	CertificateExpires time.Time
}

type counters struct {
	failed, published, refused, received, dropped atomic.Int64
}

// Stats returns the present state.
func (c *Client) Stats() Stats {
	s := Stats{
		FailedTries: c.count.failed.Load(), Published: c.count.published.Load(), Refused: c.count.refused.Load(),
		Received: c.count.received.Load(), Dropped: c.count.dropped.Load(),
	}
	if c.leaf != nil {
		s.CertificateExpires = c.leaf.NotAfter
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Connected, s.Since, s.Connects = c.online, c.since, c.connects
	if c.online {
		s.Subscriptions = c.subs.inEffect(c.link)
	}
	if t := c.trouble.last; t != nil && (!c.online || c.cfg.Now().Sub(c.since) < steady) {
		s.Trouble = t
	}
	return s
}
