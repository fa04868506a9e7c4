package track

import (
	"cmp"
	"math"
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
	doubleSince  time.Time // since when it covers the same as an older one; zero: it does not

	resting
}

const remembered = 10 // scores and boxes

// firstSight is how long after its first look a tracker counts what it finds
// as having been there: detectors miss now and then.
const firstSight = 2 * time.Second

func remember[T any](list []T, v T) []T {
	if len(list) >= remembered {
		list = slices.Delete(list, 0, len(list)-remembered+1)
	}
	return append(list, v)
}

// begin starts tracks of the confident detections that no track has.
func (t *Tracker) begin(found []event.Detection, pairs map[*object]int) {
	taken := make([]bool, len(found))
	for _, d := range pairs {
		taken[d] = true
	}
	for i, d := range found {
		if taken[i] || !t.cfg.confident(d) || t.doubled(d, found, pairs) || !t.room() {
			continue
		}
		t.nextID++
		o := &object{
			Track: Track{ID: t.nextID, FirstSeen: t.now}, group: event.Group(d.Label), votes: map[string]float64{},
			atFirst: t.now.Sub(t.first) <= firstSight,
		}
		o.filter, o.rest = startFilter(t.now, d.Box, t.aspect), d.Box
		t.sighted(o, d)
		t.objects = append(t.objects, o)
	}
}

// follow gives a track its next detection.
func (t *Tracker) follow(o *object, d event.Detection) {
	if t.now.Sub(o.LastSeen) > foundAgain {
		o.filter = o.filter.refound(t.now, d.Box, t.aspect)
	} else {
		o.filter = o.filter.seen(t.now, d.Box, t.aspect)
	}
	t.sighted(o, d)
}

func (t *Tracker) sighted(o *object, d event.Detection) {
	o.Box, o.Score, o.LastSeen, o.Seen = d.Box, d.Score, t.now, true
	o.Hits++
	o.missing, o.missingSince = 0, time.Time{}
	o.scores, o.boxes = remember(o.scores, d.Score), remember(o.boxes, d.Box)
	o.vote(d)
	o.True = o.True || t.proved(o)
}

// vote counts a label; the votes of long ago fade.
func (o *object) vote(d event.Detection) {
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
	if o.Stationary {
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

// mostFound bounds the detections of one look; the surest are kept.
const mostFound = 300

// clean returns the detections that are boxes in the frame and not too
// unsure, surest first, without those of one group that show the same.
func (t *Tracker) clean(found []event.Detection) []event.Detection {
	out := make([]event.Detection, 0, min(len(found), mostFound))
	for _, d := range found {
		box, ok := clean(d.Box)
		if ok && d.Score >= t.cfg.Low && !math.IsNaN(d.Score) {
			d.Box, d.Score = box, min(d.Score, 1)
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b event.Detection) int { return cmp.Compare(b.Score, a.Score) })
	out = out[:min(len(out), mostFound)]
	kept := out[:0]
	for _, d := range out {
		if !slices.ContainsFunc(kept, func(k event.Detection) bool {
			return event.Group(k.Label) == event.Group(d.Label) && k.Box.IoU(d.Box) > sameBox
		}) {
			kept = append(kept, d)
		}
	}
	return kept
}

// proved says whether the scores of a track show that it is no mistake.
func (t *Tracker) proved(o *object) bool {
	if o.Hits < t.cfg.MinHits {
		return false
	}
	m := median(append([]float64(nil), o.scores...))
	return m >= 0.6
}
