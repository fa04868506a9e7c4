package track

import (
	"math"
	"time"

	"porchlight/internal/event"
)

// axis is a Kalman filter for one coordinate and its velocity. The velocity
// fades while nothing is seen, as that of an integrated Ornstein-Uhlenbeck
// process does, so that a prediction comes to rest near where the object was
// lost and never drifts away (R. A. Singer, IEEE Trans. AES-6, 1970).
type axis struct {
	p, v          float64 // position, and velocity per second
	pp, pv, vv    float64 // their covariance
	agility, fade float64 // change of velocity in the square root of a second; seconds until it has faded to 1/e
}

// startAxis takes the first position. Noise and speed are standard deviations.
func startAxis(p, noise, speed, agility, fade float64) axis {
	return axis{p: p, pp: noise * noise, vv: speed * speed, agility: agility, fade: fade}
}

// after predicts dt seconds ahead.
func (a axis) after(dt float64) axis {
	if dt <= 0 {
		return a
	}
	e := math.Exp(-dt / a.fade)
	g := a.fade * (1 - e)
	// The noise is that of white acceleration, for no longer than the fading lets it add up.
	n, q := math.Min(dt, 2*a.fade), a.agility*a.agility
	b := a
	b.p, b.v = a.p+g*a.v, e*a.v
	b.pp = a.pp + 2*g*a.pv + g*g*a.vv + q*n*n*n/3
	b.pv = e*(a.pv+g*a.vv) + q*n*n/2
	b.vv = e*e*a.vv + q*n
	return b
}

// measured takes in a position seen with a noise of the given standard deviation.
func (a axis) measured(p, noise float64) axis {
	s := a.pp + noise*noise
	if s <= 0 {
		return a
	}
	kp, kv, miss := a.pp/s, a.pv/s, p-a.p
	b := a
	b.p, b.v = a.p+kp*miss, a.v+kv*miss
	b.pp, b.pv, b.vv = (1-kp)*a.pp, (1-kp)*a.pv, a.vv-kv*a.pv
	return b
}

// filter follows a box: the middle of its lower edge, which is where the
// object stands, and its width and height.
type filter struct {
	at         time.Time // of the last sighting
	x, y, w, h axis
	last       event.Box // sizes stay within reach of the last box seen
}

// The constants are in units of the object's own size (the square root of its
// area) and seconds. A person of 1.7 m is about 1.1 m in this size, so an
// agility of 1 lets people who walk stop or turn within a second or two.
const (
	positionNoise = 0.06 // how far detectors jitter
	startSpeed    = 2.0
	moveAgility   = 1.0
	sizeAgility   = 0.4
	moveFade      = 2.0
	sizeFade      = 0.5
)

// scales returns the object's size in fractions of the frame's width and
// height. aspect is the frame's width by its height.
func scales(b event.Box, aspect float64) (sx, sy float64) {
	size := math.Sqrt(math.Max(b.Width()*aspect*b.Height(), 1e-8))
	return size / aspect, size
}

func startFilter(at time.Time, b event.Box, aspect float64) filter {
	sx, sy := scales(b, aspect)
	return filter{
		at: at, last: b,
		x: startAxis((b.X0+b.X1)/2, positionNoise*sx, startSpeed*sx, moveAgility*sx, moveFade),
		y: startAxis(b.Y1, positionNoise*sy, startSpeed*sy, moveAgility*sy, moveFade),
		w: startAxis(b.Width(), positionNoise*sx, sizeAgility*sx, sizeAgility*sx, sizeFade),
		h: startAxis(b.Height(), positionNoise*sy, sizeAgility*sy, sizeAgility*sy, sizeFade),
	}
}

func (f filter) after(at time.Time) filter {
	dt := at.Sub(f.at).Seconds()
	f.x, f.y, f.w, f.h = f.x.after(dt), f.y.after(dt), f.w.after(dt), f.h.after(dt)
	if dt > 0 {
		f.at = at
	}
	return f
}

// seen takes in a box. The boxes of low scores are the less exact ones, so
// their noise is larger, as in NSA Kalman filters (Y. Du et al., GIAOTracker,
// ICCV Workshops 2021).
func (f filter) seen(at time.Time, b event.Box, score, aspect float64) filter {
	sx, sy := scales(b, aspect)
	unsure := 0.4 + 2*(1-score)
	sx, sy = unsure*sx, unsure*sy
	f = f.after(at)
	f.last = b
	f.x, f.y = f.x.measured((b.X0+b.X1)/2, positionNoise*sx), f.y.measured(b.Y1, positionNoise*sy)
	f.w, f.h = f.w.measured(b.Width(), positionNoise*sx), f.h.measured(b.Height(), positionNoise*sy)
	return f
}

// refound takes in a box after a gap. What was predicted in the gap was a
// guess; now it is known where the object went, so the filter is led along
// the straight line there (the re-update of OC-SORT: J. Cao et al., CVPR 2023).
func (f filter) refound(at time.Time, b event.Box, score, aspect float64) filter {
	const steps = 5
	from, since, gap := f.last, f.at, at.Sub(f.at)
	for i := 1; i < steps; i++ {
		part := float64(i) / steps
		between := event.Box{
			X0: from.X0 + part*(b.X0-from.X0), Y0: from.Y0 + part*(b.Y0-from.Y0),
			X1: from.X1 + part*(b.X1-from.X1), Y1: from.Y1 + part*(b.Y1-from.Y1),
		}
		f = f.seen(since.Add(gap/steps*time.Duration(i)), between, score, aspect)
	}
	return f.seen(at, b, score, aspect)
}

// box is what the filter holds, with sides of half to twice those last seen.
func (f filter) box() event.Box {
	side := func(v, last float64) float64 { return math.Max(last/2, math.Min(2*last, v)) }
	w, h := side(f.w.p, f.last.Width()), side(f.h.p, f.last.Height())
	return event.Box{X0: f.x.p - w/2, Y0: f.y.p - h, X1: f.x.p + w/2, Y1: f.y.p}
}

// speed in sizes of the object per second, and its direction.
func (f filter) velocity(aspect float64) (vx, vy float64) {
	sx, sy := scales(f.last, aspect)
	return f.x.v / sx, f.y.v / sy
}

// moving sets the velocity, in sizes of the object per second.
func (f filter) moving(vx, vy, aspect float64) filter {
	sx, sy := scales(f.last, aspect)
	f.x.v, f.y.v = vx*sx, vy*sy
	return f
}
