//go:build cgo

package vision

/*
#cgo CXXFLAGS: -O3 -Wno-psabi
#include "mtcnn.h"
*/
import "C"

import (
	"image"
	"unsafe"

	"porchlight/internal/event"
	"porchlight/internal/vision/decode/mtcnn"
)

// mtcnnNets are the three networks of MTCNN, safe for concurrent use. They do
// not run in OpenCV, which takes twice as long for networks of so few
// channels, but take their weights from it.
type mtcnnNets struct{ p unsafe.Pointer }

// simd is the instruction set to compute with; Simd of conv.h.
type simd C.int

const (
	simdBest simd = iota
	simdPortable
	simdAVX2 // the best below it where the processor lacks it
)

// newMTCNNNets copies the weights of OpenCV networks.
func newMTCNNNets(proposal, refining, output *network, set simd) (*mtcnnNets, error) {
	var n mtcnnNets
	err := call(func(e C.shield_err) C.int {
		return C.shield_mtcnn_new(proposal.p, refining.p, output.p, C.int(set), &n.p, e)
	})
	if err != nil {
		return nil, err
	}
	return &n, nil
}

func (n *mtcnnNets) close() {
	C.shield_mtcnn_close(n.p)
	n.p = nil
}

// propose runs the proposal network on rows of a pooled picture of the given
// width and returns whole rows of its map.
func (n *mtcnnNets) propose(in []float32, width int) ([]float32, error) {
	size := image.Pt(width, len(in)/3/width)
	cells := mtcnn.Scale{Size: size}.Cells()
	out := make([]float32, cells.X*cells.Y*mtcnn.CellLen)
	return out, call(func(e C.shield_err) C.int {
		return C.shield_pnet(n.p, floats(in), C.int(size.X), C.int(size.Y), floats(out), e)
	})
}

// refine runs the refining network on n crops.
func (n *mtcnnNets) refine(in []float32, crops int, out []float32) error {
	return call(func(e C.shield_err) C.int { return C.shield_rnet(n.p, floats(in), C.int(crops), floats(out), e) })
}

// output runs the output network on n crops.
func (n *mtcnnNets) output(in []float32, crops int, out []float32) error {
	return call(func(e C.shield_err) C.int { return C.shield_onet(n.p, floats(in), C.int(crops), floats(out), e) })
}

func floats(s []float32) *C.float { return (*C.float)(unsafe.SliceData(s)) }

// pool averages a part of a frame, which must lie inside it, to a picture of
// another size and writes rows first..last-1 of that to out, as the networks
// want them.
func pool(f *event.Frame, part image.Rectangle, size image.Point, first, last int, out []float32) error {
	shape := C.area_shape{
		stride: C.int(f.Width * 3), x0: C.int(part.Min.X), y0: C.int(part.Min.Y),
		width: C.int(part.Dx()), height: C.int(part.Dy()),
		out_width: C.int(size.X), out_height: C.int(size.Y),
	}
	return call(func(e C.shield_err) C.int {
		return C.shield_area(bytesPtr(f.Pix), &shape, C.int(first), C.int(last), floats(out), e)
	})
}
