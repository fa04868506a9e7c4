//go:build cgo

package vision

import (
	"context"
	"fmt"
	"image"
	"slices"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/decode/mtcnn"
)

// mtcnnEngine runs MTCNN; package decode/mtcnn says what it is.
type mtcnnEngine struct {
	nets    *mtcnnNets
	minFace int
	inputs  [][]float32 // scratch, one for each worker
}

func openMTCNN(m modelstore.Model, files *modelstore.Contents, minFace int) (faceEngine, error) {
	nets, err := readMTCNN(m, files, simdBest)
	if err != nil {
		return nil, err
	}
	return &mtcnnEngine{nets: nets, minFace: minFace}, nil
}

func readMTCNN(m modelstore.Model, files *modelstore.Contents, set simd) (*mtcnnNets, error) {
	var nets []*network
	defer func() {
		for _, n := range nets {
			n.close()
		}
	}()
	for _, part := range []string{"det1", "det2", "det3"} {
		p, ok := files.Parts[part]
		if !ok {
			return nil, fmt.Errorf("the manifest has no files of part %s", part)
		}
		n, err := readNetwork(m.Format, p.Weights, p.Config)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.WeightsPath, p.ConfigPath, err)
		}
		nets = append(nets, n)
	}
	return newMTCNNNets(nets[0], nets[1], nets[2], set)
}

func (e *mtcnnEngine) close() { e.nets.close() }

func (e *mtcnnEngine) find(ctx context.Context, f *event.Frame) ([]face.Face, error) {
	frame := image.Pt(f.Width, f.Height)
	scales := mtcnn.Scales(frame, e.minFace)
	boxes, err := e.propose(ctx, f, scales)
	if err != nil {
		return nil, err
	}
	boxes, outputs, err := e.judge(ctx, f, boxes, 24, mtcnn.CellLen, e.nets.refine)
	if err != nil {
		return nil, err
	}
	boxes = mtcnn.Refined(boxes, outputs)
	boxes, outputs, err = e.judge(ctx, f, boxes, 48, mtcnn.OutputLen, e.nets.output)
	if err != nil {
		return nil, err
	}
	return mtcnn.Finished(boxes, outputs), nil
}

// bandRows is how many rows of a map one job covers. Jobs of a scale repeat a
// few rows of each other's work; small ones spread better over workers.
const bandRows = 48

// band is a job of the proposal network.
type band struct {
	scale       int
	first, last int // rows of the map
	boxes       []mtcnn.Box
}

func (e *mtcnnEngine) propose(ctx context.Context, f *event.Frame, scales []mtcnn.Scale) ([]mtcnn.Box, error) {
	var bands []band
	for i, s := range scales {
		rows := s.Cells().Y
		for y := 0; y < rows; y += bandRows {
			bands = append(bands, band{scale: i, first: y, last: min(y+bandRows, rows)})
		}
	}
	whole := image.Rect(0, 0, f.Width, f.Height)
	err := e.parallel(ctx, len(bands), func(worker, job int) error {
		b := &bands[job]
		size := scales[b.scale].Size
		// Twelve rows of the picture for the first row of the map, two more for
		// each further one.
		top, bottom := 2*b.first, min(2*b.last+mtcnn.Side-2, size.Y)
		in := e.input(worker, (bottom-top)*size.X*3)
		if err := pool(f, whole, size, top, bottom, in); err != nil {
			return err
		}
		cells, err := e.nets.propose(in, size.X)
		if err != nil {
			return err
		}
		b.boxes = mtcnn.Propose(nil, cells, b.first, scales[b.scale])
		return nil
	})
	if err != nil {
		return nil, err
	}
	lists := make([][]mtcnn.Box, len(scales))
	for _, b := range bands {
		lists[b.scale] = append(lists[b.scale], b.boxes...)
	}
	return mtcnn.Proposed(lists), nil
}

// batch is how many crops one job takes: the networks' last layers read their
// weights once for a batch.
const batch = 12

// judge asks a network of square inputs about the boxes. It returns those that
// have any pixels, with length numbers for each.
func (e *mtcnnEngine) judge(ctx context.Context, f *event.Frame, boxes []mtcnn.Box, side, length int,
	run func(in []float32, crops int, out []float32) error,
) ([]mtcnn.Box, []float32, error) {
	frame := image.Pt(f.Width, f.Height)
	boxes = slices.DeleteFunc(boxes, func(b mtcnn.Box) bool { return b.Crop(frame).Empty() })
	outputs := make([]float32, len(boxes)*length)
	err := e.parallel(ctx, (len(boxes)+batch-1)/batch, func(worker, job int) error {
		first := job * batch
		list := boxes[first:min(first+batch, len(boxes))]
		pixels := side * side * 3
		in := e.input(worker, len(list)*pixels)
		for i, b := range list {
			if err := pool(f, b.Crop(frame), image.Pt(side, side), 0, side, in[i*pixels:(i+1)*pixels]); err != nil {
				return err
			}
		}
		return run(in, len(list), outputs[first*length:(first+len(list))*length])
	})
	return boxes, outputs, err
}

// input returns scratch memory of a worker.
func (e *mtcnnEngine) input(worker, n int) []float32 {
	if cap(e.inputs[worker]) < n {
		e.inputs[worker] = make([]float32, n)
	}
	return e.inputs[worker][:n]
}
