// Package motion finds where in a frame something moves, cheaply enough to be
// asked of every frame. It is pure Go.
//
// A frame is sampled down to about a hundred rows of brightness on a
// logarithmic scale and held against a background that is learnt as time
// passes: a cell that differs from it by more than the scene's own noise has
// changed, and neighboring changed cells make a box. On that scale a change of
// the light's strength is the same step everywhere, so that it can be found as
// the commonest difference and taken away.
//
// The steps follow what is common in video surveillance: contrast stretch by
// percentiles, blur, difference to a running average, threshold, dilation,
// connected components (for example OpenCV's BackgroundSubtractor family).
package motion

import (
	"porchlight/internal/event"
	"porchlight/internal/polygon"
)

// Config tunes a Detector. The zero value of a field means its default.
type Config struct {
	// Threshold is how many gray levels make a plain difference, at middle gray
	// in a picture that uses the whole range; default 30. A cell counts from
	// four tenths of it. In darker parts and in pictures of low contrast less
	// will do; noise asks for more.
	Threshold int
	MinArea   float64           // fraction of the frame that must change; default 0.001
	Masks     []polygon.Polygon // where motion does not count
}

const (
	defaultThreshold = 30
	defaultMinArea   = 0.001
)

// Result of one frame.
type Result struct {
	Boxes       []event.Box // where it moves, largest first, 16 at most; nil when it does not
	Area        float64     // fraction of the unmasked frame that moves
	Calibrating bool        // the background is not trusted now: a new source, a light switched, the camera turned
}

// Detector of the motion of one camera. It is not safe for concurrent use.
type Detector struct {
	cfg     Config
	sampler sampler
	clock   clock
	light   light
	model   model
	guard   guard
	finder  finder
	started bool
}

// New returns a detector that has seen nothing yet.
func New(cfg Config) *Detector {
	if cfg.Threshold <= 0 {
		cfg.Threshold = defaultThreshold
	}
	if !(cfg.MinArea > 0) {
		cfg.MinArea = defaultMinArea
	}
	return &Detector{cfg: cfg}
}

// Observe looks at the next frame. A frame of another size than the last
// starts over. A frame whose Pix does not fit its size, or nil, tells nothing:
// the answer is Calibrating and what was learnt stays.
func (d *Detector) Observe(f *event.Frame) Result {
	if !usable(f) {
		return Result{Calibrating: true}
	}
	if !d.sampler.fits(f.Width, f.Height) {
		d.startOver(f.Width, f.Height)
	}
	dt := d.clock.step(f.Time)
	luma := d.sampler.sample(f.Pix)
	if !d.started {
		d.started = true
		d.clock.restart(f.Time)
		d.model.relearn(luma)
		d.guard.begin(d.sampler.colored)
		return Result{Calibrating: true}
	}
	d.light.measure(luma, d.model.background, d.model.probes)
	d.model.tune(d.light.threshold(d.cfg.Threshold), d.light.noise)
	d.model.classify(luma, &d.light)
	if d.guard.check(d, luma, dt) {
		d.finder.forget()
		return Result{Area: d.model.fraction(), Calibrating: true}
	}
	boxes := d.finder.find(d, luma, dt)
	d.model.learn(luma, d.light.shift, dt)
	d.light.settle(dt, &d.model)
	return Result{Boxes: boxes, Area: d.finder.moving}
}

func usable(f *event.Frame) bool {
	return f.Whole() && f.Width <= 1<<20 && f.Height <= 1<<20
}

func (d *Detector) startOver(width, height int) {
	d.sampler = newSampler(width, height)
	cols, rows := d.sampler.cols, d.sampler.rows
	d.model = newModel(cols, rows, rasterize(d.cfg.Masks, cols, rows))
	d.light = newLight()
	d.guard = guard{}
	d.finder = newFinder(cols, rows, d.cfg.MinArea)
	d.started = false
}
