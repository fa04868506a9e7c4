package decode

import (
	"encoding/binary"
	"image"
	"math"
	"testing"

	"porchlight/internal/event"
)

// FuzzDecoders feeds arbitrary numbers in arbitrary shapes to all decoders:
// what comes out is a valid detection or an error.
func FuzzDecoders(f *testing.F) {
	row := func(values ...float32) (raw []byte) {
		for _, v := range values {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		return raw
	}
	f.Add(uint8(7), row(0, 1, 0.9, 0.1, 0.1, 0.5, 0.5))
	f.Add(uint8(8), row(0.5, 0.5, 0.5, 0.5, 0.9, 0.1, 0.8, 0.2))
	f.Add(uint8(8), make([]byte, 21*8*4))
	f.Add(uint8(7), row(0, float32(math.NaN()), 0.9, 0, 0, float32(math.Inf(1)), 1))
	f.Fuzz(func(t *testing.T, width uint8, raw []byte) {
		data := make([]float32, len(raw)/4)
		for i := range data {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[i*4:]))
		}
		tensor := Tensor{Shape: []int{1, len(data) / max(1, int(width)), int(width)}, Data: data}
		p := params()
		ssd, _ := DetectionOutput(tensor, p)
		darknet, _ := Darknet([]Tensor{tensor}, p)
		yolox, _ := YOLOX(tensor, image.Pt(64, 48), image.Pt(32, 32), p)
		for _, list := range [][]event.Detection{ssd, darknet, yolox} {
			for i, d := range list {
				if !(d.Score > p.Score && d.Score <= 1) || d.Box != d.Box.Clip() || !(d.Box.Area() > 0) || d.Label == "" {
					t.Fatalf("invalid detection %+v", d)
				}
				if i > 0 && list[i-1].Score < d.Score {
					t.Fatalf("not ordered: %+v", list)
				}
			}
		}
	})
}
