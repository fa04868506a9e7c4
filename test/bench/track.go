package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"porchlight/internal/track/mot"
	"porchlight/test/footage/follow"
	"porchlight/test/footage/truth"
)

// noSwitch is the clip on which nobody's identity may change.
const noSwitch = "one-by-one-person-detection.mp4"

// trackers scores the pipeline's tracks against those drawn by a person.
func trackers(ctx context.Context, b *bench) ([]row, error) {
	f := b.footage
	if !f.real {
		return []row{{"tracks", "not measured without real footage", "", "", ""}}, nil
	}
	clips, err := truth.TrackedClips(f.annotations)
	if err != nil {
		return nil, err
	}
	var rows []row
	var all [][]mot.Frame
	for _, clip := range clips {
		frames, err := f.follow(ctx, clip)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", clip, err)
		}
		all = append(all, frames)
		r, switches, err := scored("tracks on "+clip, frames)
		if err != nil {
			return rows, err
		}
		if clip == noSwitch {
			r.budget, r.verdict = "no id switch", verdict(switches, 0)
		}
		rows = append(rows, r)
	}
	r, _, err := scored("tracks on all of them", follow.Join(all...))
	return append(rows, r), err
}

func (f *footage) follow(ctx context.Context, clip string) (_ []mot.Frame, err error) {
	tracks, err := truth.LoadTracks(f.annotations, clip)
	if err != nil {
		return nil, err
	}
	settings, err := f.settings(clip)
	if err != nil {
		return nil, err
	}
	detector, err := f.detector()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, detector.Close()) }()
	return follow.Clip(ctx, follow.Config{
		File: filepath.Join(f.folder, clip), Truth: tracks, Settings: settings, Detector: detector, Model: f.model, MinScore: minScore,
	})
}

func scored(what string, frames []mot.Frame) (row, int, error) {
	s, err := mot.Evaluate(frames, follow.MinIoU)
	return row{what: what, measured: fmt.Sprintf("HOTA %.2f, IDF1 %.2f, MOTA %.2f, %d id switches, %d of %d boxes",
		s.HOTA, s.IDF1, s.MOTA, s.Switches, s.Matches, s.Truth)}, s.Switches, err
}
