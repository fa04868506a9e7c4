package pipeline

import (
	"context"
	"fmt"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/region"
	"porchlight/internal/track"
)

// faceWatch looks for faces on persons: on the upper part of each person's
// box, a few times a second at first, less often once a face was found.
type faceWatch struct {
	detector FaceDetector
	minSize  float64 // pixels
	persons  map[int64]*watched
}

type watched struct {
	tries, found int
	triedAt      time.Time
}

const (
	faceFirst = 400 * time.Millisecond // between tries until a face was found
	faceLater = 1500 * time.Millisecond
	faceTries = 60 // on one track, so that whoever sits with their back to the camera all day costs little
)

func newFaceWatch(detector FaceDetector, cfg config.Faces) *faceWatch {
	return &faceWatch{detector: detector, minSize: float64(cfg.MinSize), persons: map[int64]*watched{}}
}

// observe returns the faces of the persons seen in this frame, in its pixels.
func (w *faceWatch) observe(ctx context.Context, f *event.Frame, tracks []track.Track) ([]TrackFace, error) {
	if w.detector == nil {
		return nil, nil
	}
	var out []TrackFace
	for _, t := range tracks {
		if t.Label != "person" || !t.Seen || !t.True || t.Stationary || !w.due(f, t) {
			continue
		}
		faces, err := w.look(ctx, f, t)
		if err != nil {
			return out, fmt.Errorf("look for faces: %w", err)
		}
		if len(faces) > 0 {
			w.persons[t.ID].found++
		}
		out = append(out, faces...)
	}
	for id, p := range w.persons {
		if f.Time.Sub(p.triedAt) > time.Minute {
			delete(w.persons, id)
		}
	}
	return out, nil
}

// due says whether this person is worth a try now, and notes it. A face is at
// most about a fifth of a standing person; nearer ones are cut by the frame.
func (w *faceWatch) due(f *event.Frame, t track.Track) bool {
	if t.Box.Width()*float64(f.Width) < w.minSize {
		return false
	}
	p := w.persons[t.ID]
	if p == nil {
		p = &watched{}
		w.persons[t.ID] = p
	}
	wait := faceFirst
	if p.found > 0 {
		wait = faceLater
	}
	if p.tries >= faceTries || f.Time.Sub(p.triedAt) < wait {
		return false
	}
	p.tries, p.triedAt = p.tries+1, f.Time
	return true
}

// look returns the one face in the upper part of a person's box that is most
// likely the person's own.
func (w *faceWatch) look(ctx context.Context, f *event.Frame, t track.Track) ([]TrackFace, error) {
	r := headRegion(f, t.Box)
	found, err := w.detector.Faces(ctx, region.Crop(f, r))
	if err != nil {
		return nil, err
	}
	var best *face.Face
	for i := range found {
		c := &found[i]
		if c.Box[2]-c.Box[0] >= w.minSize && (best == nil || c.Score > best.Score) {
			best = c
		}
	}
	if best == nil {
		return nil, nil
	}
	return []TrackFace{{Track: t.ID, Face: *best}}, nil
}

// headRegion is a square around the upper part of a person.
func headRegion(f *event.Frame, person event.Box) region.Region {
	w, h := person.Width()*float64(f.Width), person.Height()*float64(f.Height)
	side := int(min(max(w*1.3, min(h*0.6, w*2)), float64(max(f.Width, f.Height))))
	x := int((person.X0+person.X1)/2*float64(f.Width)) - side/2
	y := int(person.Y0*float64(f.Height)) - side/10
	return region.Region{X: x, Y: y, Width: max(side, 1), Height: max(side, 1)}
}

func (w *faceWatch) names(int64) (event.Face, bool) { return event.Face{}, false }
