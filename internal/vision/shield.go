//go:build cgo

package vision

/*
#cgo pkg-config: opencv4
#cgo CXXFLAGS: -std=c++14
#include <stdlib.h>
#include "shield.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"gocv.io/x/gocv"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/decode"
)

// ErrOpenCV is what OpenCV threw, wrapped with its text.
var ErrOpenCV = errors.New("opencv")

// calls is held by whoever sets the number of threads, and shared by all other
// calls. OpenCV has one pool of threads for the process, and one that computes
// crashes when the pool is replaced under it.
var calls sync.RWMutex

// SetThreads sets how many threads OpenCV uses for one call, in the whole
// process. Several detectors in parallel are fastest with 1 each; 0 turns
// threading off and a negative number restores the default, one per core.
// It waits for what others are computing.
func SetThreads(n int) error {
	calls.Lock()
	defer calls.Unlock()
	return shielded(func(e C.shield_err) C.int { return C.shield_set_threads(C.int(n), e) })
}

// threads tells what SetThreads has set, at least 1.
func threads() (int, error) {
	var n C.int
	err := call(func(e C.shield_err) C.int { return C.shield_threads(&n, e) })
	return max(1, int(n)), err
}

// call runs one shielded function while the threads stay. f must not call it.
func call(f func(C.shield_err) C.int) error {
	calls.RLock()
	defer calls.RUnlock()
	return shielded(f)
}

// shielded runs a function with room for the text of its exception.
func shielded(f func(C.shield_err) C.int) error {
	const size = 1024
	text := (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(text))
	if f(C.shield_err{text: text, size: size}) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOpenCV, strings.Join(strings.Fields(C.GoString(text)), " "))
}

func bytesPtr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }

// newMat returns a Mat that one shielded function has filled. The caller closes it.
func newMat(fill func(mat unsafe.Pointer, e C.shield_err) C.int) (*gocv.Mat, error) {
	m := gocv.NewMat()
	err := call(func(e C.shield_err) C.int { return fill(unsafe.Pointer(m.Ptr()), e) })
	if err != nil {
		closeMat(&m)
		return nil, err
	}
	return &m, nil
}

// closeMat frees a Mat. GoCV's Close has an error result but never fails.
func closeMat(m *gocv.Mat) { _ = m.Close() }

// network is an OpenCV network. It is not safe for concurrent use: two
// goroutines that share one get silently wrong results.
type network struct{ p unsafe.Pointer }

// readNetwork builds a network. The files must have been verified: OpenCV does
// not notice Darknet weights that are cut short and runs on what is left.
func readNetwork(format string, weights, config []byte) (*network, error) {
	name := C.CString(format)
	defer C.free(unsafe.Pointer(name))
	var n network
	err := call(func(e C.shield_err) C.int {
		return C.shield_net_read(name, bytesPtr(weights), C.size_t(len(weights)),
			bytesPtr(config), C.size_t(len(config)), &n.p, e)
	})
	if err != nil {
		return nil, err
	}
	return &n, nil
}

func (n *network) close() {
	C.shield_net_close(n.p)
	n.p = nil
}

// forward runs the network and returns copies of all its outputs.
func (n *network) forward(blob *gocv.Mat) ([]decode.Tensor, error) {
	var count C.int
	err := call(func(e C.shield_err) C.int {
		return C.shield_net_forward(n.p, unsafe.Pointer(blob.Ptr()), &count, e)
	})
	if err != nil {
		return nil, err
	}
	var tensors []decode.Tensor
	for i := range count {
		t, err := n.output(i)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, t)
	}
	return tensors, nil
}

// outputNames names the outputs in the order of forward's.
func (n *network) outputNames() ([]string, error) {
	const size = 128
	name := (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(name))
	var names []string
	for i := range C.shield_net_outputs(n.p) {
		err := call(func(e C.shield_err) C.int { return C.shield_net_output_name(n.p, i, name, size, e) })
		if err != nil {
			return nil, err
		}
		names = append(names, C.GoString(name))
	}
	return names, nil
}

func (n *network) output(i C.int) (decode.Tensor, error) {
	m, err := newMat(func(mat unsafe.Pointer, e C.shield_err) C.int { return C.shield_net_output(n.p, i, mat, e) })
	if err != nil {
		return decode.Tensor{}, err
	}
	defer closeMat(m)
	if m.Empty() {
		return decode.Tensor{}, nil
	}
	data, err := m.DataPtrFloat32() // memory of the network, valid until the next forward
	if err != nil {
		return decode.Tensor{}, fmt.Errorf("network output: %w", err)
	}
	return decode.Tensor{Shape: m.Size(), Data: append([]float32(nil), data...)}, nil
}

// inputBlob makes a network's input from a frame; the caller closes it.
func inputBlob(f *event.Frame, spec modelstore.Input, inner point) (*gocv.Mat, error) {
	in := C.shield_input{
		inner_width: C.int(inner.X), inner_height: C.int(inner.Y),
		outer_width: C.int(spec.Width), outer_height: C.int(spec.Height),
		pad: C.double(spec.Pad), scale: C.double(spec.Scale),
	}
	for i, v := range spec.Mean {
		in.mean[i] = C.double(v)
	}
	if spec.Channels == "rgb" {
		in.swap_rb = 1
	}
	return newMat(func(mat unsafe.Pointer, e C.shield_err) C.int {
		return C.shield_blob(bytesPtr(f.Pix), C.int(f.Width), C.int(f.Height), &in, mat, e)
	})
}

// decodeBGR is cv::imdecode; the Mat is empty when data is not a picture. The
// caller closes it.
func decodeBGR(data []byte) (*gocv.Mat, error) {
	return newMat(func(mat unsafe.Pointer, e C.shield_err) C.int {
		return C.shield_decode_image(bytesPtr(data), C.size_t(len(data)), mat, e)
	})
}

// hog is OpenCV's people detector.
type hog struct{ p unsafe.Pointer }

func newHOG() (*hog, error) {
	var h hog
	if err := call(func(e C.shield_err) C.int { return C.shield_hog_new(&h.p, e) }); err != nil {
		return nil, err
	}
	return &h, nil
}

func (h *hog) close() {
	C.shield_hog_close(h.p)
	h.p = nil
}

// find returns boxes in pixels of the frame shrunk by the factor, with their
// distances from the support vector machine's boundary.
func (h *hog) find(f *event.Frame, shrink float64) ([]C.shield_box, error) {
	boxes := make([]C.shield_box, 64)
	var found C.int
	err := call(func(e C.shield_err) C.int {
		return C.shield_hog_detect(h.p, bytesPtr(f.Pix), C.int(f.Width), C.int(f.Height), C.double(shrink),
			unsafe.SliceData(boxes), C.int(len(boxes)), &found, e)
	})
	return boxes[:found], err
}
