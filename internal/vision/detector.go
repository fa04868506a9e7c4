//go:build cgo

package vision

import (
	"context"
	"errors"
	"fmt"
	"image"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/decode"
)

type point = image.Point

// MaxPixels is the largest picture, width times height, that this package
// takes: 64 megapixels, 192 MiB decoded.
const MaxPixels = 64 << 20

// Errors of this package.
var (
	ErrFrame  = errors.New("not a frame")
	ErrModel  = errors.New("model cannot be used")
	ErrClosed = errors.New("detector is closed")
)

// Detector finds objects in frames. It is not safe for concurrent use: give
// each worker its own.
type Detector struct {
	model  string
	weak   bool
	engine engine
}

// engine is what a Detector runs.
type engine interface {
	detect(f *event.Frame) ([]event.Detection, error)
	input() int
	close()
}

// Open returns the detector to use: the wanted model, which must be installed,
// or, when wanted is empty, the best one installed, or the built-in people
// detector when there is none. The caller tells the user which it got and
// whether it is Weak. minScore 0 means the model's own threshold. Errors wrap
// those of modelstore.Choose, or ErrModel.
func Open(store *modelstore.Store, wanted string, minScore float64) (*Detector, error) {
	m, found, err := modelstore.Choose(store, wanted)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return NewPeopleDetector(minScore)
	}
	return New(store, m, minScore)
}

// New returns a detector that runs a model of a store.
func New(store *modelstore.Store, m modelstore.Model, minScore float64) (*Detector, error) {
	files, err := store.Load(m.Name)
	if err != nil {
		return nil, err
	}
	net, err := openNetwork(m.Format, files.Network)
	if err != nil {
		return nil, err
	}
	if minScore == 0 {
		minScore = m.Score
	}
	return &Detector{model: m.Name, engine: &netEngine{
		net: net, model: m,
		params: decode.Params{Labels: m.Labels, Score: minScore, NMS: m.NMS},
	}}, nil
}

// openNetwork builds the network of files that have been verified.
func openNetwork(format string, files modelstore.Network) (*network, error) {
	net, err := readNetwork(format, files.Weights, files.Config)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w: its files are as the manifest says, so the manifest or the model is at fault: choose another model",
			ErrModel, files.WeightsPath, files.ConfigPath, err)
	}
	return net, nil
}

// Model names the model in use.
func (d *Detector) Model() string { return d.model }

// Weak tells that this is the built-in people detector, which misses most of
// what a network finds.
func (d *Detector) Weak() bool { return d.weak }

// Input is the longer side of what the network is given, in pixels: a larger
// picture is scaled down to it.
func (d *Detector) Input() int { return d.engine.input() }

// Close frees the network. Detect then fails with ErrClosed.
func (d *Detector) Close() error {
	if d.engine != nil {
		d.engine.close()
		d.engine = nil
	}
	return nil
}

// Detect finds the objects in a frame, best score first, with boxes clipped to
// the frame. It takes tens of milliseconds and cannot be interrupted inside;
// the context is asked before. Errors wrap the context's, ErrFrame, ErrModel
// or ErrClosed, and the detector can be used again after any but the last.
func (d *Detector) Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if d.engine == nil {
		return nil, ErrClosed
	}
	if err := checkFrame(f); err != nil {
		return nil, err
	}
	found, err := d.engine.detect(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w: choose another model", ErrModel, d.model, err)
	}
	return found, nil
}

func checkFrame(f *event.Frame) error {
	switch {
	case f.Width < 1 || f.Height < 1 || f.Width > MaxPixels/f.Height:
		return fmt.Errorf("%w: %d x %d pixels", ErrFrame, f.Width, f.Height)
	case len(f.Pix) != f.Width*f.Height*3:
		return fmt.Errorf("%w: %d bytes for %d x %d BGR pixels", ErrFrame, len(f.Pix), f.Width, f.Height)
	}
	return nil
}

// netEngine runs a network.
type netEngine struct {
	net    *network
	model  modelstore.Model
	params decode.Params
}

func (e *netEngine) close() { e.net.close() }

func (e *netEngine) input() int { return max(e.model.Input.Width, e.model.Input.Height) }

func (e *netEngine) detect(f *event.Frame) ([]event.Detection, error) {
	in := e.model.Input
	frame, input := point{X: f.Width, Y: f.Height}, point{X: in.Width, Y: in.Height}
	inner := input
	if in.Fit == "letterbox" {
		inner, _ = decode.Letterbox(frame, input)
	}
	blob, err := inputBlob(f, in, inner)
	if err != nil {
		return nil, err
	}
	defer closeMat(blob)
	out, err := e.net.forward(blob)
	if err != nil {
		return nil, err
	}
	if e.model.Decoder == "darknet" {
		return decode.Darknet(out, e.params)
	}
	if len(out) != 1 {
		return nil, fmt.Errorf("%w: %d outputs, want 1", decode.ErrShape, len(out))
	}
	if e.model.Decoder == "yolox" {
		return decode.YOLOX(out[0], frame, input, e.params)
	}
	return decode.DetectionOutput(out[0], e.params)
}
