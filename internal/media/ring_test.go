package media_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/media"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

var (
	video = &media.Stream{Codec: media.H264, SPS: []byte{0x67, 1}, PPS: []byte{0x68, 1}}
	sound = &media.Stream{Codec: media.AAC, Config: []byte{0x14, 0x08}}
	epoch = time.UnixMilli(1_790_000_000_000)
)

// feeder puts pictures into a ring.
type feeder struct {
	ring *media.Ring
	pts  time.Duration
	skew time.Duration // of the wall clock
	size int
}

func (f *feeder) put(key bool, step time.Duration) {
	nal := make([]byte, max(f.size, 10))
	nal[0] = 0x41
	if key {
		nal[0] = 0x65
	}
	f.ring.Put(&media.Packet{Stream: video, PTS: f.pts, Time: epoch.Add(f.pts + f.skew), Key: key, AU: [][]byte{nal}})
	f.pts += step
}

// gop puts a GOP of n pictures, 100 ms apart.
func (f *feeder) gop(n int) {
	for i := range n {
		f.put(i == 0, 100*time.Millisecond)
	}
}

func all(ring *media.Ring) (gops []*media.GOP) {
	for g, ok := ring.After(0); ok; g, ok = ring.After(g.Number) {
		gops = append(gops, g)
	}
	return gops
}

func newFeeder(cfg media.RingConfig) *feeder {
	if cfg.Log == nil {
		cfg.Log = discard()
	}
	return &feeder{ring: media.NewRing(cfg)}
}

func TestRingKeepsWholeGOPs(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: 3 * time.Second})
	f.put(false, 100*time.Millisecond) // before any keyframe
	f.pts = 0
	for range 10 {
		f.gop(10)
	}
	gops := all(f.ring)
	require.Len(t, gops, 4)
	require.EqualValues(t, 7, gops[0].Number)
	require.Equal(t, epoch.Add(6*time.Second).UnixMilli(), gops[0].Start)
	for _, g := range gops {
		samples, complete := g.Samples(0)
		require.Len(t, samples, 10)
		require.Equal(t, g.Number < 10, complete)
		require.True(t, samples[0].Key)
	}
	stats := f.ring.Stats()
	require.Equal(t, media.RingStats{GOPs: 4, Bytes: 400, Held: 3900 * time.Millisecond, LeftOut: 1}, stats)

	g, ok := f.ring.Find(epoch.Add(7500 * time.Millisecond))
	require.True(t, ok)
	require.EqualValues(t, 8, g.Number)
	g, _ = f.ring.Find(epoch)
	require.EqualValues(t, 7, g.Number, "the oldest there is")
	_, ok = f.ring.After(10)
	require.False(t, ok)
	_, ok = media.NewRing(media.RingConfig{Log: discard()}).Find(epoch)
	require.False(t, ok)
}

func TestRingIsBoundedInBytes(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: time.Hour, MaxBytes: 100 << 10})
	f.size = 1 << 10
	for range 50 {
		f.gop(10)
		require.LessOrEqual(t, f.ring.Stats().Bytes, 100<<10)
	}
	require.Greater(t, f.ring.Stats().Bytes, 80<<10)

	// A GOP larger than all is cut, and the next one is taken.
	f.gop(300)
	require.LessOrEqual(t, f.ring.Stats().Bytes, 100<<10)
	require.Len(t, all(f.ring), 1)
	left := f.ring.Stats().LeftOut
	require.Positive(t, left)
	f.gop(10)
	f.gop(10)
	require.Equal(t, left, f.ring.Stats().LeftOut)
}

// TestRingWithoutKeyframes: what cannot be a fragment is left out.
func TestRingWithoutKeyframes(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: time.Minute})
	f.gop(300) // 30 s
	f.gop(10)
	gops := all(f.ring)
	require.Len(t, gops, 2)
	samples, _ := gops[0].Samples(0)
	require.Len(t, samples, 191, "19 s and the picture then")
	require.EqualValues(t, 109, f.ring.Stats().LeftOut)
}

// TestRingRuns: a new run begins where a player has to start over.
func TestRingRuns(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: time.Hour})
	f.gop(10)
	again := *video
	changed := media.Stream{Codec: media.H264, SPS: []byte{0x67, 2}, PPS: []byte{0x68, 1}}
	streams := []*media.Stream{&again, &changed, &changed}
	for _, s := range streams { // a reconnect starts its PTS over
		for i := range 10 {
			f.ring.Put(&media.Packet{Stream: s, PTS: time.Duration(i) * 100 * time.Millisecond, Time: epoch.Add(f.pts), Key: i == 0, AU: [][]byte{{0x65}}})
			f.pts += 100 * time.Millisecond
		}
	}
	// The camera's stream changes without a keyframe: nothing until there is one.
	f.put(false, 100*time.Millisecond)
	var runs []uint64
	for _, g := range all(f.ring) {
		runs = append(runs, g.Run)
	}
	require.Equal(t, []uint64{1, 1, 2, 2}, runs)
	require.EqualValues(t, 1, f.ring.Stats().LeftOut)
}

func TestRingClockSteps(t *testing.T) {
	var log strings.Builder
	f := newFeeder(media.RingConfig{Keep: time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil))})
	rising := func() (last int64) {
		for _, g := range all(f.ring) {
			samples, _ := g.Samples(0)
			require.Greater(t, samples[0].At, last)
			for _, s := range samples {
				require.Greater(t, s.At, last)
				last = s.At
			}
		}
		return last
	}
	f.gop(10)
	f.skew = time.Hour // forward
	f.gop(10)
	f.skew -= 2 * time.Second // a little back: time goes on, slower, until it is true again
	for range 60 {
		f.gop(10)
	}
	last := rising()
	require.InDelta(t, epoch.Add(f.pts+f.skew).UnixMilli(), last, 150)
	gops := all(f.ring)
	require.EqualValues(t, 1, gops[len(gops)-1].Run)
	require.NotContains(t, log.String(), "jumped")

	f.skew -= time.Hour // far back: the truth, in a new run
	f.gop(10)
	f.gop(10)
	gops = all(f.ring)
	require.EqualValues(t, 2, gops[len(gops)-2].Run)
	require.Equal(t, epoch.Add(f.pts+f.skew-time.Second).UnixMilli(), gops[len(gops)-1].Start)
	require.Contains(t, log.String(), "jumped")
}

func TestRingSound(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: time.Hour})
	hear := func(pts time.Duration) {
		f.ring.Put(&media.Packet{Stream: sound, PTS: pts, Time: epoch.Add(pts), AU: [][]byte{{1, 2}}})
	}
	hear(0)
	f.put(true, 100*time.Millisecond)
	hear(20 * time.Millisecond)
	hear(-50 * time.Millisecond) // came late
	f.pts = 2 * time.Second
	f.put(true, 100*time.Millisecond) // no sound for a while
	hear(f.pts)
	f.put(true, 100*time.Millisecond) // there is again
	hear(f.pts)
	gops := all(f.ring)
	require.Len(t, gops, 3)
	require.Same(t, sound, gops[0].Audio)
	samples, _ := gops[0].Samples(0)
	require.Len(t, samples, 3)
	require.Equal(t, gops[0].Start+20, samples[1].At)
	require.Equal(t, gops[0].Start, samples[2].At, "never before its fragment")
	require.Nil(t, gops[1].Audio)
	samples, _ = gops[1].Samples(0)
	require.Len(t, samples, 1)
	require.Same(t, sound, gops[2].Audio)
	require.Equal(t, []uint64{1, 2, 3}, []uint64{gops[0].Run, gops[1].Run, gops[2].Run})
}

func TestRingBFrames(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: time.Hour})
	for i, ms := range []int{0, 300, 100, 200} {
		f.pts = time.Duration(ms) * time.Millisecond
		f.put(i == 0, 0)
	}
	f.pts = -100 * time.Millisecond
	f.put(false, 0) // shown before the keyframe
	g := all(f.ring)[0]
	samples, _ := g.Samples(0)
	require.Len(t, samples, 4)
	end, complete := g.End()
	require.Equal(t, g.Start+300, end)
	require.False(t, complete)
	require.True(t, f.ring.Stats().Reordered)
	f.ring.Put(nil)
	f.ring.Put(&media.Packet{Stream: video, Key: true})
	f.ring.Put(&media.Packet{Stream: video, Key: true, AU: [][]byte{{}}})
	require.Len(t, all(f.ring), 1, "units of no length are nothing")
}

// TestRingReaders reads while the ring is written, from the past on.
func TestRingReaders(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: 5 * time.Second})
	for range 4 {
		f.gop(10)
	}
	var readers sync.WaitGroup
	for i := range 4 {
		reader := f.ring.Read(epoch.Add(time.Duration(i) * time.Second))
		readers.Go(func() {
			defer reader.Close()
			var last int64
			for n := 0; ; n++ {
				s, g, err := reader.Next(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if n == 0 && (!s.Key || g.Number != uint64(i+1)) {
					t.Errorf("reader %d begins in GOP %d", i, g.Number)
				}
				if s.At <= last {
					t.Errorf("%d after %d", s.At, last)
				}
				if last = s.At; g.Number == 200 {
					return
				}
			}
		})
	}
	for range 200 {
		f.gop(10)
	}
	readers.Wait()
}

func TestRingSlowReader(t *testing.T) {
	f := newFeeder(media.RingConfig{Keep: time.Second})
	reader := f.ring.Read(time.Time{})
	defer reader.Close()
	f.gop(10)
	_, g, err := reader.Next(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, g.Number)
	for range 9 {
		f.gop(10)
	}
	var numbers []uint64
	for range 29 {
		_, g, err := reader.Next(t.Context())
		require.NoError(t, err)
		numbers = append(numbers, g.Number)
	}
	require.Equal(t, []uint64{1, 9, 10}, []uint64{numbers[8], numbers[9], numbers[28]}, "it finishes its GOP")
	require.EqualValues(t, 7, reader.Skipped())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = reader.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestRingFollowsBus(t *testing.T) {
	var bus media.Bus
	ring := media.NewRing(media.RingConfig{Log: discard()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); ring.Follow(ctx, &bus) }()
	onlyVideo := bus.Subscribe(1000)
	defer onlyVideo.Close()
	watch := ring.Watch()
	defer watch.Close()
	n := 0
	for ; ; n++ { // until it has subscribed
		at := time.Duration(n) * time.Millisecond
		bus.Publish(&media.Packet{Stream: sound, PTS: at, Time: epoch.Add(at), AU: [][]byte{{1}}})
		bus.Publish(&media.Packet{Stream: video, PTS: at, Time: epoch.Add(at), Key: true, AU: [][]byte{{0x65}}})
		if s := ring.Stats(); s.GOPs > 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	<-watch.C
	cancel()
	<-done
	require.NotNil(t, all(ring)[2].Audio)
	p, err := onlyVideo.Next(t.Context())
	require.NoError(t, err)
	require.False(t, p.Stream.Audio())
}

// TestRingAlways holds whatever a camera sends.
func TestRingAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := media.RingConfig{Keep: time.Second, MaxBytes: 5000, MaxGOP: 3 * time.Second, Log: discard()}
		ring := media.NewRing(cfg)
		for range rapid.IntRange(1, 60).Draw(t, "packets") {
			s := video
			key := rapid.Bool().Draw(t, "key")
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				s, key = sound, false
			}
			ring.Put(&media.Packet{
				Stream: s, Key: key, AU: [][]byte{make([]byte, rapid.IntRange(0, 2000).Draw(t, "size"))},
				PTS:  time.Duration(rapid.IntRange(-5000, 20000).Draw(t, "pts")) * time.Millisecond,
				Time: epoch.Add(time.Duration(rapid.IntRange(-20000, 20000).Draw(t, "time")) * time.Millisecond),
			})
			gops := all(ring)
			if n := ring.Stats().Bytes; n > cfg.MaxBytes {
				t.Fatalf("%d bytes", n)
			}
			for i, g := range gops {
				samples, complete := g.Samples(0)
				if complete != (i < len(gops)-1) {
					t.Fatal("only the newest is open")
				}
				for n, s := range samples {
					if s.At < g.Start || (n == 0) != (s.Key && !s.Stream.Audio()) {
						t.Fatalf("sample %d of GOP %d", n, g.Number)
					}
					if i > 0 && gops[i-1].Run == g.Run {
						if end, _ := gops[i-1].End(); s.At <= end {
							t.Fatalf("sample %d of GOP %d at %d, not after %d", n, g.Number, s.At, end)
						}
					}
				}
			}
		}
	})
}

// BenchmarkRing puts a second of 1080p30 at 20 Mbit/s, with four readers woken.
func BenchmarkRing(b *testing.B) {
	f := newFeeder(media.RingConfig{})
	nal := make([]byte, 20_000_000/8/30)
	nal[0] = 0x41
	for range 4 {
		watch := f.ring.Watch()
		defer watch.Close()
	}
	b.ReportAllocs()
	packets := make([]*media.Packet, 30)
	for b.Loop() {
		for i := range packets {
			packets[i] = &media.Packet{Stream: video, PTS: f.pts, Time: epoch.Add(f.pts), Key: i == 0, AU: [][]byte{nal}}
			f.pts += 33 * time.Millisecond
			f.ring.Put(packets[i])
		}
	}
}
