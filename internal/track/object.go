package track

import (
	"slices"
	"time"

	"porchlight/internal/event"
)

// object is a track and what is known of it besides. Its boxes are in the
// coordinates of the camera at rest, before it was shaken.
type object struct {
	Track
	group   string
	votes   map[string]float64 // sum of scores by label
	filter  filter
	scores  []float64   // of the latest looks, 0 where it was missed, oldest first
	boxes   []event.Box // latest, since it last moved, oldest first
	atFirst bool        // was there when the tracker first looked

	missing      int       // looks in a row that should have shown it
	missingSince time.Time // the first of them
	colors       *colors   // nil: not known
	doubleSince  time.Time // since when it covers the same as an older one; zero: it does not

	resting
}

const remembered = 10 // scores and boxes

// How long after its first look, or for how many looks, a tracker counts what
// it finds as having been there: detectors miss now and then.
const (
	firstSight = 2 * time.Second
	firstLooks = 3
)

func remember[T any](list []T, v T) []T {
	if len(list) >= remembered {
		list = slices.Delete(list, 0, len(list)-remembered+1)
	}
	return append(list, v)
}

// begin starts tracks of the confident detections that no track has.
func (t *Tracker) begin(found []sighting, pairs map[*object]int) {
	taken := make([]bool, len(found))
	for _, d := range pairs {
		taken[d] = true
	}
	for i, d := range found {
		if taken[i] || !t.sure(d) || t.doubled(d, found, pairs) || !t.room() {
			continue
		}
		t.nextID++
		o := &object{
			Track: Track{ID: t.nextID, FirstSeen: t.now}, group: d.group, votes: map[string]float64{},
			atFirst: t.now.Sub(t.first) <= firstSight || t.looks <= firstLooks,
		}
		o.filter, o.rest = startFilter(t.now, d.Box, t.aspect), d.Box
		t.sighted(o, d)
		t.objects = append(t.objects, o)
	}
}

// follow gives a track its next detection.
func (t *Tracker) follow(o *object, d sighting) {
	if t.now.Sub(o.LastSeen) > foundAgain {
		o.filter = o.filter.refound(t.now, d.Box, d.Score, t.aspect)
	} else {
		o.filter = o.filter.seen(t.now, d.Box, d.Score, t.aspect)
	}
	t.sighted(o, d)
}

func (t *Tracker) sighted(o *object, d sighting) {
	o.Box, o.Score, o.LastSeen, o.Seen = d.Box, d.Score, t.now, true
	o.Hits++
	o.missing, o.missingSince = 0, time.Time{}
	o.scores, o.boxes = remember(o.scores, d.Score), remember(o.boxes, d.Box)
	o.vote(d)
	if o.colors == nil || !t.crowded(o) {
		o.colors = o.colors.follow(d.colors)
	}
}

// crowded says whether another object may be seen in the box of this one.
func (t *Tracker) crowded(o *object) bool {
	return slices.ContainsFunc(t.objects, func(other *object) bool {
		return other != o && t.now.Sub(other.LastSeen) <= time.Second && other.Box.Intersect(o.Box) > crowdedBy*o.Box.Area()
	})
}

// crowdedBy is the part of a box that another may cover.
const crowdedBy = 0.15

// vote counts a label; the votes of long ago fade.
func (o *object) vote(d sighting) {
	const fade = 0.98
	for label := range o.votes {
		o.votes[label] *= fade
	}
	o.votes[d.Label] += d.Score
	for label, v := range o.votes {
		if best := o.votes[o.Label]; v > best || (v == best && label < o.Label) {
			o.Label = label
		}
	}
}

// miss notes that a track was not found, if it was looked for.
func (t *Tracker) miss(o *object, s Sight) {
	o.Seen = false
	at := o.expected(t.now)
	if inside(moved(at, t.shake.x, t.shake.y).Clip(), s.Looked) < lookedAt || t.hidden(o, at) {
		return
	}
	if o.here() {
		o.missing, o.missingSince = 0, time.Time{}
		return // the detector fails to see it, but it is there
	}
	if o.missing == 0 {
		o.missingSince = t.now
	}
	o.missing++
	o.scores = remember(o.scores, 0)
}

const (
	lookedAt   = 0.7 // part of a box that must have been looked at for its object to be missing
	hiddenBy   = 0.5 // part of a box that another object covers when it hides it
	foundAgain = 600 * time.Millisecond
)

// hidden says whether another object that is seen stands where this should be.
func (t *Tracker) hidden(o *object, at event.Box) bool {
	for _, other := range t.objects {
		if other != o && other.LastSeen.Equal(t.now) && inside(at, []event.Box{other.Box}) >= hiddenBy {
			return true
		}
	}
	return false
}

// expected is where the object should be. What rests is where it was.
func (o *object) expected(at time.Time) event.Box {
	if o.settled(o.LastSeen) {
		return o.rest
	}
	if !at.After(o.LastSeen) {
		return o.Box
	}
	return o.filter.after(at).box()
}

// tentativeGap is how long a track that has not proved true may be unseen.
const tentativeGap = 1500 * time.Millisecond

// forget drops the tracks that are lost and the stationary objects that are gone.
func (t *Tracker) forget() {
	t.objects = slices.DeleteFunc(t.objects, func(o *object) bool {
		unseen := t.now.Sub(o.LastSeen)
		switch {
		case o.Stationary:
			if o.missing < t.cfg.ForgetLooks || t.now.Sub(o.missingSince) < t.cfg.ForgetAfter {
				return false
			}
		case !o.True:
			if unseen <= min(tentativeGap, t.cfg.MaxGap) {
				return false
			}
		case unseen <= t.cfg.MaxGap || (o.missing == 0 && o.settled(o.LastSeen)):
			return false
		}
		t.gone(o)
		return true
	})
}

// room makes room for one more track and says whether it could: the worst
// track not seen now gives way if it has proved nothing.
func (t *Tracker) room() bool {
	if len(t.objects) < t.cfg.MaxTrack {
		return true
	}
	worst := -1
	for i, o := range t.objects {
		if !o.Seen && !o.True && !o.Stationary && (worst < 0 || o.LastSeen.Before(t.objects[worst].LastSeen)) {
			worst = i
		}
	}
	if worst >= 0 {
		t.objects = slices.Delete(t.objects, worst, worst+1)
	}
	return worst >= 0
}
