package pipeline

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/motion"
	"porchlight/internal/track"
)

// View is all that the pipeline saw and did in one frame, for those who watch
// it at work. It and what it points to must not be changed.
type View struct {
	Frame   *event.Frame // with the privacy masks burned in
	Motion  motion.Result
	Regions []event.Box // where the detector looked
	Found   []event.Detection
	Ignored []Ignored // what was found and does not count
	Tracks  []track.Track
	Faces   []TrackFace
	Open    *event.Event // the event that is open, or nil
	Took    Timings
}

// Ignored is a detection that does not count, and why.
type Ignored struct {
	event.Detection
	Reason string // for people: "in object mask 2", "score 0.42 is under 0.5"
}

// TrackFace is a face seen on a tracked person in this frame, in pixels of it.
type TrackFace struct {
	Track int64
	face.Face
	Quality float64 // 0..1, see face.Assess
}

// Timings of the stages of one frame; 0 for a stage that was skipped.
type Timings struct {
	Privacy, Motion, Regions, Detect, Track, Faces, Events time.Duration
}
