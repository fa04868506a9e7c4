package capture

import (
	"log/slog"
	"time"
)

// maxClockSkew is how far a camera's own clock may be off ours and still be
// believed.
const maxClockSkew = 5 * time.Second

// maxDrift is how fast the arrival-based clock follows a camera whose
// timestamps run slow: the length of a step every second.
const maxDrift = time.Millisecond

// wallClock gives the pictures of one RTSP connection their wall-clock times:
// the camera's, from its RTCP sender reports, when it is within maxClockSkew
// of ours, else the time of arrival with the network's jitter taken out.
//
// When this machine's clock is set, its times follow at once: a gateway
// without a battery often connects to its cameras before it knows the time.
type wallClock struct {
	log     *slog.Logger
	origin  time.Time // wall clock at PTS 0, by the least delayed packet so far
	stepped time.Time // when origin last moved later
	seen    time.Time // when the last packet arrived
	newest  time.Duration
	last    time.Time // of the newest picture, never gone back behind
	told    bool
}

// at returns the time of the picture with the given PTS that arrived now.
// reported is the camera's own time for it, zero if not known.
func (c *wallClock) at(pts time.Duration, now, reported time.Time) time.Time {
	c.follow(c.step(now))
	arrival := now.Add(-pts)
	switch {
	case c.origin.IsZero() || arrival.Before(c.origin):
		c.origin, c.stepped = arrival, now
	case now.Sub(c.stepped) >= time.Second:
		c.origin, c.stepped = c.origin.Add(min(arrival.Sub(c.origin), maxDrift)), now
	}
	if !c.last.IsZero() && pts < c.newest && c.newest-pts < maxClockSkew {
		return c.last.Add(pts - c.newest) // a B picture comes after later ones
	}
	t := c.origin.Add(pts)
	if !reported.IsZero() && now.Sub(reported).Abs() < maxClockSkew {
		t = reported
	}
	if t.Before(c.last) {
		t = c.last
	}
	c.newest, c.last = pts, t
	return t
}

// step is by how much this machine's clock was set between two packets: the
// difference between the time of day and the time that has passed.
func (c *wallClock) step(now time.Time) time.Duration {
	before := c.seen
	c.seen = now
	if before.IsZero() {
		return 0
	}
	return now.Round(0).Sub(before.Round(0)) - now.Sub(before)
}

// follow begins anew after a large step.
func (c *wallClock) follow(step time.Duration) {
	if step.Abs() < largeStep {
		return
	}
	c.origin, c.last = time.Time{}, time.Time{}
	if !c.told {
		c.told = true
		c.log.Warn("this machine's clock was set; the times of pictures follow it", "step", step.String())
	}
}
