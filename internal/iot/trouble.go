package iot

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// steady is how long a connection has to last before what broke the one before
// it counts as mended, and is told again should it come back.
const steady = time.Minute

// trouble is what was told last.
type trouble struct {
	last  error
	times int
}

// tell logs what is the matter: once, not at every try.
func (c *Client) tell(err error) {
	if c.ctx.Err() != nil {
		return
	}
	f := c.circumstances().explain(err)
	c.mu.Lock()
	known := sameFault(c.trouble.last, f)
	c.trouble.last = f
	if !known {
		c.trouble.times = 0
	}
	c.trouble.times++
	times := c.trouble.times
	c.mu.Unlock()
	level := slog.LevelWarn
	if known {
		level = slog.LevelDebug
	}
	c.cfg.Log.Log(c.ctx, level, "no connection to IoT Core, trying again", "endpoint", c.cfg.Endpoint, "times", times, "error", f)
}

func (c *Client) onConnectError(err error) {
	c.count.failed.Add(1)
	c.tell(err)
	c.checkExpiry()
}

// onError is told of a connection that broke, onDisconnect of one that the
// server ended.
func (c *Client) onError(err error) {
	c.tell(&faultError{ErrUnreachable, "the connection broke", "if this is often, check the network", err})
}

func (c *Client) onDisconnect(d *paho.Disconnect) {
	c.tell(c.circumstances().reason(d.ReasonCode, nil))
}

func (c *Client) circumstances() circumstances {
	return circumstances{endpoint: c.cfg.Endpoint, clientID: c.cfg.ClientID, leaf: c.leaf, now: c.cfg.Now()}
}

// pace returns how long to wait before attempt n after a lost connection.
// Connections that do not last count as attempts, or two devices with one name
// would take it from each other without a pause.
func (c *Client) pace() func(attempt int) time.Duration {
	backoff := autopaho.NewExponentialBackoff(c.retry.min, c.retry.max, 2*c.retry.min, 1.5)
	short, first := 0, true
	return func(attempt int) time.Duration {
		if attempt > 0 {
			return backoff(attempt + short)
		}
		if first {
			first = false
			return 0
		}
		c.mu.Lock()
		lasted := c.lasted
		c.mu.Unlock()
		if lasted >= c.retry.max {
			short = 0
			return rand.N(c.retry.min) // a whole fleet may have lost its connections at once
		}
		short++
		return backoff(short)
	}
}

const day = 24 * time.Hour

// soon is how long ahead the end of a certificate is announced.
const soon = 30 * day

// checkExpiry says, once, that this device's certificate ends soon, has ended,
// or is of the future. It is used all the same: the clock may be wrong, and the
// endpoint has the last word.
func (c *Client) checkExpiry() {
	if c.leaf == nil {
		return
	}
	now := c.cfg.Now()
	left := c.leaf.NotAfter.Sub(now)
	var state expiry
	switch {
	case now.Before(c.leaf.NotBefore):
		state = expiryFuture
	case left < 0:
		state = expiryPast
	case left < soon:
		state = expirySoon
	}
	c.mu.Lock()
	told := c.expiry
	c.expiry = state
	c.mu.Unlock()
	if state == told || state == expiryFine {
		return
	}
	log := c.cfg.Log.With("expires", c.leaf.NotAfter)
	if state == expirySoon {
		log.Warn("this device's certificate expires soon: provision this device again in time", "days_left", int(left/day))
		return
	}
	at := c.circumstances()
	log.Error("this device's certificate is not valid by its clock; it is tried all the same", "error",
		&faultError{ErrNotValidNow, at.dates("this device's", c.leaf), at.clockCure("provision this device again", c.leaf), nil})
}

type expiry int

const (
	expiryFine expiry = iota
	expirySoon
	expiryPast
	expiryFuture
)

// leafOf returns the certificate that a device shows, or nil.
func leafOf(cfg *tls.Config) *x509.Certificate {
	if cfg == nil || len(cfg.Certificates) == 0 {
		return nil
	}
	if leaf := cfg.Certificates[0].Leaf; leaf != nil {
		return leaf
	}
	if der := cfg.Certificates[0].Certificate; len(der) > 0 {
		if leaf, err := x509.ParseCertificate(der[0]); err == nil {
			return leaf
		}
	}
	return nil
}
