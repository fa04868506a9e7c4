package capture

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

const tick = 40 * time.Millisecond // 25 pictures a second

// inter and key are pictures of so many bytes.
func inter(n, bytes int) *media.Packet {
	nal := make([]byte, bytes)
	nal[0] = 0x41
	return &media.Packet{PTS: time.Duration(n) * tick, AU: [][]byte{nal}}
}

func key(n int) *media.Packet {
	p := inter(n, 20000)
	p.AU[0][0], p.Key = 0x65, true
	return p
}

// stream is a camera in front of a gate.
type stream struct {
	gate   *gate
	log    *logTo
	n      int // next picture
	gop    int // pictures from keyframe to keyframe
	packet func(n int) *media.Packet
	fed    []int // numbers of the pictures fed
}

func newStream(gop int) *stream {
	s := &stream{log: &logTo{}, gop: gop, packet: func(n int) *media.Packet { return inter(n, 300+n%3*10) }}
	attention := &Attention{}
	attention.SetFull(false)
	s.gate = &gate{attention: attention, log: s.log.Logger()}
	s.gate.restart(key(0))
	return s
}

// play sends so many pictures and returns those fed meanwhile.
func (s *stream) play(pictures int) []int {
	s.fed = nil
	for range pictures {
		p := s.packet(s.n)
		if s.n%s.gop == 0 {
			p = key(s.n)
		}
		for _, q := range s.gate.admit(p) {
			s.fed = append(s.fed, int(q.PTS/tick))
		}
		s.n++
	}
	return s.fed
}

func TestGateWithoutAttention(t *testing.T) {
	g := &gate{}
	for n := range 100 {
		require.Len(t, g.admit(inter(n, 10)), 1)
	}
}

func TestGateRestsAndIsWoken(t *testing.T) {
	s := newStream(50)
	require.Len(t, s.play(50), 50, "first it learns")
	s.play(50)
	require.Equal(t, []int{100, 150, 200}, s.play(130), "then it rests")

	s.gate.attention.SetFull(true)
	fed := s.play(3)
	require.Equal(t, 201, fed[0], "what came since the keyframe catches up")
	require.Equal(t, 232, fed[len(fed)-1])
	require.Len(t, fed, 32)
	require.Equal(t, []int{233, 234}, s.play(2), "each goes on as it comes")

	s.gate.attention.SetFull(false)
	require.Empty(t, s.play(10))
	s.gate.attention.SetFull(true)
	require.Len(t, s.play(1), 11, "only what has not been fed yet")

	stats := s.gate.attention.Stats()
	require.Zero(t, stats.Wakes)
	require.EqualValues(t, s.n, stats.Fed+stats.Skipped)
}

func TestGateWakesOnSpike(t *testing.T) {
	s := newStream(50)
	s.play(220)
	quiet := s.packet
	s.packet = func(n int) *media.Packet { return inter(n, 1200) }
	fed := s.play(5)
	require.NotEmpty(t, fed, "within a fifth of a second")
	require.Equal(t, 201, fed[0])
	s.packet = quiet
	require.Len(t, s.play(75-5), 70, "for three seconds")
	require.Less(t, len(s.play(100)), 10, "and then it rests again")
	require.EqualValues(t, 1, s.gate.attention.Stats().Wakes)
	require.Empty(t, s.log.String())
}

func TestGateBurstLeavesOutDisposablePictures(t *testing.T) {
	s := newStream(100)
	s.packet = func(n int) *media.Packet {
		p := inter(n, 300)
		if n%2 == 1 {
			p.AU[0][0] = 0x01 // nal_ref_idc 0
		}
		return p
	}
	s.play(240)
	s.gate.attention.SetFull(true)
	fed := s.play(1)
	for _, n := range fed {
		require.True(t, n%2 == 0 || n > 240-13, "%d is old and no other rests on it", n)
	}
	require.Contains(t, fed, 239)
}

func TestGateNewLevelBecomesRest(t *testing.T) {
	s := newStream(50)
	s.play(500)
	s.packet = func(n int) *media.Packet { return inter(n, 3000+n%3*100) } // night: more noise
	s.play(500)
	require.Less(t, len(s.play(500)), 30)
}

func TestGatePatternIsNoSpike(t *testing.T) {
	s := newStream(50)
	s.packet = func(n int) *media.Packet { // a large picture every second, as a clock in the picture makes
		if n%25 == 7 {
			return inter(n, 1500)
		}
		return inter(n, 300)
	}
	s.play(200)
	require.Len(t, s.play(1000), 20)
}

func TestGatePaddingIsNoSpike(t *testing.T) {
	s := newStream(50)
	s.play(200)
	s.packet = func(n int) *media.Packet {
		p := inter(n, 300)
		p.AU = append(p.AU, append([]byte{12}, make([]byte, 5000)...)) // filler data
		return p
	}
	require.Len(t, s.play(100), 2)
}

// TestGateStaysOpen names the cameras that never rest, each told once.
func TestGateStaysOpen(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(s *stream)
		text    string
	}{
		"keyframes far apart": {func(s *stream) { s.gop = 250 }, "too far apart"},
		"one keyframe":        {func(s *stream) { s.gop = 1 << 30 }, "too far apart"},
		"too much to hold": {func(s *stream) {
			s.packet = func(n int) *media.Packet { return inter(n, 200_000) }
		}, "too much between keyframes"},
		"B-frames": {func(s *stream) {
			s.packet = func(n int) *media.Packet { return inter(n^1, 300) }
		}, "B-frames"},
		"sizes that say nothing": {func(s *stream) {
			for range maxMisses { // something is seen on a keyframe, and nothing in the packets
				s.play(200)
				s.gate.attention.SetFull(true)
				s.play(100)
				s.gate.attention.SetFull(false)
			}
		}, "variable bit rate"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream(50)
			c.prepare(s)
			s.play(600)
			require.Len(t, s.play(600), 600)
			require.Equal(t, 1, strings.Count(s.log.String(), c.text), s.log.String())
			require.LessOrEqual(t, len(s.gate.held), maxHeld)
		})
	}
}

func TestGateTrustsAgain(t *testing.T) {
	s := newStream(50)
	for range maxMisses {
		s.play(200)
		s.gate.attention.SetFull(true)
		s.play(100)
		s.gate.attention.SetFull(false)
	}
	s.play(int(distrustFor / tick))
	require.Len(t, s.play(500), 10, "a camera may change between day and night")
}

// TestGateFootage lets a real clip's camera rest, encoded as a sub-stream with
// the noise reduction that cameras have.
func TestGateFootage(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", "-i", testdata(t, "one-by-one-person-detection.mp4"), "-an", "-vf", "scale=640:-2,"+noiseReduction,
		"-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-crf", "28", "-g", "20", "-keyint_min", "20", "-sc_threshold", "0")
	attention := &Attention{}
	attention.SetFull(false)
	g := &gate{attention: attention, log: discard()}
	packets := filePackets(t, clip)
	g.restart(packets[0])

	// When somebody moves in the picture, in seconds.
	moves := [][2]float64{{6.1, 10}, {17.8, 21.5}, {22.5, 27}, {43, 46}, {50.2, 54}, {59.4, 72}, {74.5, 78},
		{84.5, 88.5}, {92.1, 96}, {117.6, 122}, {123.3, 128}, {133.8, 139}}
	const patience = 1.5 // of the pipeline
	empty := func(at float64) bool { return at > 30 && at < 43 || at > 99 && at < 117 || at > 129.5 && at < 133.5 }
	woken := make([]float64, len(moves))
	passed, all := 0, 0
	for _, p := range packets {
		fed, at := g.admit(p), p.PTS.Seconds()
		if empty(at) {
			all++
			passed += len(fed)
		}
		seen := false // what a pipeline sees once it gets the pictures
		for i, m := range moves {
			if at >= m[0]-0.05 && at < m[1]+patience {
				seen = true
				if woken[i] == 0 && !g.shut {
					woken[i] = at
				}
			}
		}
		if len(fed) > 0 {
			attention.SetFull(seen)
		}
	}
	for i, m := range moves {
		require.InDelta(t, m[0], woken[i], 0.55, "person %d", i)
	}
	require.Less(t, passed, all/4, "it rests while nobody is there")
	t.Logf("%+v; of %d packets with nobody there %d were fed", attention.Stats(), all, passed)
}

// noiseReduction is a filter that does what cameras do before they encode.
const noiseReduction = "hqdn3d=4:3:12:12"
