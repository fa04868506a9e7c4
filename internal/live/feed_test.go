package live

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

var (
	quietStream = &media.Stream{Codec: media.H264, SPS: []byte{0x67, 1, 2, 3}, PPS: []byte{0x68, 1, 2}}
	filmed      time.Time // the first picture of the newest feed
)

// filming puts pictures into a ring, a keyframe every gop.
func filming(ring *media.Ring, from, to, gop int) {
	for n := from; n < to; n++ {
		p := &media.Packet{
			Stream: quietStream, PTS: time.Duration(n) * 40 * time.Millisecond, Key: n%gop == 0,
			Time: filmed.Add(time.Duration(n) * 40 * time.Millisecond),
			AU:   [][]byte{{0x41, byte(n >> 8), byte(n), 9}},
		}
		ring.Put(p)
	}
}

func newFeed() *feed {
	filmed = time.Now().Truncate(time.Millisecond)
	log := slog.New(slog.DiscardHandler)
	return &feed{ring: media.NewRing(media.RingConfig{Log: log}), quality: Main, log: log}
}

// TestASlowViewerHurtsNobody: it goes on at a keyframe, the other gets all.
func TestASlowViewerHurtsNobody(t *testing.T) {
	f := newFeed()
	filming(f.ring, 0, 1, 50)
	slow, _ := f.join(true)
	good, first := f.join(true)
	require.Len(t, first, 1)
	defer f.wait()
	defer slow.leave()
	defer good.leave()
	const last = 2 * readerQueue
	for n := 1; n < last; n++ {
		filming(f.ring, n, n+1, 50)
		u := <-good.queue
		require.EqualValues(t, n*3600, u.ticks)
	}
	require.Positive(t, slow.lost())
	u := <-slow.queue
	require.True(t, u.key)
	next := <-slow.queue
	require.EqualValues(t, 3600, next.ticks-u.ticks)
	require.Zero(t, good.lost())
}

// TestNobodyWatches: a feed without viewers holds nothing.
func TestNobodyWatches(t *testing.T) {
	f := newFeed()
	filming(f.ring, 0, 30, 10)
	r, units := f.join(true)
	require.Len(t, units, 10)
	late, none := f.join(false)
	require.Empty(t, none)
	filming(f.ring, 30, 31, 10)
	require.True(t, (<-late.queue).key)
	late.leave()
	late.leave()
	r.leave()
	f.wait()
	require.Nil(t, f.units)
	require.Nil(t, f.gop)
	filming(f.ring, 31, 45, 10)
	r, units = f.join(true)
	require.Len(t, units, 5, "the newest GOP, not where the last viewer left")
	r.leave()
	f.wait()
}

// TestAsking: the camera is asked once a second at most, and one question at
// a time.
func TestAsking(t *testing.T) {
	f := newFeed()
	asked := make(chan Quality)
	f.ask = func(q Quality) { asked <- q }
	f.wantKey()
	f.asked = time.Time{} // long ago, but still at it
	f.wantKey()
	require.Equal(t, Main, <-asked)
	f.wait()
	f.asked = time.Now()
	f.wantKey()
	f.wait()
	f.asked = time.Now().Add(-2 * askEvery)
	f.wantKey()
	<-asked
	f.wait()
}

func TestGlance(t *testing.T) {
	f := newFeed()
	require.Nil(t, look(f.ring).stream)
	filming(f.ring, 0, 15, 10)
	g := look(f.ring)
	require.Same(t, quietStream, g.stream)
	require.Equal(t, 20, g.bytes)
	require.Equal(t, 160*time.Millisecond, g.age)
	require.Equal(t, 400*time.Millisecond, g.length)
	require.InDelta(t, 800, g.bits, 1e-6)
	require.False(t, g.reorders)
	f.ring.Put(&media.Packet{Stream: quietStream, PTS: 580 * time.Millisecond, Time: filmed.Add(580 * time.Millisecond), AU: [][]byte{{0x41, 1, 2}}})
	require.False(t, look(f.ring).reorders)
	f.ring.Put(&media.Packet{Stream: quietStream, PTS: 570 * time.Millisecond, Time: filmed.Add(570 * time.Millisecond), AU: [][]byte{{0x41, 1, 2}}})
	require.True(t, look(f.ring).reorders)
}

// What a camera showed before it went away is not live, nor is what came before
// the clock was set.
func TestGlanceAtACameraThatIsAway(t *testing.T) {
	for _, off := range []time.Duration{-2 * stale, 2 * stale} {
		f := newFeed()
		f.ring.Put(&media.Packet{Stream: quietStream, Key: true, Time: time.Now().Add(off), AU: [][]byte{{0x41, 1, 2}}})
		require.Zero(t, look(f.ring))
		f.ring.Put(&media.Packet{Stream: quietStream, Key: true, PTS: time.Second, Time: time.Now(), AU: [][]byte{{0x41, 1, 2}}})
		require.NotZero(t, look(f.ring))
	}
}
