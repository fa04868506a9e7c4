// Package follow holds the tracks of the pipeline against those that a person
// has drawn: it plays a clip as a camera and pairs, frame by frame, what the
// pipeline follows with what there is.
package follow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/track"
	"porchlight/internal/track/mot"
	"porchlight/test/footage/truth"
)

// MinIoU is how much two boxes must overlap to be of one object.
const MinIoU = 0.5

// Config of one clip.
type Config struct {
	File     string // the video
	Truth    *truth.Tracks
	Settings config.Camera
	Detector pipeline.Detector
	Model    string
	MinScore float64 // as in pipeline.Config
}

var errShown = errors.New("the annotated part has been shown")

// Clip plays the annotated part of a clip, from the clip's beginning and at
// the camera's own rate, and returns a frame of scores for each picture.
//
// Between looks the boxes are those the pipeline expects. A track counts when
// it has proved true and was found when it was last looked for; one of a class
// that is not annotated, or of a vehicle parked from the start, does not.
func Clip(ctx context.Context, cfg Config) ([]mot.Frame, error) {
	playing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w := watcher{truth: cfg.Truth, lost: map[int64]bool{}}
	line := pipeline.New(pipeline.Config{
		Camera: "footage.clip", Settings: cfg.Settings, Detector: cfg.Detector, Sink: nowhere{}, Model: cfg.Model,
		MinScore: cfg.MinScore, OnView: w.view, Log: slog.New(slog.DiscardHandler),
	})
	err := capture.Run(playing, capture.Config{
		Name: "footage.clip", URL: cfg.File, FPS: cfg.Settings.FPS, MaxWidth: cfg.Settings.MaxWidth,
		Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler),
	}, func(f *event.Frame) {
		if playing.Err() != nil {
			return
		}
		if f.Offset.Seconds() > cfg.Truth.To {
			stop(errShown)
		} else if err := line.Handle(playing, f); err != nil {
			stop(err)
		}
	})
	if cause := context.Cause(playing); !errors.Is(cause, errShown) {
		err = errors.Join(err, cause)
	}
	return w.frames, err
}

// Join makes one sequence of several: no two share an id.
func Join(clips ...[]mot.Frame) (all []mot.Frame) {
	const apart = 1 << 32 // more tracks than a clip can have
	for i, frames := range clips {
		move := func(objects []mot.Object) []mot.Object {
			out := slices.Clone(objects)
			for k := range out {
				out[k].ID += int64(i) * apart
			}
			return out
		}
		for _, f := range frames {
			all = append(all, mot.Frame{Truth: move(f.Truth), Found: move(f.Found)})
		}
	}
	return all
}

type watcher struct {
	truth  *truth.Tracks
	lost   map[int64]bool // looked for in vain, since it was last seen
	frames []mot.Frame
}

func (w *watcher) view(v *pipeline.View) {
	at := v.Frame.Offset
	var frame mot.Frame
	for _, o := range w.truth.At(at.Seconds()) {
		frame.Truth = append(frame.Truth, mot.Object{ID: int64(o.ID), Box: o.Box})
	}
	for _, t := range v.Tracks {
		if t.Seen {
			delete(w.lost, t.ID)
		} else if looked(v.Regions, t) {
			w.lost[t.ID] = true
		}
		if t.True && !t.Known && !w.lost[t.ID] && w.annotated(t.Label) {
			frame.Found = append(frame.Found, mot.Object{ID: t.ID, Box: t.Box})
		}
	}
	if at >= seconds(w.truth.From) {
		w.frames = append(w.frames, frame)
	}
}

func looked(regions []event.Box, t track.Track) bool {
	return slices.ContainsFunc(regions, func(r event.Box) bool { return r.Intersect(t.Box) > t.Box.Area()/2 })
}

func (w *watcher) annotated(label string) bool {
	return slices.ContainsFunc(w.truth.Labels, func(l string) bool { return truth.Class(l) == truth.Class(label) })
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

type nowhere struct{}

// Publish implements pipeline.Sink.
func (nowhere) Publish(context.Context, event.Event, []byte) error { return nil }
