//go:build cgo

package vision

import (
	"context"
	"slices"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/decode"
)

// yunetEngine runs a YuNet; decode.YuNet says what it is.
type yunetEngine struct {
	net     *network
	names   []string // of the outputs
	model   modelstore.Model
	minFace float64
}

func openYuNet(m modelstore.Model, files *modelstore.Contents, minFace int) (faceEngine, error) {
	net, err := readNetwork(m.Format, files.Weights, files.Config)
	if err != nil {
		return nil, err
	}
	names, err := net.outputNames()
	if err != nil {
		net.close()
		return nil, err
	}
	return &yunetEngine{net: net, names: names, model: m, minFace: float64(minFace)}, nil
}

func (e *yunetEngine) close() { e.net.close() }

func (e *yunetEngine) find(_ context.Context, f *event.Frame) ([]face.Face, error) {
	if float64(min(f.Width, f.Height)) < e.minFace {
		return nil, nil
	}
	frame, input := point{X: f.Width, Y: f.Height}, point{X: e.model.Input.Width, Y: e.model.Input.Height}
	inner, _ := decode.Letterbox(frame, input)
	blob, err := inputBlob(f, e.model.Input, inner)
	if err != nil {
		return nil, err
	}
	defer closeMat(blob)
	tensors, err := e.net.forward(blob)
	if err != nil {
		return nil, err
	}
	outputs := map[string]decode.Tensor{}
	for i, t := range tensors {
		outputs[e.names[i]] = t
	}
	found, err := decode.YuNet(outputs, frame, input, decode.Params{Score: e.model.Score, NMS: e.model.NMS})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(f face.Face) bool { return max(f.Width(), f.Height()) < e.minFace }), nil
}
