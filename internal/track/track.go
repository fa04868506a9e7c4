// Package track follows objects from frame to frame. It is pure Go and keeps
// no pictures: boxes and labels go in, tracks come out.
package track

import (
	"math"
	"time"

	"porchlight/internal/event"
)

// Config tunes a Tracker. The zero value of a field means its default.
type Config struct {
	MinHits  int           // detections before a track is confirmed; default 3
	MaxGap   time.Duration // a track unseen for longer is forgotten; default 2 s
	MaxShift float64       // largest step between sightings, in object sizes; default 1.5
}

// Track is one object over time.
type Track struct {
	ID         int64
	Label      string    // the most voted for
	Box        event.Box // where it was last seen
	Score      float64   // of the last sighting
	Seen       bool      // in the latest Sight
	Hits       int       // sightings so far
	True       bool      // its scores have once proved that it is no mistake
	FirstSeen  time.Time
	LastSeen   time.Time
	MovedAt    time.Time // when it was last found to have moved; zero: never
	Stationary bool      // at rest for so long that it is part of the scene
	Known      bool      // was part of the scene already when first seen: parked, a statue, restored

	anchor event.Box // where it stood when it last came to rest
}

// Sight is what was found in one frame, and where it was looked for: a track
// outside Looked is not missing.
type Sight struct {
	Frame  *event.Frame
	Looked []event.Box // parts of the frame, in fractions of it
	Found  []event.Detection
}

// Tracker follows the objects of one camera. It is not safe for concurrent use.
type Tracker struct {
	cfg    Config
	tracks []*Track
	nextID int64
}

// New returns a tracker with no tracks.
func New(cfg Config) *Tracker {
	if cfg.MinHits == 0 {
		cfg.MinHits = 3
	}
	if cfg.MaxGap == 0 {
		cfg.MaxGap = 2 * time.Second
	}
	if cfg.MaxShift == 0 {
		cfg.MaxShift = 1.5
	}
	return &Tracker{cfg: cfg}
}

// Update takes what was seen in one frame and returns all tracks, also those
// not seen in it. A frame older than the last is taken for one of the same time.
func (t *Tracker) Update(s Sight) []Track {
	at, detections := s.Frame.Time, s.Found
	t.forget(at)
	taken := make([]bool, len(detections))
	seen := map[*Track]bool{}
	// Greedy, nearest pair first: on the few boxes of a home camera it gives
	// the same answer as an optimal assignment, and it is easy to follow.
	for {
		best, bestTrack, bestDetection := math.Inf(1), (*Track)(nil), -1
		for _, track := range t.tracks {
			if seen[track] {
				continue
			}
			for i, d := range detections {
				if taken[i] || d.Label != track.Label {
					continue
				}
				if distance := shift(track.Box, d.Box); distance < best {
					best, bestTrack, bestDetection = distance, track, i
				}
			}
		}
		if bestTrack == nil || best > t.cfg.MaxShift {
			break
		}
		taken[bestDetection], seen[bestTrack] = true, true
		bestTrack.follow(at, detections[bestDetection])
	}
	for i, d := range detections {
		if !taken[i] {
			t.nextID++
			track := &Track{ID: t.nextID, Label: d.Label, FirstSeen: at, anchor: d.Box}
			track.follow(at, d)
			t.tracks = append(t.tracks, track)
			seen[track] = true
		}
	}
	var out []Track
	for _, track := range t.tracks {
		track.Seen, track.True = seen[track], track.Hits >= t.cfg.MinHits
		out = append(out, *track)
	}
	return out
}

// Predict returns where the tracked objects should be at a time.
func (t *Tracker) Predict(at time.Time) []Track {
	var out []Track
	for _, track := range t.tracks {
		out = append(out, *track)
	}
	return out
}

func (t *Tracker) forget(now time.Time) {
	kept := t.tracks[:0]
	for _, track := range t.tracks {
		if now.Sub(track.LastSeen) <= t.cfg.MaxGap {
			kept = append(kept, track)
		}
	}
	t.tracks = kept
}

// movedIoU is how much of its resting box an object must still cover to count
// as being at rest. Detectors jitter by up to a tenth between frames.
const movedIoU = 0.7

func (t *Track) follow(at time.Time, d event.Detection) {
	t.Box, t.Score, t.LastSeen = d.Box, d.Score, at
	t.Hits++
	if t.anchor.IoU(d.Box) < movedIoU {
		t.MovedAt, t.anchor = at, d.Box
	}
}

// shift is the distance between two boxes in units of their mean size: the
// largest of the movement of the center and the change of each side.
func shift(a, b event.Box) float64 {
	w := math.Max((a.Width()+b.Width())/2, 1e-6)
	h := math.Max((a.Height()+b.Height())/2, 1e-6)
	dx := math.Abs((a.X0+a.X1)-(b.X0+b.X1)) / 2 / w
	dy := math.Abs((a.Y0+a.Y1)-(b.Y0+b.Y1)) / 2 / h
	dw := math.Abs(a.Width()-b.Width()) / w
	dh := math.Abs(a.Height()-b.Height()) / h
	return math.Max(math.Max(dx, dy), math.Max(dw, dh))
}
