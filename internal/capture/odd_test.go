package capture

import (
	"context"
	"fmt"
	"image/gif"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/media"
)

// TestOddPictures plays pictures of every shape and depth, as they are and
// scaled down.
func TestOddPictures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format        string // filter
		file          string
		width, height int
		scaled        [2]int // to 40 pixels
	}{
		"one pixel":       {"scale=1:1", "x.png", 1, 1, [2]int{1, 1}},
		"a column":        {"scale=1:50", "x.png", 1, 50, [2]int{1, 50}},
		"a row":           {"scale=500:1", "x.png", 500, 1, [2]int{40, 1}},
		"odd sizes":       {"scale=641:363,format=yuvj444p", "x.jpg", 641, 363, [2]int{40, 23}},
		"odd GIF":         {"scale=61:33,format=rgb24", "x.gif", 61, 33, [2]int{40, 22}},
		"gray JPEG":       {"format=gray", "x.jpg", 320, 240, [2]int{40, 30}},
		"gray H.264":      {"format=gray", "x.mp4", 320, 240, [2]int{40, 30}},
		"gray, 16 bits":   {"format=gray16", "x.png", 320, 240, [2]int{40, 30}},
		"with an alpha":   {"format=rgba", "x.png", 320, 240, [2]int{40, 30}},
		"black and white": {"format=monow", "x.png", 320, 240, [2]int{40, 30}},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-f", "lavfi", "-i", "testsrc=s=320x240:r=5:d=1", "-vf", c.format}
			if isPicture(c.file) {
				args = append(args, "-frames:v", "1")
			}
			path := makeClip(t, c.file, args...)
			for width, want := range map[int][2]int{0: {c.width, c.height}, 40: c.scaled} {
				frames, err := all(t, Config{URL: path, Pace: FullSpeed, MaxWidth: width})
				require.NoError(t, err)
				require.NotEmpty(t, frames)
				for _, f := range frames {
					require.Equal(t, want, [2]int{f.Width, f.Height})
					require.Len(t, f.Pix, 3*f.Width*f.Height)
				}
			}
		})
	}
}

// TestFileChangesSize plays a transport stream whose pictures change their
// size: they go on at the first one's.
func TestFileChangesSize(t *testing.T) {
	t.Parallel()
	var whole []byte
	for i, size := range []string{"320x240", "160x120", "640x480"} {
		part := makeClip(t, fmt.Sprintf("%d.ts", i), append(scene("10", "1"), "-s", size, "-c:v", "libx264")...)
		content, err := os.ReadFile(part)
		require.NoError(t, err)
		whole = append(whole, content...)
	}
	path := filepath.Join(t.TempDir(), "clip.ts")
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	frames, err := all(t, Config{URL: path, Pace: FullSpeed})
	require.NoError(t, err)
	require.Len(t, frames, 30)
	for i, f := range frames {
		require.Equal(t, [2]int{320, 240}, [2]int{f.Width, f.Height})
		require.InDelta(t, 4*(i%10+1), squareX(f), 3, "frame %d shows its own picture", i)
	}
}

// TestDamagedInside breaks some pictures of files whose every picture stands
// for itself: the rest is played.
func TestDamagedInside(t *testing.T) {
	for _, name := range []string{"clip.gif", "clip.avi"} {
		t.Run(name, func(t *testing.T) {
			path := makeClip(t, name, append(scene("10", "3"), map[string][]string{
				"clip.gif": {"-pix_fmt", "pal8"}, "clip.avi": {"-c:v", "mjpeg"},
			}[name]...)...)
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			for i := len(whole) / 2; i < len(whole)/2+len(whole)/20; i++ {
				whole[i] ^= byte(i*7 + 1)
			}
			require.NoError(t, os.WriteFile(path, whole, 0o600))
			frames, err := all(t, Config{URL: path, Pace: FullSpeed})
			if err != nil {
				require.ErrorContains(t, err, "cut short")
			}
			require.Greater(t, len(frames), 3)
			for i := 1; i < len(frames); i++ {
				require.True(t, frames[i].Time.After(frames[i-1].Time))
			}
			require.Empty(t, decoders(t))
		})
	}
}

// TestGIFDelays plays a GIF whose pictures stay for different times.
func TestGIFDelays(t *testing.T) {
	t.Parallel()
	path := makeClip(t, "clip.gif", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=2", "-vf", "select='not(mod(n,5))+gt(n,13)',format=rgb24",
		"-fps_mode", "passthrough")
	frames, err := all(t, Config{URL: path, Pace: FullSpeed})
	require.NoError(t, err)
	require.Equal(t, gifTimes(t, path), offsets(frames))
	require.Equal(t, []int64{0, 500, 1000, 1400, 1500, 1600, 1700, 1800, 1900}, offsets(frames))
}

// gifTimes reads when a GIF's pictures appear, in milliseconds.
func gifTimes(t *testing.T, path string) []int64 {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	pictures, err := gif.DecodeAll(f)
	require.NoError(t, err)
	times := make([]int64, len(pictures.Delay))
	for i, delay := range pictures.Delay[:len(times)-1] { // in hundredths of a second
		times[i+1] = times[i] + int64(delay)*10
	}
	return times
}

// TestFileTimesRunBack plays a file whose timestamps jump back in the middle.
func TestFileTimesRunBack(t *testing.T) {
	t.Parallel()
	packets := filePackets(t, makeClip(t, "clip.mp4", append(scene("10", "2"), "-c:v", "libx264", "-g", "1")...))
	path := filepath.Join(t.TempDir(), "clip.mkv")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	to := feed{f}
	require.NoError(t, to.header(packets[0].Stream))
	for i, p := range packets {
		ms := int64(i) * 100
		if i >= 10 {
			ms -= 700
		}
		require.NoError(t, to.packet(p, ms))
	}
	for _, fps := range []float64{0, 5} {
		frames, err := all(t, Config{URL: path, Pace: FullSpeed, FPS: fps})
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(frames), map[float64]int{0: 18, 5: 9}[fps])
		for i := 1; i < len(frames); i++ {
			require.GreaterOrEqual(t, frames[i].Time.Sub(frames[i-1].Time), time.Millisecond)
		}
	}
}

// decodePackets plays packets through a live decoder and hands on its frames.
func decodePackets(t *testing.T, cfg Config) (bus *media.Bus, frames <-chan *event.Frame) {
	t.Helper()
	cfg.URL = "x"
	if cfg.Log == nil {
		cfg.Log = discard()
	}
	require.NoError(t, cfg.complete())
	out := make(chan *event.Frame, 1000)
	bus = &media.Bus{}
	d := &liveDecoder{cfg: cfg, packets: bus.Subscribe(1000), player: &player{
		cfg: cfg, states: &states{cfg: cfg}, times: timeline{log: cfg.Log}, deliver: func(f *event.Frame) { out <- f },
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; d.packets.Close() })
	return bus, out
}

func nextFrame(t *testing.T, frames <-chan *event.Frame) *event.Frame {
	t.Helper()
	select {
	case f := <-frames:
		return f
	case <-time.After(patience):
		t.Fatal("no frame")
		return nil
	}
}

// TestStreamChangesSize changes the parameter sets in the middle of a
// connection, as a camera does whose settings are changed.
func TestStreamChangesSize(t *testing.T) {
	t.Parallel()
	bus, frames := decodePackets(t, Config{})
	packetizer := media.NewH264Packetizer(nil, nil)
	at, n := time.Now(), 0
	for _, size := range []string{"320x240", "160x120", "641x363"} {
		clip := makeClip(t, "clip.mp4", "-f", "lavfi", "-i", "testsrc=s="+size+":r=10:d=1,format=yuv444p", "-c:v", "libx264", "-bf", "0", "-g", "5")
		for _, p := range filePackets(t, clip) {
			pts := time.Duration(n) * 100 * time.Millisecond
			p, err := packetizer.Packet(p.AU, pts, at.Add(pts))
			require.NoError(t, err)
			bus.Publish(p)
			n++
		}
		for {
			f := nextFrame(t, frames)
			if fmt.Sprintf("%dx%d", f.Width, f.Height) == size {
				break
			}
		}
	}
}

// TestStreamTimesJumpBack sets a camera's timestamps back by a minute.
func TestStreamTimesJumpBack(t *testing.T) {
	t.Parallel()
	bus, frames := decodePackets(t, Config{FPS: 5})
	clip := makeClip(t, "clip.mp4", append(scene("10", "2"), "-c:v", "libx264", "-bf", "0", "-g", "10")...)
	packets := filePackets(t, clip)
	var last *event.Frame
	for _, from := range []time.Duration{time.Minute, 0} {
		for _, p := range packets {
			again := *p
			again.PTS += from
			bus.Publish(&again)
		}
		for range 8 {
			f := nextFrame(t, frames)
			for from == 0 && f.Offset >= time.Minute { // from before the jump
				f = nextFrame(t, frames)
			}
			if last != nil {
				require.True(t, f.Time.After(last.Time))
			}
			last = f
		}
	}
}

// TestStreamDamagedUnits sends units that are cut short, empty or foreign
// between good ones: the pictures after the next keyframe are whole.
func TestStreamDamagedUnits(t *testing.T) {
	bus, frames := decodePackets(t, Config{})
	packets := filePackets(t, makeClip(t, "clip.mp4", append(scene("10", "3"), "-c:v", "libx264", "-bf", "0", "-g", "10")...))
	damage := map[int][][]byte{3: {{0x41}}, 5: {}, 6: {{}}, 8: {{0x41, 0xff, 0xff, 0xff}}, 14: {{0x18, 0x00}}}
	for i, p := range packets {
		if au, bad := damage[i]; bad {
			p.AU = au
		}
		bus.Publish(p)
	}
	for {
		f := nextFrame(t, frames)
		if i := int(f.Offset / (100 * time.Millisecond)); i >= 20 {
			require.InDelta(t, 4*(i+1), squareX(f), 2)
			if i == 28 {
				break
			}
		}
	}
	require.Len(t, decoders(t), 1)
}

// TestLostConnectionStaysLost shows a picture that was still in the decoder
// when the connection broke: the camera does not run again by it.
func TestLostConnectionStaysLost(t *testing.T) {
	var seen []string
	cfg := Config{Log: discard(), OnState: func(s event.CameraState, message string) {
		seen = append(seen, strings.TrimSpace(string(s)+" "+message))
	}}
	s := &states{cfg: cfg}
	s.set(event.CameraRunning, nil)
	s.lose(ErrUnreachable)
	s.set(event.CameraRunning, nil)
	s.lose(ErrStalled)
	s.regain()
	s.set(event.CameraRunning, nil)
	require.Equal(t, []string{"running", "failed " + ErrUnreachable.Error(), "failed " + ErrStalled.Error(), "running"}, seen)
}
