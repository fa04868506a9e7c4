package decode

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// yunetOutputs are the outputs for an input, all 0.
func yunetOutputs(input image.Point) map[string]Tensor {
	out := map[string]Tensor{}
	for _, stride := range []int{8, 16, 32} {
		n := (input.X / stride) * (input.Y / stride)
		for name, width := range map[string]int{"cls": 1, "obj": 1, "bbox": 4, "kps": 10} {
			out[fmt.Sprintf("%s_%d", name, stride)] = Tensor{Shape: []int{1, n, width}, Data: make([]float32, n*width)}
		}
	}
	return out
}

func faceParams() Params { return Params{Score: 0.6, NMS: 0.3} }

func TestYuNetDecodesCells(t *testing.T) {
	input := image.Pt(64, 64)
	out := yunetOutputs(input)
	set := func(stride, cell int, cls, obj float32, box [4]float32) {
		out[fmt.Sprintf("cls_%d", stride)].Data[cell] = cls
		out[fmt.Sprintf("obj_%d", stride)].Data[cell] = obj
		copy(out[fmt.Sprintf("bbox_%d", stride)].Data[cell*4:], box[:])
		for i := range 10 {
			out[fmt.Sprintf("kps_%d", stride)].Data[cell*10+i] = float32(i)
		}
	}
	set(16, 6, 0.81, 1.5, [4]float32{0.5, 0.25, float32(math.Log(2)), 0}) // column 2, row 1
	set(8, 3*8+4, 0.64, 1, [4]float32{1, 0, float32(math.Log(4)), float32(math.Log(2))})
	set(8, 0, 1, 0.35, [4]float32{}) // scores less than 0.6
	set(32, 3, 0.9, 0.9, [4]float32{0, 0, float32(math.Inf(1)), 0})
	// The frame is twice as large as its picture in the input.
	got, err := YuNet(out, image.Pt(128, 96), input, faceParams())
	require.NoError(t, err)
	require.Len(t, got, 1, "the second lies over the first")
	require.InDelta(t, 0.9, got[0].Score, 1e-6, "the objectness counts as 1")
	require.InDeltaSlice(t, []float64{48, 24, 112, 56}, got[0].Box[:], 1e-4)
	for i, p := range got[0].Landmarks {
		require.InDelta(t, (2+float64(2*i))*32, p.X, 1e-4)
		require.InDelta(t, (1+float64(2*i+1))*32, p.Y, 1e-4)
	}
}

func TestYuNetRefusesOtherOutputs(t *testing.T) {
	input := image.Pt(64, 64)
	for name, spoil := range map[string]func(map[string]Tensor){
		"kps_16": func(o map[string]Tensor) { delete(o, "kps_16") },
		"bbox_8": func(o map[string]Tensor) { o["bbox_8"] = o["kps_8"] },
		"obj_32": func(o map[string]Tensor) { o["obj_32"] = o["obj_16"] },
		"cls_8":  func(o map[string]Tensor) { o["cls_8"] = Tensor{Shape: []int{1, 64, 1}} },
		"kps_8": func(o map[string]Tensor) {
			clear(o)
			o["output"] = Tensor{Shape: []int{1, 2, 5}, Data: make([]float32, 10)}
		},
		"bbox_32": func(o map[string]Tensor) { o["bbox_32"] = Tensor{Shape: []int{4}, Data: make([]float32, 4)} },
	} {
		out := yunetOutputs(input)
		spoil(out)
		_, err := YuNet(out, input, input, faceParams())
		require.ErrorIs(t, err, ErrShape, name)
		if len(out) > 1 {
			require.ErrorContains(t, err, name)
		}
	}
}

// FuzzYuNet feeds arbitrary numbers to the decoder: what comes out are faces of
// finite numbers, best first, that do not lie over one another.
func FuzzYuNet(f *testing.F) {
	raw := func(values ...float32) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	f.Add(raw(0.9, 0.8, 0.7))
	f.Add(raw(1, 100, -100))
	f.Add(raw(float32(math.NaN()), 1, float32(math.Inf(1))))
	f.Fuzz(func(t *testing.T, data []byte) {
		input := image.Pt(64, 64)
		out := yunetOutputs(input)
		for i := range len(data) / 4 {
			v := math.Float32frombits(binary.LittleEndian.Uint32(data[i*4:]))
			for _, tensor := range out {
				if len(tensor.Data) > i {
					tensor.Data[i] = v
				}
			}
		}
		p := faceParams()
		list, err := YuNet(out, image.Pt(30, 50), input, p)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range list {
			if !finite(f) || !(f.Score > p.Score && f.Score <= 1) || i > 0 && list[i-1].Score < f.Score {
				t.Fatalf("invalid face %d of %+v", i, list)
			}
			for _, o := range list[:i] {
				if o.IoU(f) > p.NMS {
					t.Fatalf("%+v lies over %+v", f, o)
				}
			}
		}
	})
}
