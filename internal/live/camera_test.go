package live_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

const patience = 60 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// clip is video encoded once for all tests that want it.
func clip(t testing.TB, size, fps, seconds string, more ...string) []*media.Packet {
	t.Helper()
	args := append(mediatest.Scene(size, fps, seconds, false), "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency")
	return mediatest.Encode(t, append(args, more...)...).Packets
}

// camera plays a clip over and over into a ring, as fast as it was filmed.
type camera struct {
	ring *media.Ring

	mu   sync.Mutex
	sent []*media.Packet // the newest of them
}

// play starts a camera that ends with the test. Its clip must begin with a
// keyframe.
func play(t testing.TB, packets []*media.Packet) *camera {
	t.Helper()
	c := &camera{ring: media.NewRing(media.RingConfig{Log: quiet()})}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	t.Cleanup(func() { cancel(); done.Wait() })
	frame := packets[1].PTS - packets[0].PTS
	length := packets[len(packets)-1].PTS - packets[0].PTS + frame
	start := time.Now()
	// A GOP is there before the first viewer comes, as it would be.
	var past int
	for i, p := range packets {
		if i > 0 && p.Key {
			break
		}
		past = i + 1
	}
	start = start.Add(-packets[past-1].PTS)
	put := func(n int) time.Time {
		p := *packets[n%len(packets)]
		p.PTS = p.PTS - packets[0].PTS + time.Duration(n/len(packets))*length
		p.Time = start.Add(p.PTS)
		c.ring.Put(&p)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sent = append(c.sent, &p)
		return p.Time
	}
	for n := range past {
		put(n)
	}
	done.Go(func() {
		for n := past; ; n++ {
			due := start.Add(packets[n%len(packets)].PTS - packets[0].PTS + time.Duration(n/len(packets))*length)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(due)):
				put(n)
			}
		}
	})
	return c
}
