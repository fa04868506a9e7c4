package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	detector   FaceDetector
	identifier Identifier
	minSize    float64 // pixels
	persons    map[int64]*watched
}

// watched is one person, and what is known of the face so far.
type watched struct {
	tries, found int
	triedAt      time.Time
	picker       *face.Picker
	consensus    *face.Consensus
	distance     map[string]float64 // the smallest to each name that was said
}

const (
	faceFirst = 400 * time.Millisecond // between tries until a face was found
	faceLater = 1500 * time.Millisecond
	faceTries = 60 // on one track, so that whoever sits with their back to the camera all day costs little
)

func newFaceWatch(detector FaceDetector, identifier Identifier, cfg config.Faces) *faceWatch {
	return &faceWatch{detector: detector, identifier: identifier, minSize: float64(cfg.MinSize), persons: map[int64]*watched{}}
}

// observe returns the faces of the persons seen in this frame, in its pixels.
func (w *faceWatch) observe(ctx context.Context, f *event.Frame, tracks []track.Track) ([]TrackFace, error) {
	if w.detector == nil {
		return nil, nil
	}
	defer w.forget(tracks)
	var out []TrackFace
	for _, t := range tracks {
		if t.Label != "person" || !t.Seen || !t.True || t.Stationary || !w.due(f, t) {
			continue
		}
		faces, err := w.look(ctx, f, t)
		if err != nil {
			return out, fmt.Errorf("look for faces: %w", err)
		}
		if faces == nil {
			continue
		}
		out = append(out, *faces)
		if err := w.identify(ctx, f.Time, w.persons[t.ID]); err != nil {
			return out, err
		}
	}
	return out, nil
}

// forget drops the persons whose track is lost, and no one sooner: or the tries
// would begin anew.
func (w *faceWatch) forget(tracks []track.Track) {
	for id := range w.persons {
		if !slices.ContainsFunc(tracks, func(t track.Track) bool { return t.ID == id }) {
			delete(w.persons, id)
		}
	}
}

// due says whether this person is worth a try now, and notes it. A face is at
// most about a fifth of a standing person; nearer ones are cut by the frame.
func (w *faceWatch) due(f *event.Frame, t track.Track) bool {
	if t.Box.Width()*float64(f.Width) < w.minSize {
		return false
	}
	p := w.persons[t.ID]
	if p == nil {
		p = &watched{
			picker: face.NewPicker(face.PickerConfig{}), consensus: face.NewConsensus(face.ConsensusConfig{}), distance: map[string]float64{},
		}
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
// likely the person's own, or nil.
func (w *faceWatch) look(ctx context.Context, f *event.Frame, t track.Track) (*TrackFace, error) {
	r := headRegion(f, t.Box)
	found, err := w.detector.Faces(ctx, region.Crop(f, r))
	if err != nil {
		return nil, err
	}
	var best *face.Face
	for _, c := range found {
		c = c.Moved(float64(r.X), float64(r.Y))
		if c.Width() >= w.minSize && c.BelongsTo(t.Box, f.Width, f.Height) && (best == nil || c.Score > best.Score) {
			best = &c
		}
	}
	if best == nil {
		return nil, nil
	}
	crop, err := face.Align(f, best.Landmarks, face.CropSide)
	if errors.Is(err, face.ErrLandmarks) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	quality := face.Assess(*best, crop)
	p := w.persons[t.ID]
	p.found++
	p.picker.Offer(face.Crop{Frame: crop, Face: *best, Quality: quality, Time: f.Time})
	return &TrackFace{Track: t.ID, Face: *best, Quality: quality.Overall}, nil
}

// identify asks whose face the best new crop shows, if there is one.
func (w *faceWatch) identify(ctx context.Context, now time.Time, p *watched) error {
	if w.identifier == nil {
		return nil
	}
	crop, ok := p.picker.Next(now)
	if !ok || !p.consensus.Try() {
		return nil
	}
	name, distance, err := w.identifier.Identify(ctx, crop)
	if err != nil {
		return fmt.Errorf("identify a face: %w", err)
	}
	p.consensus.Add(face.Vote{Name: name, Distance: distance, Quality: crop.Quality.Overall})
	if least, known := p.distance[name]; !known || distance < least {
		p.distance[name] = distance
	}
	return nil
}

// name returns whose face a track's is, once enough crops agree.
func (w *faceWatch) name(track int64) (event.Face, bool) {
	p := w.persons[track]
	if p == nil {
		return event.Face{}, false
	}
	name, _, ok := p.consensus.Name()
	return event.Face{Name: name, Distance: p.distance[name]}, ok
}

// headRegion is a square around the upper part of a person.
func headRegion(f *event.Frame, person event.Box) region.Region {
	w, h := person.Width()*float64(f.Width), person.Height()*float64(f.Height)
	side := int(min(max(w*1.3, min(h*0.6, w*2)), float64(max(f.Width, f.Height))))
	x := int((person.X0+person.X1)/2*float64(f.Width)) - side/2
	y := int(person.Y0*float64(f.Height)) - side/10
	return region.Region{X: x, Y: y, Width: max(side, 1), Height: max(side, 1)}
}
