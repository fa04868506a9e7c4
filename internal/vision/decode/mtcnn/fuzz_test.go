package mtcnn

import (
	"encoding/binary"
	"image"
	"math"
	"testing"
)

// FuzzStages feeds arbitrary numbers as the outputs of all three networks:
// what comes out are faces of finite numbers, best first, and every crop lies
// inside the frame.
func FuzzStages(f *testing.F) {
	raw := func(values ...float32) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	f.Add(uint16(64), uint16(48), raw(0.9, 0.1, 0, 0.1, 0, 0.8, 0, 0.2, 0, -0.1))
	f.Add(uint16(20), uint16(20), raw(1, float32(math.Inf(1)), 0, 0, float32(math.NaN())))
	f.Add(uint16(300), uint16(21), raw(0.99, 3e38, -3e38, 3e38, 3e38, 0.99, 3e38, -3e38, 3e38, 3e38))
	f.Fuzz(func(t *testing.T, width, height uint16, data []byte) {
		frame := image.Pt(int(width)%400, int(height)%400)
		numbers := make([]float32, len(data)/4)
		for i := range numbers {
			numbers[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[i*4:]))
		}
		// fill repeats the numbers.
		fill := func(n int) []float32 {
			list := make([]float32, n)
			for i := range list {
				if len(numbers) > 0 {
					list[i] = numbers[i%len(numbers)]
				}
			}
			return list
		}
		crops := func(list []Box) {
			for _, b := range list {
				if c := b.Crop(frame); !c.Empty() && !c.In(image.Rectangle{Max: frame}) {
					t.Fatalf("crop %v of a frame of %v", c, frame)
				}
			}
		}
		var lists [][]Box
		for _, s := range Scales(frame, 20) {
			cells := s.Cells()
			lists = append(lists, Propose(nil, fill(min(cells.X*cells.Y, 200)*CellLen), 0, s))
		}
		boxes := Proposed(lists)
		crops(boxes)
		boxes = Refined(boxes, fill(len(boxes)*CellLen))
		crops(boxes)
		faces := Finished(boxes, fill(len(boxes)*OutputLen))
		for i, face := range faces {
			sum := face.Score
			for _, v := range face.Box {
				sum += v
			}
			for _, p := range face.Landmarks {
				sum += p.X + p.Y
			}
			if math.IsNaN(sum) || math.IsInf(sum, 0) || face.Score <= minOutput || face.Score > 1 {
				t.Fatalf("invalid face %+v", face)
			}
			if i > 0 && faces[i-1].Score < face.Score {
				t.Fatalf("not ordered: %+v", faces)
			}
		}
	})
}
