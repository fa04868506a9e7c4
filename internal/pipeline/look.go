package pipeline

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/region"
	"porchlight/internal/track"
)

// How often the detector looks. Every frame in which something moves is looked
// at, but: less often where all that moves is a track that has proved true,
// and seldom where looking has found nothing again and again.
const (
	steadyEvery = 350 * time.Millisecond // all that moves is known and followed
	stillEvery  = time.Second            // an object that does not move now: is it still there?
	sceneEvery  = time.Second            // while the background is learnt anew
	busyAfter   = 3 * time.Second        // after the last motion or sighting
)

// looker decides whether and where the detector looks in a frame.
type looker struct {
	chooser       *region.Chooser
	grid          *region.Grid
	boredom       *boredom
	width, height int
	fresh         bool      // the whole scene is to be looked at once
	lookedAt      time.Time // for whatever reason
	busyAt        time.Time
}

func newLooker(cfg region.Config, grid *region.Grid) *looker {
	return &looker{chooser: region.New(cfg, grid), grid: grid, boredom: &boredom{}}
}

func (l *looker) regions(v *View, tracks []track.Track) []region.Region {
	f := v.Frame
	if f.Width != l.width || f.Height != l.height {
		l.width, l.height, l.fresh = f.Width, f.Height, true
	}
	since := f.Time.Sub(l.lookedAt)
	var followed []track.Track
	for _, t := range tracks {
		if !t.Stationary {
			followed = append(followed, t)
		}
	}
	if len(v.Motion.Boxes) > 0 || len(followed) > 0 || v.Motion.Calibrating {
		l.busyAt = f.Time
	}
	switch {
	case v.Motion.Calibrating:
		// What the new scene shows is looked at once it has settled, and
		// meanwhile now and then, for whoever switched the light.
		first := l.lookedAt.IsZero()
		l.fresh = true
		if !first && since < sceneEvery {
			return nil
		}
		return l.took(f.Time, l.chooser.First(f.Width, f.Height))
	case l.fresh:
		l.fresh = false
		return l.took(f.Time, l.chooser.First(f.Width, f.Height))
	}
	interesting := l.boredom.interesting(f.Time, v.Motion.Boxes)
	switch {
	case len(interesting) == 0 && (len(followed) == 0 || since < stillEvery):
		return nil
	case len(interesting) > 0 && since < steadyEvery && explained(interesting, followed):
		return nil
	}
	objects := make([]event.Box, len(followed))
	for i, t := range followed {
		objects[i] = t.Box
	}
	return l.took(f.Time, l.chooser.Choose(f.Width, f.Height, interesting, objects))
}

func (l *looker) took(at time.Time, regions []region.Region) []region.Region {
	if len(regions) > 0 {
		l.lookedAt = at
	}
	return regions
}

// learn takes in what a look has found.
func (l *looker) learn(at time.Time, v *View) {
	l.boredom.learn(at, v.Motion.Boxes, v.Tracks)
	for _, t := range v.Tracks {
		if t.Seen && t.True && !t.Known {
			l.grid.Learn(t.Box)
		}
	}
}

func (l *looker) busy(now time.Time) bool { return now.Sub(l.busyAt) < busyAfter }

// explained says whether all that moves are tracks that have proved true.
func explained(motion []event.Box, followed []track.Track) bool {
	for _, t := range followed {
		if !t.True {
			return false
		}
	}
	for _, m := range motion {
		known := false
		for _, t := range followed {
			known = known || inside(m, grown(t.Box, 0.25)) >= 0.7
		}
		if !known {
			return false
		}
	}
	return true
}

// inside is the part of a that lies in b, 0..1.
func inside(a, b event.Box) float64 {
	if a.Area() <= 0 {
		return 0
	}
	return a.Intersect(b) / a.Area()
}

// grown is the box widened by a part of its size on every side.
func grown(b event.Box, part float64) event.Box {
	dx, dy := b.Width()*part, b.Height()*part
	return event.Box{X0: b.X0 - dx, Y0: b.Y0 - dy, X1: b.X1 + dx, Y1: b.Y1 + dy}.Clip()
}
