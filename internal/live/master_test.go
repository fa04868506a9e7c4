package live_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
	"porchlight/internal/media"
)

func small(t testing.TB) []*media.Packet {
	return clip(t, "320x240", "25", "8", "-g", "50", "-crf", "35")
}

// TestAViewerSeesTheNewestPictureAtOnce: the newest GOP comes first, its
// pictures so close together that the decoder runs to the last, and then
// pictures come as they are taken.
func TestAViewerSeesTheNewestPictureAtOnce(t *testing.T) {
	t.Parallel()
	film := small(t)
	cam := play(t, film)
	m, w := show(t, live.Config{Main: cam.ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(120)

	from := decodable(t, v, film)
	require.Zero(t, from[0].picture%50, "a keyframe of the clip")
	squeezed := 0
	for i := 1; i < 120; i++ {
		switch step := v.stamps[i] - v.stamps[i-1]; step {
		case 90:
			squeezed++
			require.Equal(t, i, squeezed, "only at the start")
		default:
			require.EqualValues(t, 3600, step, "picture %d", i)
		}
	}
	require.GreaterOrEqual(t, squeezed, 45, "all of the GOP but what was yet to come")
	require.Eventually(t, func() bool { return m.Stats().Viewers[0].Join.Keyframe > 0 }, patience, time.Millisecond)
	s := m.Stats()
	j := s.Viewers[0].Join
	require.True(t, j.Undamaged)
	require.Positive(t, j.Answered)
	require.Greater(t, j.ICE, j.Answered)
	require.Greater(t, j.DTLS, j.ICE)
	require.Greater(t, j.FirstRTP, j.DTLS)
	require.Equal(t, live.Main, s.Viewers[0].On)
	require.True(t, s.Viewers[0].Direct)
	require.Positive(t, s.Viewers[0].Bits)
}

func TestManyViewers(t *testing.T) {
	t.Parallel()
	film := small(t)
	cam := play(t, film)
	m, w := show(t, live.Config{Main: cam.ring})
	var all []*watcher
	for n := range 5 {
		v := newWatcher(t, w, fmt.Sprint("viewer-", n), nil)
		v.watch()
		all = append(all, v)
	}
	for _, v := range all {
		v.sees(100)
		decodable(t, v, film)
	}
	require.Len(t, m.Stats().Viewers, 5)
	for _, v := range all {
		v.leave()
	}
	require.Eventually(t, func() bool { return len(m.Stats().Viewers) == 0 }, patience, time.Millisecond)
	require.EqualValues(t, 5, m.Stats().Joined)
	// And again, from nothing.
	again := newWatcher(t, w, "viewer-0", nil)
	again.watch()
	again.sees(60)
	decodable(t, again, film)
}

// TestKeyframeOnRequest: one who has lost the thread gets the newest GOP
// again, and the camera is asked for another.
func TestKeyframeOnRequest(t *testing.T) {
	t.Parallel()
	film := small(t)
	cam := play(t, film)
	var asked atomic.Int64
	m, w := show(t, live.Config{Main: cam.ring, AskKeyframe: func(q live.Quality) {
		if q == live.Main {
			asked.Add(1)
		}
	}})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(60)
	require.Eventually(t, func() bool {
		v.asks()
		s := m.Stats().Viewers
		return len(s) == 1 && s[0].Pictures > 0 && asked.Load() > 0
	}, patience, 600*time.Millisecond)
	v.sees(v.got() + 60)
	decodable(t, v, film)
}

func TestSubstreamFirst(t *testing.T) {
	t.Parallel()
	film, half := small(t), clip(t, "160x120", "10", "8", "-g", "20")
	m, w := show(t, live.Config{Main: play(t, film).ring, Sub: play(t, half).ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	require.Eventually(t, func() bool {
		s := m.Stats().Viewers
		return len(s) == 1 && s[0].On == live.Main
	}, patience, time.Millisecond)
	v.sees(v.got() + 60)
	from := decodable(t, v, half, film)
	require.Equal(t, 0, from[0].clip)
	require.Equal(t, 1, from[len(from)-1].clip)

	// The viewer knows better.
	v.ask(`{"v":1,"type":"quality","id":"1","quality":"sub"}`)
	require.JSONEq(t, `{"v":1,"type":"reply","to":"quality","id":"1","ok":true}`, v.replied())
	require.Eventually(t, func() bool { return m.Stats().Viewers[0].On == live.Sub }, patience, time.Millisecond)
	v.sees(v.got() + 30)
	v.ask(`{"v":1,"type":"quality","quality":"main"}`)
	require.Eventually(t, func() bool { return m.Stats().Viewers[0].On == live.Main }, patience, time.Millisecond)
	v.sees(v.got() + 60)
	from = decodable(t, v, half, film)
	require.Equal(t, 1, from[len(from)-1].clip)
}

// TestSilentCamera: whoever comes before the camera does is told, waits, and
// sees it when it comes.
func TestSilentCamera(t *testing.T) {
	ring := media.NewRing(media.RingConfig{Log: quiet()})
	m, w := show(t, live.Config{Main: ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	require.Contains(t, <-v.texts, `"state":"waiting"`)
	film := small(t)
	for _, p := range film[:60] {
		q := *p
		q.Time = time.Now()
		ring.Put(&q)
	}
	v.sees(5)
	require.Len(t, m.Stats().Viewers, 1)
}

// TestTheCameraStartsOver: a reconnect changes the camera's clock, and nothing
// for the viewer.
func TestTheCameraStartsOver(t *testing.T) {
	film := small(t)
	ring := media.NewRing(media.RingConfig{Log: quiet()})
	_, w := show(t, live.Config{Main: ring})
	now := time.Now()
	put := func(from, to int, offset time.Duration, stream *media.Stream) {
		for _, p := range film[from:to] {
			q := *p
			q.PTS, q.Time, q.Stream = p.PTS+offset, now.Add(p.PTS), stream
			ring.Put(&q)
		}
	}
	put(0, 50, time.Hour, film[0].Stream)
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(50)
	again := *film[0].Stream
	put(50, 100, 0, &again)
	v.sees(100)
	decodable(t, v, film)
	require.Less(t, v.stamps[50]-v.stamps[49], uint32(90000))
}

func TestLoopsOfTheSameViewer(t *testing.T) {
	t.Parallel()
	film := small(t)
	m, w := show(t, live.Config{Main: play(t, film).ring})
	first := newWatcher(t, w, "ann", nil)
	first.watch()
	first.sees(10)
	second := newWatcher(t, w, "ann", nil) // the page was loaded again
	second.watch()
	second.sees(60)
	decodable(t, second, film)
	require.Eventually(t, func() bool { return first.pc.ConnectionState() == webrtc.PeerConnectionStateClosed }, patience, time.Millisecond)
	require.Len(t, m.Stats().Viewers, 1)
	require.EqualValues(t, 1, m.Stats().Dropped)
}

// TestNewNetwork: a viewer whose addresses change offers again over the same
// connection, and goes on watching.
func TestNewNetwork(t *testing.T) {
	t.Parallel()
	film := small(t)
	m, w := show(t, live.Config{Main: play(t, film).ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(60)
	before := v.pc.RemoteDescription().SDP
	v.offer(&webrtc.OfferOptions{ICERestart: true})
	v.answered()
	require.NotEqual(t, before, v.pc.RemoteDescription().SDP)
	v.sees(v.got() + 60)
	decodable(t, v, film)
	require.EqualValues(t, 1, m.Stats().Joined)
}
