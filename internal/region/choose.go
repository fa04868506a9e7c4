package region

import (
	"cmp"
	"math"
	"slices"

	"porchlight/internal/event"
)

// Config tunes a Chooser. The zero value of a field means its default.
type Config struct {
	Input   int // side of the detector's input, in pixels; default 416
	MaxLook int // regions in one frame at most; default 3
	// MaxFirst is the number of regions in a first look at most; default 6.
	MaxFirst int
}

// How large an object should come out at the detector's input, by its larger
// side in pixels. Measured with YOLOX-nano (416 pixels) on pedestrians of 56 to
// 110 pixels, each at every size: at 50 it finds 95 of 100 at a score of 0.5
// and 99 at 0.3, with a mean score of 0.79; at 30 94, 96 and 0.72. 100 to 160
// is best, all and 0.86, and beyond 250 it gets worse again: 93 at 300. Asking
// for 60 instead of 50 costs a fifth more inferences on a busy scene and gains
// nothing there. At 20 what is known already can still be followed.
const (
	barely      = 20
	largeEnough = 50
	ideal       = 130
)

// Chooser chooses the regions of one camera's frames. It is not safe for
// concurrent use.
type Chooser struct {
	cfg  Config
	grid *Grid

	width, height int       // of the last frame
	held          []Region  // the last frame's, to hold them still
	waiting       []waiting // what the last frames had no region for
}

// New returns a chooser that asks the grid how large objects are. Teaching the
// grid is up to the caller. A nil grid knows nothing.
func New(cfg Config, grid *Grid) *Chooser {
	cfg.Input = cmp.Or(max(0, cfg.Input), 416)
	cfg.MaxLook = cmp.Or(max(0, cfg.MaxLook), 3)
	cfg.MaxFirst = cmp.Or(max(0, cfg.MaxFirst), 6)
	return &Chooser{cfg: cfg, grid: grid}
}

// Choose returns the regions of a frame that together show the motion boxes
// and the objects, each large enough to be recognized and with some room
// around it. Both are in fractions of the frame. It returns none when there is
// nothing to show.
//
// Each region costs one inference, so there are as few as will do, the whole
// frame alone where that shows everything large enough. Where MaxLook regions
// do not suffice, one of them is the whole frame and the others show what
// needs it most; the rest has its turn in the next frames. A region stays
// where it was as long as it will do, so that detections do not jitter.
func (c *Chooser) Choose(width, height int, motion, objects []event.Box) []Region {
	if width != c.width || height != c.height {
		c.width, c.height, c.held, c.waiting = width, height, nil, nil
	}
	targets := c.targets(motion, objects)
	if len(targets) == 0 {
		c.held, c.waiting = nil, nil
		return nil
	}
	c.recall(targets)
	regions := c.cover(targets)
	c.held = regions
	return slices.Clone(regions)
}

// Follow is Choose for when it is known already that something happens, and
// what matters is to follow the objects at little cost: the whole frame, and
// one part of it where that shows an object too small even to be followed.
func (c *Chooser) Follow(width, height int, motion, objects []event.Box) []Region {
	small := slices.DeleteFunc(slices.Clone(objects), func(b event.Box) bool {
		size := math.Max(b.Width()*float64(width), b.Height()*float64(height))
		return size*float64(c.cfg.Input) >= barely*float64(max(width, height))
	})
	whole := Whole(width, height)
	if width < 1 || height < 1 || len(motion)+len(objects) == 0 {
		return nil
	}
	if len(small) == 0 {
		return []Region{whole}
	}
	zoomed := *c
	zoomed.cfg.MaxLook = 1
	regions := zoomed.Choose(width, height, nil, small)
	c.waiting, c.held, c.width, c.height = zoomed.waiting, nil, width, height
	if slices.Contains(regions, whole) {
		return regions
	}
	return append([]Region{whole}, regions...)
}

// First returns the regions for the first frame of a camera, or the first
// after the scene changed: the whole frame, and the places where objects are
// most often seen, by the grid, that are too small in it. What Choose knew of
// the frames before is forgotten.
func (c *Chooser) First(width, height int) []Region {
	c.width, c.height, c.held, c.waiting = width, height, nil, nil
	if width < 1 || height < 1 {
		return nil
	}
	regions := []Region{Whole(width, height)}
	for _, k := range cluster(c.places()) {
		if len(regions) == c.cfg.MaxFirst {
			break
		}
		regions = append(regions, k.region(width, height, c.minSide()))
	}
	return regions
}

// cover returns regions for the targets and notes those that have to wait.
func (c *Chooser) cover(targets []target) []Region {
	whole := Whole(c.width, c.height)
	var small []target
	for _, t := range targets {
		if !c.fits(whole, t) {
			small = append(small, t)
		}
	}
	if len(small) == 0 {
		c.waiting = nil
		return []Region{whole}
	}
	clusters := cluster(targets)
	var regions []Region
	if zoomed := cluster(small); c.cfg.MaxLook > 1 && len(clusters) > min(c.cfg.MaxLook, len(zoomed)+1) {
		clusters, regions = zoomed, []Region{whole}
	}
	// Those that have waited longest first, then those that need it most.
	slices.SortStableFunc(clusters, func(a, b target) int {
		return cmp.Or(cmp.Compare(b.wait, a.wait), cmp.Compare(a.limit, b.limit))
	})
	c.waiting = nil
	for _, k := range clusters {
		switch {
		case slices.ContainsFunc(regions, k.shownBy):
		case len(regions) < c.cfg.MaxLook:
			regions = append(regions, c.hold(k))
		default:
			c.waiting = append(c.waiting, k.waits()...)
		}
	}
	return regions
}

// hold returns the region of the last frame that shows a cluster well enough,
// or a new one.
func (c *Chooser) hold(k target) Region {
	fresh := k.region(c.width, c.height, c.minSide())
	i := slices.IndexFunc(c.held, func(r Region) bool { return r.side() <= fresh.side()*3/2 && k.shownBy(r) })
	if i < 0 {
		return fresh
	}
	return c.held[i]
}

// fits tells that a region shows a target large enough. The whole frame, once
// taken, is kept a little longer.
func (c *Chooser) fits(whole Region, t target) bool {
	limit := t.limit
	if slices.Equal(c.held, []Region{whole}) {
		limit += limit / 8
	}
	return whole.side() <= limit
}

// minSide is the smallest region worth cutting out, in pixels: enlarging a
// picture shows no more of it. 320 for an input of 416.
func (c *Chooser) minSide() int { return c.cfg.Input * 10 / 13 }
