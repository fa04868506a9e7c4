package pipeline

import (
	"slices"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/region"
	"porchlight/internal/track"
)

// How often the detector looks: at every frame in which something moves that
// nobody knows of yet, else less often.
const (
	steadyEvery = 350 * time.Millisecond // an event is open: its owner knows already
	stillEvery  = time.Second            // an object that does not move now: is it still there?
	sceneEvery  = time.Second            // while the background is learnt anew
	busyAfter   = 3 * time.Second        // after the last motion or sighting

	// While it is in doubt whether something at rest is there at all, every
	// frame is looked at.
	doubtScore = 0.4
	enoughHits = 8
	doubtFor   = 2 * time.Second
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
	began         time.Time // of the camera's first frame
}

func newLooker(cfg region.Config, grid *region.Grid) *looker {
	return &looker{chooser: region.New(cfg, grid), grid: grid, boredom: &boredom{}}
}

// regions returns where the detector is to look in this frame; told says that
// an event is open, so that its owner knows already that something happens.
func (l *looker) regions(v *View, tracks []track.Track, told bool) []region.Region {
	f := v.Frame
	if f.Width != l.width || f.Height != l.height {
		l.width, l.height, l.fresh = f.Width, f.Height, true
	}
	since := f.Time.Sub(l.lookedAt)
	var followed []track.Track
	for _, t := range tracks {
		// What has neither moved nor proved true by now is no object.
		if !t.Stationary && (t.True || !t.MovedAt.IsZero() || f.Time.Sub(t.FirstSeen) < doubtFor) {
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
		if l.began.IsZero() {
			l.began = f.Time
		}
		every := sceneEvery
		if f.Time.Sub(l.began) < firstSight && v.Motion.Area > 0 {
			every = 0
		}
		l.fresh = true
		if !l.lookedAt.IsZero() && since < every {
			return nil
		}
		return l.took(f.Time, l.chooser.First(f.Width, f.Height))
	case l.fresh:
		l.fresh = false
		return l.took(f.Time, l.chooser.First(f.Width, f.Height))
	}
	interesting := l.boredom.interesting(f.Time, v.Motion.Boxes)
	doubtful := l.doubtful(followed)
	switch {
	case len(interesting) == 0 && len(followed) == 0:
		return nil
	case len(interesting) == 0 && !doubtful && since < stillEvery:
		return nil
	case told && since < steadyEvery:
		return nil
	}
	objects := make([]event.Box, len(followed))
	for i, t := range followed {
		objects[i] = t.Box
	}
	choose := l.chooser.Choose
	if told {
		choose = l.chooser.Follow
	}
	return l.took(f.Time, choose(f.Width, f.Height, interesting, objects))
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

// doubtful says whether something followed has neither proved true nor been
// looked at often enough to be given up.
func (l *looker) doubtful(followed []track.Track) bool {
	return slices.ContainsFunc(followed, func(t track.Track) bool {
		return !t.True && t.Score >= doubtScore && t.Hits < enoughHits && l.lookedAt.Sub(t.FirstSeen) < doubtFor
	})
}

// grown is the box widened by a part of its size on every side.
func grown(b event.Box, part float64) event.Box {
	dx, dy := b.Width()*part, b.Height()*part
	return event.Box{X0: b.X0 - dx, Y0: b.Y0 - dy, X1: b.X1 + dx, Y1: b.Y1 + dy}.Clip()
}
