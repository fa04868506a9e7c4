package track_test

import (
	"testing"

	"porchlight/internal/track"
)

func benchmarkUpdate(b *testing.B, count int) {
	var things []*thing
	for i := range count {
		things = append(things, person(int64(i), float64(i%10)/10, float64(i/10)/6))
	}
	w, tracker := newWorld(things...), track.New(track.Config{})
	w.width, w.height = 1280, 720
	frame, found := w.frame(), w.found()
	for b.Loop() {
		frame.Time = frame.Time.Add(fiveASecond())
		tracker.Update(track.Sight{Frame: frame, Looked: everywhere(), Found: found})
	}
}

// All are at rest, which costs most: each place is looked at.
func BenchmarkUpdate5(b *testing.B)  { benchmarkUpdate(b, 5) }
func BenchmarkUpdate50(b *testing.B) { benchmarkUpdate(b, 50) }
