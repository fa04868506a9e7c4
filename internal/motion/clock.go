package motion

import "time"

// clock turns the times of frames into the seconds that learning may count.
type clock struct{ last time.Time }

const (
	// fallbackStep counts for a frame whose time does not lie after the last
	// one's: broken clocks must not stop the learning.
	fallbackStep = 0.1
	// longestStep bounds what one frame teaches after a gap, or the first
	// person after it would be background at once.
	longestStep = 2.0
)

// step returns the seconds since the last frame, 0 < step <= 2.
func (c *clock) step(now time.Time) float64 {
	step := now.Sub(c.last).Seconds()
	c.last = now
	if step <= 0 {
		return fallbackStep
	}
	return min(step, longestStep)
}

func (c *clock) restart(now time.Time) { c.last = now }
