package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/models"
)

// reference is how long the reference implementation of MTCNN took.
type reference struct {
	MinFace int `json:"min_face_size"`
	Images  []struct {
		Image         string  `json:"image"`
		Width, Height int     // pixels
		Torch         float64 `json:"torch_ms"`
	} `json:"images"`
}

// sizes are the classes of pictures, by their pixels.
var sizes = [...]struct {
	name   string
	pixels int // fewer
}{{"under 0.25 megapixels", 250_000}, {"under 1 megapixel", 1_000_000}, {"of 1 megapixel and more", 1 << 40}}

// allThreads gives vision back as many threads as there are cores.
const allThreads = -1

// repeats of a picture, of which the fastest counts: others use the machine too.
const repeats = 3

// faces holds the processor time of MTCNN against the time of the reference implementation,
// as recorded with the test data, on one thread.
func faces(ctx context.Context, b *bench) (_ []row, err error) {
	if !b.footage.real {
		return []row{{"MTCNN", "not measured without the reference's times", "", "", ""}}, nil
	}
	data := filepath.Dir(b.footage.folder)
	store, err := modelstore.New(modelstore.Config{Dir: b.footage.models, Manifest: models.Manifest()})
	if err != nil {
		return nil, err
	}
	if err := vision.SetThreads(1); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, vision.SetThreads(allThreads)) }()
	var rows []row
	for _, file := range []string{"mtcnn_min20.json", "mtcnn_min40.json"} {
		raw, err := os.ReadFile(filepath.Join(data, "oracle", file))
		if err != nil {
			return rows, err
		}
		var r reference
		if err := json.Unmarshal(raw, &r); err != nil {
			return rows, fmt.Errorf("%s: %w", file, err)
		}
		more, err := r.measure(ctx, store, data)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", file, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// faceTime adds up what some pictures took.
type faceTime struct {
	pictures     int
	ours, theirs time.Duration
}

func (f *faceTime) add(ours, theirs time.Duration) {
	f.pictures, f.ours, f.theirs = f.pictures+1, f.ours+ours, f.theirs+theirs
}

func (f *faceTime) row(what, budget string) row {
	ratio := f.theirs.Seconds() / f.ours.Seconds()
	r := row{
		what: what, budget: budget, ratio: fmt.Sprintf("%.1f× as fast as recorded", ratio),
		measured: fmt.Sprintf("%d pictures in %s, reference %s", f.pictures, ms(f.ours), ms(f.theirs)),
	}
	if budget != "" {
		r.verdict = atLeast(ratio, 1)
	}
	return r
}

func (r *reference) measure(ctx context.Context, store *modelstore.Store, data string) (_ []row, err error) {
	d, err := vision.OpenFaces(store, "mtcnn", r.MinFace)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var all faceTime
	var bySize [len(sizes)]faceTime
	for _, img := range r.Images {
		raw, err := os.ReadFile(filepath.Join(data, img.Image))
		if err != nil {
			return nil, err
		}
		f, err := vision.DecodeImage(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", img.Image, err)
		}
		took, err := fastest(ctx, d, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", img.Image, err)
		}
		theirs := time.Duration(img.Torch * float64(time.Millisecond))
		all.add(took, theirs)
		class := 0
		for f.Width*f.Height >= sizes[class].pixels {
			class++
		}
		bySize[class].add(took, theirs)
	}
	rows := []row{all.row(fmt.Sprintf("MTCNN on one thread, faces from %d pixels", r.MinFace), "faster than the reference")}
	for i, s := range bySize {
		if s.pictures > 0 {
			rows = append(rows, s.row("  pictures "+sizes[i].name, ""))
		}
	}
	return rows, nil
}

// fastest is processor time, for the same reason.
func fastest(ctx context.Context, d *vision.FaceDetector, f *event.Frame) (best time.Duration, err error) {
	for i := range repeats {
		before := cpuTime()
		if _, err := d.Faces(ctx, f); err != nil {
			return 0, err
		}
		if took := cpuTime() - before; i == 0 || took < best {
			best = took
		}
	}
	return best, nil
}
