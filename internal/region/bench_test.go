package region

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"porchlight/internal/event"
)

// scattered are boxes of 30 by 80 pixels all over a frame of 1280 by 720.
func scattered(n int) []event.Box {
	random := rand.New(rand.NewPCG(1, 2))
	var list []event.Box
	for range n {
		list = append(list, person(random.Float64()*1250, random.Float64()*640))
	}
	return list
}

func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, objects := New(Config{}, &Grid{}), scattered(n)
			b.ReportAllocs()
			for b.Loop() {
				c.Choose(1280, 720, objects[:n/3], objects[n/3:])
			}
		})
	}
}

func BenchmarkCrop(b *testing.B) {
	f := numbered(1280, 720)
	b.ReportAllocs()
	for b.Loop() {
		Crop(f, Region{X: 400, Y: 200, Width: 416, Height: 416})
	}
}

func BenchmarkMerge(b *testing.B) {
	regions := []Region{Whole(1280, 720), {X: 200, Y: 100, Width: 416, Height: 416}, {X: 500, Y: 200, Width: 416, Height: 416}}
	looks := make([]Look, len(regions))
	for i, r := range regions {
		looks[i].Region = r
		for _, box := range scattered(10) {
			looks[i].Found = append(looks[i].Found, event.Detection{Label: "person", Score: 0.5, Box: box})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		Merge(1280, 720, looks)
	}
}
