package live

import "time"

// Quality names one of the camera's streams.
type Quality string

// The streams of a camera, and Auto: whichever the viewer's link carries.
const (
	Main Quality = "main"
	Sub  Quality = "sub"
	Auto Quality = "auto"
)

// Bounds of the choice between the two streams.
const (
	roomAbove    = 1.15                   // of main's rate a link has to be wide, to go up
	roomToJump   = 3.0                    // to go up without waiting for a keyframe
	jumpWithin   = 150 * time.Millisecond // the time main's newest GOP may take
	tooLong      = 250 * time.Millisecond // a standing queue, to go down
	tooMuchLoss  = 0.10                   // to go down
	littleLoss   = 0.02                   // to go up
	shortQueue   = 60 * time.Millisecond  // to go up
	blindTrial   = 3 * time.Second        // after which a link without feedback is tried
	firstRetry   = 10 * time.Second
	longestRetry = 2 * time.Minute
	provenAfter  = 30 * time.Second // on main, after which it is no trial any more
	settle       = 1500 * time.Millisecond
)

// policy decides which stream one viewer gets. The link's width lets it go up,
// a queue that does not go away or loss makes it go down, and each time that
// going up was a mistake the next trial is later.
type policy struct {
	since time.Time // on the present stream
	retry time.Duration
	after time.Time // no trial before
}

// move is what to do now.
type move int

const (
	stay move = iota
	down      // to the substream, at once
	up        // to the main stream, at its next keyframe
	jump      // to the main stream, on its newest GOP at once
)

// state is what the decision is based on.
type state struct {
	on             Quality
	wish           Quality // of the viewer
	canMain        bool
	canSub         bool
	main           glance
	width          float64
	loss           float64
	standing       time.Duration
	remb           float64
	feedback, none bool // transport-wide feedback has come; will not come
}

// decide is called every now and then.
func (p *policy) decide(s state, now time.Time) move {
	if p.since.IsZero() {
		p.since = now
	}
	switch {
	case s.on == Main && !s.canMain && s.canSub:
		return down
	case s.on == Sub && !s.canSub && s.canMain:
		return jump
	case s.on == Main && s.canSub && s.wish == Sub:
		return down
	case s.on == Sub && s.canMain && s.wish == Main:
		return jump
	case s.wish != Auto, s.on == Main && !s.canSub, s.on == Sub && !s.canMain:
		return stay
	}
	if s.on == Main {
		return p.fromMain(s, now)
	}
	return p.fromSub(s, now)
}

func (p *policy) fromMain(s state, now time.Time) move {
	if now.Sub(p.since) > provenAfter {
		p.retry = 0
	}
	narrow := s.loss > tooMuchLoss || s.standing > tooLong || s.remb > 0 && s.main.bits > 0 && s.remb < 0.8*s.main.bits
	if now.Sub(p.since) < settle || !narrow {
		return stay
	}
	p.retry = min(max(2*p.retry, firstRetry), longestRetry)
	p.after = now.Add(p.retry)
	return down
}

func (p *policy) fromSub(s state, now time.Time) move {
	if now.Before(p.after) || s.loss > littleLoss || s.standing > shortQueue || s.main.stream == nil {
		return stay
	}
	if s.none {
		if now.Sub(p.since) > blindTrial && (s.remb == 0 || s.remb > roomAbove*s.main.bits) {
			return up
		}
		return stay
	}
	switch {
	case !s.feedback || s.width < roomAbove*s.main.bits:
		return stay
	case s.width > roomToJump*s.main.bits && float64(s.main.bytes)*8/s.width < jumpWithin.Seconds():
		return jump
	}
	return up
}

// moved notes that the viewer is on another stream now.
func (p *policy) moved(now time.Time) { p.since = now }
