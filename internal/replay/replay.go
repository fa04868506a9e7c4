// Package replay runs the pipeline of a camera over recorded video, as fast as
// it goes, and says what it would have told and what that cost.
//
// It is the component's own pipeline: what it makes of a recording is what it
// would have made of the camera.
package replay

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// Config of a replay. Files, Settings, Detector and Log are required.
type Config struct {
	Files    []string      // videos, pictures or folders of pictures
	Settings config.Camera // as the camera would have; Source is not used
	Detector pipeline.Detector
	Input    int                          // side of the detector's input in pixels; 0: 416
	Faces    func() (FaceDetector, error) // opens one for one file, which closes it; nil: no faces are looked for
	Model    string                       // named in every event
	MinScore float64                      // as in pipeline.Config
	Together bool                         // all files at the same time, not one after the other
	Length   time.Duration                // each file is repeated until this much video is shown; 0: once
	Films    []string                     // where the annotated video of each file goes; nil: none is made
	Log      *slog.Logger

	// The following are called one at a time, and may be nil.
	OnEvent    func(Event) error // each state of each event; its error ends that file
	OnFault    func(Clip)        // a file cannot be used, or not to its end
	OnProgress func(file string, shown time.Duration)
}

// FaceDetector is what a replay needs of a face detector.
type FaceDetector interface {
	pipeline.FaceDetector
	io.Closer
}

// Event is one state of an event, with its place in the video.
type Event struct {
	event.Event
	Start float64  `json:"start_s"`         // seconds from the start of the video
	End   *float64 `json:"end_s,omitempty"` // likewise; once the event has ended
	File  string   `json:"file"`
}

// Clip is what has come of one file.
type Clip struct {
	File       string  `json:"file"`
	Frames     int64   `json:"frames"`
	Looked     int64   `json:"looked"`     // frames the detector looked at
	Inferences int64   `json:"inferences"` // regions of them
	Events     int64   `json:"events"`
	Video      float64 `json:"video_seconds"` // shown
	Film       string  `json:"annotated,omitempty"`
	Error      string  `json:"error,omitempty"`
}

// Summary of a replay. CPU and memory are those of this process and its
// children, the decoders and, where there are films, the encoders; CPU and wall
// time do not include the loading of the model, memory does.
type Summary struct {
	Frames     int64   `json:"frames"`
	Looked     int64   `json:"looked"`     // frames the detector looked at
	Inferences int64   `json:"inferences"` // runs of the detector, one for each region of these
	CPU        float64 `json:"cpu_seconds"`
	Wall       float64 `json:"wall_seconds"`
	Memory     int64   `json:"max_rss_bytes"` // peak of this process plus that of its children
	Events     int64   `json:"events"`
	Video      float64 `json:"video_seconds"`
	Clips      []Clip  `json:"files"`
}

// Failed is the number of files that could not be used.
func (s Summary) Failed() (n int) {
	for _, c := range s.Clips {
		if c.Error != "" {
			n++
		}
	}
	return n
}

// Run replays all files. A file that cannot be used is told to OnFault and noted
// in the summary, and the others are still replayed. When ctx ends, open
// events are ended, films are finished, and the summary is of what there was
// until then; the error is then that of ctx.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	r := &run{cfg: cfg, settings: cfg.Settings}
	r.cfg.Detector = pipeline.Shared(cfg.Detector)
	meter := startMeter()
	clips := make([]Clip, len(cfg.Files))
	if cfg.Together {
		var all sync.WaitGroup
		for i := range cfg.Files {
			all.Go(func() { clips[i] = r.clip(ctx, i) })
		}
		all.Wait()
	} else {
		for i := range cfg.Files {
			clips[i] = r.clip(ctx, i)
		}
	}
	used := meter.stop()
	s := Summary{CPU: used.cpu.Seconds(), Wall: used.wall.Seconds(), Memory: used.memory, Clips: clips}
	for _, c := range clips {
		s.Frames, s.Looked, s.Inferences = s.Frames+c.Frames, s.Looked+c.Looked, s.Inferences+c.Inferences
		s.Events, s.Video = s.Events+c.Events, s.Video+c.Video
	}
	return s, ctx.Err()
}

// run is one replay of all files.
type run struct {
	cfg      Config
	settings config.Camera
	telling  sync.Mutex
}

func (r *run) tellEvent(e Event) error {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.cfg.OnEvent == nil {
		return nil
	}
	return r.cfg.OnEvent(e)
}

func (r *run) tellFault(c Clip) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.cfg.OnFault != nil {
		r.cfg.OnFault(c)
	}
}

func (r *run) tellProgress(file string, shown time.Duration) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.cfg.OnProgress != nil {
		r.cfg.OnProgress(file, shown)
	}
}

// errShown ends a file of which enough has been shown.
var errShown = errors.New("enough has been shown")
