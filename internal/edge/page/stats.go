package page

import (
	"time"

	"porchlight/internal/annotate"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// smooth is the weight of the newest value in a running mean.
const smooth = 0.1

// stats of one camera since the component started.
type stats struct {
	frames, looked, regions, found, ignored int64
	moving                                  bool
	tracks                                  int
	open                                    string // id of the event
	last                                    time.Time
	interval                                float64            // running mean, seconds
	took                                    map[string]float64 // running mean of each stage where it ran, milliseconds
	width, height                           int
}

func (s *stats) add(v *pipeline.View, now time.Time) {
	s.frames++
	if len(v.Regions) > 0 {
		s.looked++
	}
	s.regions += int64(len(v.Regions))
	s.found += int64(len(v.Found))
	s.ignored += int64(len(v.Ignored))
	s.moving, s.tracks, s.open = len(v.Motion.Boxes) > 0, len(v.Tracks), ""
	if v.Open != nil {
		s.open = v.Open.EventID
	}
	if v.Frame != nil {
		s.width, s.height = v.Frame.Width, v.Frame.Height
	}
	if !s.last.IsZero() {
		s.interval = mean(s.interval, now.Sub(s.last).Seconds())
	}
	s.last = now
	if s.took == nil {
		s.took = map[string]float64{}
	}
	for _, stage := range annotate.Stages(v.Took) {
		if stage.Took > 0 {
			s.took[stage.Name] = mean(s.took[stage.Name], stage.Took.Seconds()*1e3)
		}
	}
}

func mean(old, value float64) float64 {
	if old == 0 {
		return value
	}
	return old + smooth*(value-old)
}

// cameraStats is one camera in the answer of /stats.
type cameraStats struct {
	Camera  string             `json:"camera"`
	Width   int                `json:"width"`
	Height  int                `json:"height"`
	FPS     float64            `json:"fps"` // running mean
	Frames  int64              `json:"frames"`
	Looked  int64              `json:"looked"`  // frames the detector looked at
	Regions int64              `json:"regions"` // parts of them
	Found   int64              `json:"found"`
	Ignored int64              `json:"ignored"`
	Tracks  int                `json:"tracks"`          // now
	Moving  bool               `json:"moving"`          // now
	Event   string             `json:"event,omitempty"` // that is open now
	Last    *event.Time        `json:"last,omitempty"`  // when the newest frame was handled
	Took    map[string]float64 `json:"took_ms"`         // running mean of each stage where it ran
}

func (c *camera) now() cameraStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.stats
	out := cameraStats{
		Camera: c.id, Width: s.width, Height: s.height, Frames: s.frames, Looked: s.looked, Regions: s.regions,
		Found: s.found, Ignored: s.ignored, Tracks: s.tracks, Moving: s.moving, Event: s.open, Took: map[string]float64{},
	}
	for stage, ms := range s.took {
		out.Took[stage] = ms
	}
	if s.interval > 0 {
		out.FPS = 1 / s.interval
	}
	if !s.last.IsZero() {
		at := event.At(s.last)
		out.Last = &at
	}
	return out
}
