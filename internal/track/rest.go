package track

import (
	"time"

	"porchlight/internal/event"
)

// resting is what is known of the place where an object stands.
type resting struct {
	rest     event.Box // where it stands, or last stood
	anchor   *patch    // how it looks there; nil: not known yet
	anchorAt event.Box // where the anchor was taken
	look     likeness  // of that place now and the anchor
	told     bool      // that it appeared there
	asked    bool      // the scene whether it had the object before
	judgedAt time.Time // when it was last found to be there

	differs      int // looks in a row in which it was there and looked different
	differsSince time.Time

	stood  event.Box // place that it held as a stationary object and left; empty: none
	leftAt time.Time
}

// Of the boxes of an object at rest and of its place, the overlap below which
// it has moved. Detectors jitter by up to a tenth between looks, so the boxes
// are the medians of some.
const (
	movedIoU      = 0.7
	stationaryIoU = 0.6 // of a stationary object
	leftIoU       = 0.2 // of one that something else stands before
	steadyIoU     = 0.9 // of two boxes in a row of one that does not move
	placeIoU      = 0.75
)

const (
	recentBoxes = 3
	youngHits   = 4                // a track may have begun with a bad box
	settleTime  = time.Second      // without movement, after which an object counts as at rest
	followTime  = 20 * time.Second // in which the place follows the boxes of what stands there
	followMost  = time.Second      // of a gap that count
	anchorBoxes = 5                // before an anchor is taken
	anchorIoU   = 0.7              // of their average and their median
	renewLooks  = 5                // before the anchor of what looks different is taken anew
	renewTime   = 3 * time.Second
	inFront     = 0.1 // part of the place that something else must cover to stand before it
)

// view compares how the places of what rests look with how they looked.
func (t *Tracker) view(f *event.Frame) {
	for _, o := range t.objects {
		o.look = unclear
		if o.anchor != nil {
			o.look = o.anchor.compare(cut(f, moved(o.anchorAt, t.shake.x, t.shake.y)))
		}
	}
}

// here says that an object at rest can be seen to be where it was.
func (o *object) here() bool { return o.settled(o.LastSeen) && o.look == same }

// since is when the object last moved or else was first seen.
func (o *object) since() time.Time {
	if o.MovedAt.After(o.FirstSeen) {
		return o.MovedAt
	}
	return o.FirstSeen
}

// settled says whether the object has been at rest for a while. Where it was
// seen last counts as well: it takes some looks to find that it has moved.
func (o *object) settled(at time.Time) bool {
	return o.Stationary || (o.Hits > youngHits && at.Sub(o.since()) >= settleTime && o.rest.IoU(o.Box) >= movedIoU)
}

// judge decides whether an object that is seen has moved or rests.
func (t *Tracker) judge(o *object, f *event.Frame) {
	defer func() { o.True = o.True || t.proved(o) }()
	recent := typical(o.boxes[max(0, len(o.boxes)-recentBoxes):])
	if t.hasMoved(o, recent) {
		t.move(o, recent)
		return
	}
	if n := len(o.boxes); o.Hits < youngHits {
		if n > 1 && o.boxes[n-1].IoU(o.boxes[n-2]) > steadyIoU {
			o.rest = recent
		}
	} else {
		o.rest = blend(o.rest, recent, min(followMost, t.now.Sub(o.judgedAt)).Seconds()/followTime.Seconds())
	}
	o.judgedAt = t.now
	o.Known = o.Known || (o.atFirst && o.MovedAt.IsZero())
	t.keepAnchor(o, f, recent)
	if o.Hits >= anchorBoxes && t.now.Sub(o.since()) >= t.cfg.restAfter(o.Label) {
		t.settle(o)
	}
}

func (t *Tracker) hasMoved(o *object, recent event.Box) bool {
	overlap, limit := o.rest.IoU(recent), movedIoU
	if o.Stationary {
		limit = stationaryIoU
	}
	n := len(o.boxes)
	switch {
	case overlap >= limit, n < recentBoxes:
		return false
	case o.Hits <= youngHits && o.boxes[n-1].IoU(o.boxes[n-2]) > steadyIoU:
		return false
	case o.look == same:
		return false // only the box has
	case o.anchor != nil && t.behind(o):
		return overlap < leftIoU
	}
	return true
}

// move notes that an object has moved.
func (t *Tracker) move(o *object, to event.Box) {
	if o.Stationary {
		o.stood, o.leftAt = o.rest, t.now
	}
	o.MovedAt, o.judgedAt, o.Known, o.Stationary, o.told = t.now, t.now, false, false, false
	o.rest, o.anchor, o.differs = to, nil, 0
	o.boxes = o.boxes[max(0, len(o.boxes)-recentBoxes):]
}

// keepAnchor takes an anchor of what has come to rest, and a new one when it
// is where it was and has come to look different: lamps, day and night.
func (t *Tracker) keepAnchor(o *object, f *event.Frame, recent event.Box) {
	switch {
	case len(o.boxes) < anchorBoxes || t.behind(o):
		return
	case o.anchor == nil:
		if average(o.boxes).IoU(typical(o.boxes)) >= anchorIoU {
			o.takeAnchor(f, t.shake)
			if o.MovedAt.IsZero() && !o.asked && t.shake == (shift{}) && t.scene.had(o.rest, o.FirstSeen, f) == same {
				o.Known = true
			}
			o.asked = true
		}
	case o.look != different || o.rest.IoU(recent) < placeIoU:
		o.differs = 0
	default:
		if o.differs == 0 {
			o.differsSince = t.now
		}
		o.differs++
		if o.differs >= renewLooks && t.now.Sub(o.differsSince) >= renewTime {
			o.takeAnchor(f, t.shake)
		}
	}
}

func (o *object) takeAnchor(f *event.Frame, s shift) {
	o.anchor, o.anchorAt, o.differs = cut(f, moved(o.rest, s.x, s.y)), o.rest, 0
}

// behind says whether another object that is seen stands before the place of
// this one, or behind it.
func (t *Tracker) behind(o *object) bool {
	for _, other := range t.objects {
		if other != o && other.LastSeen.Equal(t.now) && inside(o.rest, []event.Box{other.Box}) >= inFront {
			return true
		}
	}
	return false
}

// settle makes an object part of the scene.
func (t *Tracker) settle(o *object) {
	o.Stationary = true
	if !o.True || o.told {
		return
	}
	o.told = true
	if o.stood.Area() > 0 && o.stood.IoU(o.rest) >= placeIoU {
		o.stood = event.Box{}
		return // it is back where it was
	}
	t.left(o)
	if !o.Known {
		t.tell(Change{Kind: Appeared, Track: o.ID, Label: o.Label, Box: o.rest, At: o.since()})
	}
}

// gone tells of a stationary object that is no more.
func (t *Tracker) gone(o *object) {
	if o.Stationary && o.True {
		t.tell(Change{Kind: Removed, Track: o.ID, Label: o.Label, Box: o.rest, At: o.LastSeen})
	}
	t.left(o)
}

// left tells of the place that an object left for good.
func (t *Tracker) left(o *object) {
	if o.stood.Area() > 0 {
		t.tell(Change{Kind: Removed, Track: o.ID, Label: o.Label, Box: o.stood, At: o.leftAt})
		o.stood = event.Box{}
	}
}
