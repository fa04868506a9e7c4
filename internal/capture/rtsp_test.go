package capture

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
)

func TestRTSPDelivery(t *testing.T) {
	var mu sync.Mutex
	sent := map[int64]int{}
	clip := makeClip(t, "clip.mp4", scene("10", "3")...)
	cam := simulate(t, simulator.Config{File: clip, FrameSent: func(i, loop int, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		sent[at.UnixMilli()] = i
	}})
	require.Equal(t, 30, cam.Frames())
	r := start(t, Config{Name: "door", URL: cam.URL()})
	for range 60 {
		f := r.frame()
		lat := time.Since(f.Time)
		mu.Lock()
		idx, ok := sent[f.Time.UnixMilli()]
		mu.Unlock()
		t.Log(f.Sequence, f.Offset, f.Width, f.Height, squareX(f), idx, ok, lat)
	}
}
