package media

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// packet numbers itself by its PTS.
func packet(n int, key bool) *Packet { return &Packet{PTS: time.Duration(n), Key: key} }

// drain reads all that is queued.
func drain(t *testing.T, r *Reader) []int {
	t.Helper()
	var got []int
	for len(r.queue) > 0 {
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		got = append(got, int(p.PTS))
	}
	return got
}

func TestBusStartsAtKeyframe(t *testing.T) {
	var bus Bus
	bus.Publish(packet(0, true))
	r := bus.Subscribe(10)
	defer r.Close()
	bus.Publish(packet(1, false))
	bus.Publish(packet(2, true))
	bus.Publish(packet(3, false))
	require.Equal(t, []int{2, 3}, drain(t, r))
	require.EqualValues(t, 1, r.Skipped())
}

func TestBusSlowReaderSkipsToKeyframe(t *testing.T) {
	var bus Bus
	slow, quick := bus.Subscribe(4), bus.Subscribe(4)
	defer slow.Close()
	defer quick.Close()
	var got []int
	for n := range 12 {
		bus.Publish(packet(n, n == 0 || n == 7))
		got = append(got, drain(t, quick)...)
	}
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, got, "one slow reader is nothing to another")
	// 0-3 queued, thrown away at 4; 4-6 wait for a keyframe; 7-10 queued, thrown away at 11.
	require.Empty(t, drain(t, slow))
	bus.Publish(packet(12, true))
	bus.Publish(packet(13, false))
	require.Equal(t, []int{12, 13}, drain(t, slow))
	require.EqualValues(t, 12, slow.Skipped())
}

func TestBusSkipToKey(t *testing.T) {
	var bus Bus
	r := bus.Subscribe(10)
	defer r.Close()
	bus.Publish(packet(0, true))
	bus.Publish(packet(1, false))
	r.SkipToKey()
	bus.Publish(packet(2, false))
	bus.Publish(packet(3, true))
	require.Equal(t, []int{3}, drain(t, r))
}

func TestBusClose(t *testing.T) {
	var bus Bus
	r := bus.Subscribe(0) // at least one
	bus.Publish(packet(0, true))
	require.Equal(t, []int{0}, drain(t, r))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
	r.Close()
	r.Close()
	bus.Publish(packet(1, true))
	_, err = r.Next(t.Context())
	require.ErrorIs(t, err, ErrClosed)
}

func TestBusConcurrently(t *testing.T) {
	var bus Bus
	var wg sync.WaitGroup
	for range 4 {
		r := bus.Subscribe(3)
		wg.Go(func() {
			last := -1
			for {
				p, err := r.Next(t.Context())
				if err != nil {
					return
				}
				if int(p.PTS) <= last {
					t.Errorf("%d after %d", p.PTS, last)
				}
				last = int(p.PTS)
				if last%100 == 0 {
					r.SkipToKey()
				}
				if last >= 19990 {
					r.Close()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for n := 0; ; n++ {
		bus.Publish(packet(n, n%10 == 0))
		select {
		case <-done:
			return
		default:
		}
	}
}
