// Package track follows the objects of one camera from look to look: which
// detection is which object, whether an object is no mistake, whether it has
// moved, and when it has become part of the scene. It is pure Go and keeps no
// frames, only small gray pictures: of what is at rest, and of the scene.
//
// Tracks are joined with detections as in ByteTrack (Y. Zhang et al., ECCV
// 2022) and OC-SORT (J. Cao et al., CVPR 2023).
package track

import (
	"time"

	"porchlight/internal/event"
)

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
	Known      bool      // was part of the scene already when first seen: parked, a statue, restored; and has not moved since
}

// Sight is what was found in one frame, and where it was looked for: a track
// outside Looked is not missing. Found should hold all that scores at least
// Config.Low, for what is known is followed through low scores.
type Sight struct {
	Frame  *event.Frame // its time and, to judge what is at rest, its pixels
	Looked []event.Box  // parts of the frame, in fractions of it
	Found  []event.Detection
}

// Tracker follows the objects of one camera. It is not safe for concurrent use.
type Tracker struct {
	cfg     Config
	objects []*object // in the order of their ids
	nextID  int64
	first   time.Time // of the first look; zero: none yet
	now     time.Time // of the latest
	looks   int       // so far
	aspect  float64   // width of the frame by its height
	shake   shift     // of the camera, now, from where it stood
	scene   scene
	changes []Change
}

// New returns a tracker with no tracks.
func New(cfg Config) *Tracker {
	return &Tracker{cfg: cfg.withDefaults(), aspect: 16.0 / 9}
}

// Update takes what was seen in one frame and returns all tracks, also those
// not seen in it, in the order of their ids. A frame older than the last is
// taken for one of the same time, or, if older by seconds, the clock for set back; detections that are not boxes in the frame
// are passed over.
func (t *Tracker) Update(s Sight) []Track {
	t.start(s.Frame)
	t.looks++
	found := t.clean(s)
	t.steady(found)
	t.view(s.Frame)
	pairs := t.associate(found)
	for _, o := range t.objects {
		if d, ok := pairs[o]; ok {
			t.follow(o, found[d])
		}
	}
	for _, o := range t.objects { // now that it is known what stands where
		if _, ok := pairs[o]; !ok {
			t.miss(o, s)
		}
	}
	t.begin(found, pairs)
	for _, o := range t.objects {
		if o.Seen {
			t.judge(o, s.Frame)
		}
	}
	t.dropDoubles()
	t.forget()
	t.scene.observe(s.Frame, t.now)
	return t.list(func(o *object) event.Box { return o.Box })
}

// Predict returns all tracks with the boxes where they should be at a time.
// It changes nothing.
func (t *Tracker) Predict(at time.Time) []Track {
	return t.list(func(o *object) event.Box { return o.expected(at) })
}

func (t *Tracker) list(where func(*object) event.Box) []Track {
	out := make([]Track, 0, len(t.objects))
	for _, o := range t.objects {
		told := o.Track
		told.Box = moved(where(o), t.shake.x, t.shake.y).Clip()
		if told.Box.Area() == 0 {
			told.Box = o.Box // predicted to have left the frame
		}
		out = append(out, told)
	}
	return out
}
