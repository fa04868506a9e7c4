package capture

import "time"

// maxClockSkew is how far a camera's own clock may be off ours and still be
// believed.
const maxClockSkew = 5 * time.Second

// maxDrift is how fast the arrival-based clock follows a camera whose
// timestamps run slow: the length of a step every second.
const maxDrift = time.Millisecond

// wallClock gives the pictures of one RTSP connection their wall-clock times:
// the camera's, from its RTCP sender reports, when it is within maxClockSkew
// of ours, else the time of arrival with the network's jitter taken out.
type wallClock struct {
	origin  time.Time // wall clock at PTS 0, by the least delayed packet so far
	stepped time.Time // when origin last moved later
	last    time.Time // the latest time given, never gone back behind
}

// at returns the time of the picture with the given PTS that arrived now.
// reported is the camera's own time for it, zero if not known.
func (c *wallClock) at(pts time.Duration, now, reported time.Time) time.Time {
	arrival := now.Add(-pts)
	switch {
	case c.origin.IsZero() || arrival.Before(c.origin):
		c.origin, c.stepped = arrival, now
	case now.Sub(c.stepped) >= time.Second:
		c.origin, c.stepped = c.origin.Add(min(arrival.Sub(c.origin), maxDrift)), now
	}
	t := c.origin.Add(pts)
	if !reported.IsZero() && now.Sub(reported).Abs() < maxClockSkew {
		t = reported
	}
	if t.Before(c.last) {
		t = c.last
	}
	c.last = t
	return t
}
