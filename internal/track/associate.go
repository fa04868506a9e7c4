package track

import (
	"math"
	"slices"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/track/assign"
)

// What a pair of a track and a detection costs: how far the detection is from
// where the track should be, how little they overlap, how different the colors are, how sharply the object
// would have had to turn, and how long it was not seen.
const (
	distanceWeight = 0.8
	overlapWeight  = 0.4
	turnWeight     = 0.15
	colorWeight    = 0.5
	gapWeight      = 0.6
	restWeight     = 0.3
	lonely         = 2.0 // cost of a track without a detection, above that of any pair

	sureOverlap = 0.3 // boxes that overlap so much may be paired whatever the distance
	lowOverlap  = 0.3 // that a detection of low score must have
	sameBox     = 0.7 // two boxes of one group that show one object
)

// associate pairs tracks with detections: established tracks first, so that a
// second detection of one object cannot take its place, and for each the
// confident detections first. Those of low score continue tracks but never
// start one.
func (t *Tracker) associate(found []sighting) map[*object]int {
	m := matching{found: found, pairs: map[*object]int{}, taken: make([]bool, len(found))}
	established := func(o *object) bool { return o.True || o.Hits >= t.cfg.MinHits }
	young := func(o *object) bool { return !established(o) }
	m.pair(t.objects, established, t.sure, t.cost)
	m.pair(t.objects, established, t.unsure, t.lowCost)
	m.pair(t.objects, young, t.sure, t.cost)
	m.pair(t.objects, young, t.unsure, t.lowCost)
	return m.pairs
}

func (t *Tracker) sure(d sighting) bool   { return t.cfg.confident(d.Detection) }
func (t *Tracker) unsure(d sighting) bool { return !t.sure(d) }

// matching of the tracks and detections of one look.
type matching struct {
	found []sighting
	pairs map[*object]int
	taken []bool
}

// pair finds the cheapest pairs of some of the tracks and detections that are
// left.
func (m *matching) pair(objects []*object, who func(*object) bool, what func(sighting) bool, price func(*object, sighting) float64) {
	var tracks []*object
	for _, o := range objects {
		if _, has := m.pairs[o]; !has && who(o) {
			tracks = append(tracks, o)
		}
	}
	var which []int
	for i, d := range m.found {
		if !m.taken[i] && what(d) {
			which = append(which, i)
		}
	}
	if len(tracks) == 0 || len(which) == 0 {
		return
	}
	costs := make([][]float64, len(tracks))
	for i, o := range tracks {
		costs[i] = make([]float64, len(which))
		for j, d := range which {
			costs[i][j] = price(o, m.found[d])
		}
	}
	for i, j := range assign.Solve(costs, lonely) {
		if j >= 0 {
			m.pairs[tracks[i]], m.taken[which[j]] = which[j], true
		}
	}
}

func (t *Tracker) cost(o *object, d sighting) float64 {
	if o.group != d.group {
		return math.Inf(1)
	}
	gap := t.now.Sub(o.LastSeen)
	expected := o.expected(t.now)
	far, overlap := distance(expected, d.Box), expected.IoU(d.Box)
	limit := t.limit(o, gap)
	if overlap < sureOverlap && (far > limit || o.here()) {
		return math.Inf(1)
	}
	rest := 0.0
	if o.settled(t.now) {
		rest = restWeight * (1 - o.rest.IoU(d.Box))
	}
	return rest + distanceWeight*math.Min(1, far/t.cfg.MaxShift) + overlapWeight*(1-overlap) +
		colorWeight*o.colors.unlike(d.colors) + turnWeight*t.turn(o, d.Box) + gapWeight*math.Min(1, gap.Seconds()/t.cfg.MaxGap.Seconds())
}

// lowCost is that of detections of low score, which are often wrong: they
// must be where the object is, and it must have been seen a moment ago.
func (t *Tracker) lowCost(o *object, d sighting) float64 {
	recent := t.now.Sub(o.LastSeen) <= time.Second || o.Stationary
	if !recent || o.expected(t.now).IoU(d.Box) < lowOverlap {
		return math.Inf(1)
	}
	return t.cost(o, d)
}

// limit is how wrong a prediction may be, in sizes. It grows with the gap, and
// the speed of a new track is not known yet.
func (t *Tracker) limit(o *object, gap time.Duration) float64 {
	if o.Hits < 2 {
		return t.cfg.MaxShift
	}
	return math.Min(t.cfg.MaxShift, 1.2+gap.Seconds())
}

// distance between two boxes in units of their mean size: of the middles of
// their lower edges, and of their widths and heights. It is the measure that
// the norfair tracker made common.
func distance(a, b event.Box) float64 {
	w, h := (a.Width()+b.Width())/2, (a.Height()+b.Height())/2
	if w <= 0 || h <= 0 {
		return math.Inf(1)
	}
	dx, dy := ((a.X0+a.X1)-(b.X0+b.X1))/2/w, (a.Y1-b.Y1)/h
	dw, dh := math.Log(b.Width()/a.Width()), math.Log(b.Height()/a.Height())
	return math.Sqrt(dx*dx + dy*dy + dw*dw + dh*dh)
}

// turn says how sharply, 0..1, the object would have had to turn to be where
// a box is: the observation-centric momentum of OC-SORT. Slow ones turn freely.
func (t *Tracker) turn(o *object, b event.Box) float64 {
	const slow, fast = 0.3, 1.0 // sizes per second
	vx, vy := o.filter.velocity(t.aspect)
	speed := math.Hypot(vx, vy)
	if o.Hits < 3 || speed <= slow {
		return 0
	}
	sx, sy := scales(o.Box, t.aspect)
	dx, dy := ((b.X0+b.X1)-(o.Box.X0+o.Box.X1))/2/sx, (b.Y1-o.Box.Y1)/sy
	way := math.Hypot(dx, dy)
	if way < 2*positionNoise {
		return 0
	}
	sharp := (1 - (vx*dx+vy*dy)/(speed*way)) / 2
	return sharp * math.Min(1, (speed-slow)/(fast-slow))
}

// doubled says whether a detection without a track most likely shows an
// object that a track already follows.
func (t *Tracker) doubled(d sighting, found []sighting, pairs map[*object]int) bool {
	return slices.ContainsFunc(t.objects, func(o *object) bool {
		i, has := pairs[o]
		return has && o.group == d.group && found[i].Box.IoU(d.Box) > sameBox
	})
}

const doubleFor = 600 * time.Millisecond

// dropDoubles ends the younger of two tracks that show the same for a while.
func (t *Tracker) dropDoubles() {
	kept := t.objects[:0]
	for _, o := range t.objects {
		double := slices.ContainsFunc(kept, func(older *object) bool {
			return older.group == o.group && older.Box.IoU(o.Box) > sameBox && (older.Seen || older.Stationary)
		})
		switch {
		case !double:
			o.doubleSince = time.Time{}
		case o.doubleSince.IsZero():
			o.doubleSince = t.now
		}
		if !double || t.now.Sub(o.doubleSince) < doubleFor {
			kept = append(kept, o)
		}
	}
	clear(t.objects[len(kept):])
	t.objects = kept
}
