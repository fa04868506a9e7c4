package capture

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
	"porchlight/internal/media"
)

// TestRTSP plays a simulated camera over the seam of its loop: frames arrive
// once, in order, and with the moment at which they were sent. A busy machine
// may leave some out, which their sequence tells.
func TestRTSP(t *testing.T) {
	t.Parallel()
	type sent struct {
		index int
		at    time.Time
	}
	var mu sync.Mutex
	var all []sent
	clip := makeClip(t, "clip.mp4", scene("10", "4")...)
	cam := simulate(t, simulator.Config{File: clip, FrameSent: func(i, _ int, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, sent{i, at})
	}})
	const frames = 40
	require.Equal(t, frames, cam.Frames())
	bus := &media.Bus{}
	packets := bus.Subscribe(1000)
	defer packets.Close()
	r := start(t, Config{URL: cam.URL(), Packets: bus})

	var first *event.Frame
	begun := 0 // index of first
	for last := 0; last < frames+10; {
		f := r.frame()
		index := squareX(f)/4 - 1
		if first == nil {
			first, begun = f, index
		}
		ahead := int(f.Sequence - first.Sequence)
		require.Equal(t, (begun+ahead)%frames, index)

		p, err := packets.Next(t.Context())
		for ; ahead > 0 && last < ahead-1; last++ { // those of frames left out
			require.NoError(t, err)
			p, err = packets.Next(t.Context())
		}
		last = ahead
		require.NoError(t, err)
		require.Equal(t, p.Time, f.Time, "the frame of this very packet")
		require.Equal(t, p.PTS, f.Offset.Round(0))
		require.Equal(t, 320, p.Stream.Width)
		require.Equal(t, index%10 == 0, p.Key)

		mu.Lock()
		match := false
		for _, s := range all {
			late := f.Time.Sub(s.at) // on a busy machine, until the camera has reported its time
			match = match || s.index == index && late > -200*time.Millisecond && late < 3500*time.Millisecond
		}
		mu.Unlock()
		require.True(t, match, "frame %d was sent at its time, and not a round of the clip earlier or later", index)
	}
	require.Contains(t, r.state("running"), "running")
}

func TestRTSPThinned(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("20", "2")...)
	cam := simulate(t, simulator.Config{File: clip})
	r := start(t, Config{URL: cam.URL(), FPS: 5, MaxWidth: 160})
	first := r.frame()
	require.Equal(t, 160, first.Width)
	last := first
	for range 10 {
		last = r.frame()
	}
	require.InDelta(t, 2*time.Second, last.Offset-first.Offset, float64(time.Second))
}

func TestCameraDiesAndComesBack(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	cam := simulate(t, simulator.Config{File: clip})
	r := start(t, Config{URL: cam.URL(), retryMin: 10 * time.Millisecond, retryMax: 50 * time.Millisecond})
	last := r.frame()
	for range 2 {
		r.state("running")
		cam.Kill()
		r.state("failed")
		require.NoError(t, cam.Restore())
		r.state("running")
		for len(r.frames) > 0 {
			last = <-r.frames
		}
		f := r.frame()
		require.Greater(t, f.Sequence, last.Sequence)
		require.True(t, f.Time.After(last.Time))
		cam.Kill() // and the next round starts with a camera that dies in its first second
		r.state("failed")
		require.NoError(t, cam.Restore())
	}
}

// TestCameraChangesSize swaps the camera for one with another picture.
func TestCameraChangesSize(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	cam := simulate(t, simulator.Config{File: clip})
	r := start(t, Config{URL: cam.URL(), retryMin: 10 * time.Millisecond})
	require.Equal(t, 320, r.frame().Width)
	u, err := url.Parse(cam.URL())
	require.NoError(t, err)
	cam.Kill()
	simulate(t, simulator.Config{File: clip, Addr: u.Host, MaxWidth: 160})
	for r.frame().Width != 160 {
	}
}

// TestDecoderFaults kills and stops the decoder: the connection must not
// notice, and frames must go on.
func TestDecoderFaults(t *testing.T) {
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	for name, signal := range map[string]syscall.Signal{"dies": syscall.SIGKILL, "hangs": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			cam := simulate(t, simulator.Config{File: clip})
			var log logTo
			r := start(t, Config{URL: cam.URL(), Log: log.Logger(), Timeout: 4 * time.Second, retryMin: 10 * time.Millisecond})
			last := r.frame()
			r.state("running")
			children := decoders(t)
			require.Len(t, children, 1)
			require.NoError(t, syscall.Kill(children[0], signal))
			require.Contains(t, r.state("failed"), "decoder")
			r.state("running")
			for len(r.frames) > 0 {
				last = <-r.frames
			}
			require.Greater(t, r.frame().Sequence, last.Sequence)
			require.Equal(t, 1, strings.Count(log.String(), "connected to camera"), "capture went on")
			require.NotContains(t, decoders(t), children[0])
			r.cancel()
			require.NoError(t, <-r.result)
			require.Empty(t, decoders(t), "no child is left, not even a zombie")
		})
	}
}

// decoders is children for tests of which none runs beside another.
func decoders(t testing.TB) []int {
	t.Helper()
	return children()
}

// children returns the process ids of this process' ffmpeg children, dead or alive.
func children() (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // which fails for bad patterns alone
	for _, stat := range stats {
		content, err := os.ReadFile(stat)
		if err != nil {
			continue // it has just ended
		}
		var pid, parent int
		var name, state string
		if n, _ := fmt.Sscan(string(content), &pid, &name, &state, &parent); n == 4 && parent == os.Getpid() && name == "(ffmpeg)" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestWallClock(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const tick = 100 * time.Millisecond
	var c wallClock
	c.at(0, start.Add(30*time.Millisecond), time.Time{}) // the first packet was late
	for i := 1; i < 100; i++ {
		pts := time.Duration(i) * tick
		jitter := time.Duration(i*37%20) * time.Millisecond
		got := c.at(pts, start.Add(pts+jitter), time.Time{})
		if i > 20 {
			require.WithinDuration(t, start.Add(pts), got, 10*time.Millisecond, "jitter is taken out")
		}
	}
	near, far := start.Add(12*time.Second), start.Add(time.Hour)
	require.Equal(t, near, c.at(100*tick, start.Add(100*tick), near), "the camera's clock is good")
	require.Equal(t, near, c.at(101*tick, start.Add(101*tick), far), "the camera's clock is wrong; time does not run back")
	got := c.at(125*tick, start.Add(125*tick), far)
	require.WithinDuration(t, start.Add(125*tick), got, 20*time.Millisecond)
}

func TestBackoff(t *testing.T) {
	b := backoff{min: 500 * time.Millisecond, max: 30 * time.Second}
	for i := range 20 {
		want := min(500*time.Millisecond<<i, 30*time.Second)
		if i > 10 {
			want = 30 * time.Second
		}
		d := b.delay()
		require.LessOrEqual(t, d, want, strconv.Itoa(i))
		require.GreaterOrEqual(t, d, want*4/5, strconv.Itoa(i))
	}
	b.reset()
	require.LessOrEqual(t, b.delay(), 500*time.Millisecond)
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://cam/x":                          "rtsp://cam/x",
		"rtsp://user:hunter2@cam:554/x":         "rtsp://***@cam:554/x",
		"open rtsp://u:p@ss/w@cam/x: refused":   "open rtsp://***@cam/x: refused",
		`parse "rtsps://u:p w@cam"`:             `parse "rtsps://u:p w@cam"`,
		"rtsp://cam/user=a&password=b&stream=0": "rtsp://cam/user=***&password=***&stream=0",
		"rtsp://cam/x?Token=abc&pwd=d":          "rtsp://cam/x?Token=***&pwd=***",
	} {
		require.Equal(t, want, Redact(in))
	}
}
