package capture

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/polygon"
)

// triangle is a mask whose edges are no boxes' edges.
func triangle() polygon.Polygon {
	return polygon.Polygon{{X: 0.1, Y: 0.1}, {X: 0.6, Y: 0.2}, {X: 0.3, Y: 0.9}}
}

// inBoxes says whether a pixel of a picture is painted, as ffmpeg reckons.
func inBoxes(boxes []ffmpeg.Cover, x, y, width, height int) bool {
	for _, b := range boxes {
		if x >= int(math.Floor(b.Left*float64(width))) && x < int(math.Ceil(b.Right*float64(width))) &&
			y >= int(math.Floor(b.Top*float64(height))) && y < int(math.Ceil(b.Bottom*float64(height))) {
			return true
		}
	}
	return false
}

// TestCoverHidesAll covers any polygons: no pixel of theirs stays, in
// pictures of any size.
func TestCoverHidesAll(t *testing.T) {
	require.Nil(t, cover(nil))
	rapid.Check(t, func(t *rapid.T) {
		corner := rapid.Custom(func(t *rapid.T) polygon.Point {
			return polygon.Point{X: rapid.Float64Range(0, 1).Draw(t, "x"), Y: rapid.Float64Range(0, 1).Draw(t, "y")}
		})
		shapes := []polygon.Polygon{rapid.SliceOfN(corner, 3, 8).Draw(t, "first"), rapid.SliceOfN(corner, 3, 8).Draw(t, "second")}
		width, height := rapid.IntRange(16, 700).Draw(t, "width"), rapid.IntRange(16, 500).Draw(t, "height")
		boxes := cover(shapes)
		for i, inside := range polygon.Mask(shapes, width, height) {
			if inside && !inBoxes(boxes, i%width, i/width, width, height) {
				t.Fatalf("pixel %d,%d of %dx%d shows", i%width, i/width, width, height)
			}
		}
	})
}

// TestCoverHidesNoMore covers the half of a picture and little more.
func TestCoverHidesNoMore(t *testing.T) {
	boxes := cover([]polygon.Polygon{{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}})
	require.Len(t, boxes, 1)
	require.InDelta(t, 0.5, boxes[0].Right, 2.0/maskWidth)
	require.Less(t, len(cover([]polygon.Polygon{triangle()})), 2*maskHeight)
}

// hidden checks that pictures of white show gray where they are masked, and
// white where not.
func hidden(t *testing.T, film []byte, masks []polygon.Polygon) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.WriteFile(path, film, 0o600))
	frames, err := all(t, Config{URL: path, Pace: FullSpeed})
	require.NoError(t, err)
	require.NotEmpty(t, frames)
	width, height := frames[0].Width, frames[0].Height
	inside, boxes := polygon.Mask(masks, width, height), cover(masks)
	free := make([]bool, len(inside))
	for i := range free {
		free[i] = !near(boxes, i%width, i/width, width, height)
	}
	for _, f := range frames {
		require.Equal(t, [2]int{width, height}, [2]int{f.Width, f.Height})
		for i := range inside {
			lowest, highest := slices.Min(f.Pix[i*3:i*3+3]), slices.Max(f.Pix[i*3:i*3+3])
			if inside[i] && (lowest < maskGray-14 || highest > maskGray+14) || free[i] && lowest < 220 {
				t.Fatalf("frame %d at %d,%d: covered %v, shows %v", f.Sequence, i%width, i/width, inside[i], f.Pix[i*3:i*3+3])
			}
		}
	}
}

// near says whether a pixel is in a box or so close that encoding blurs it.
func near(boxes []ffmpeg.Cover, x, y, width, height int) bool {
	for dx := -8; dx <= 8; dx += 8 {
		for dy := -8; dy <= 8; dy += 8 {
			if inBoxes(boxes, x+dx, y+dy, width, height) {
				return true
			}
		}
	}
	return false
}

// white is the arguments for a white film.
func white(seconds string) []string {
	return []string{"-f", "lavfi", "-i", "color=white:s=320x240:r=10:d=" + seconds, "-pix_fmt", "yuv420p"}
}

func TestFileMasks(t *testing.T) {
	masks := []polygon.Polygon{triangle()}
	for name, args := range map[string][]string{"clip.mp4": {"-c:v", "libx264"}, "clip.avi": {"-c:v", "mjpeg", "-pix_fmt", "yuvj420p"}} {
		path := makeClip(t, name, append(white("1"), args...)...)
		r := record(t, Config{URL: path, Masks: masks}, 0)
		require.Empty(t, decoders(t), "no child is left")
		require.Len(t, r.video, 10)
		r.agrees(t)
		hidden(t, r.sound(t), masks)
		require.Contains(t, r.log, "parts of it are covered")
		for _, f := range r.frames {
			require.Greater(t, f.Pix[(60*320+100)*3], byte(220), "frames are not touched")
		}
	}
}

// TestRTSPMasks covers parts of a camera's video, H.264 and H.265: whole,
// with the times of its frames, beside its sound.
func TestRTSPMasks(t *testing.T) {
	t.Parallel()
	masks := []polygon.Polygon{triangle()}
	clip := makeClip(t, "clip.mkv", append([]string{"-f", "lavfi", "-i", "anoisesrc=d=3"}, append(white("3"), "-c:v", "libx264", "-c:a", "flac")...)...)
	for name, h265 := range map[string]bool{"H.264": false, "H.265": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cam := simulate(t, simulator.Config{File: clip, H265: h265, Sound: simulator.AAC})
			r := recordUntil(t, Config{URL: cam.URL(), Masks: masks, Audio: true}, func(r *recorded) bool {
				return len(r.frames) >= 35 && len(r.video) >= 20 && len(r.audio) > 10
			})
			require.Equal(t, media.H264, r.video[0].Stream.Codec)
			r.agrees(t)
			hidden(t, r.sound(t), masks)
			require.Greater(t, len(r.audio), 10)
			for _, p := range r.audio {
				require.WithinDuration(t, r.video[0].Time.Add(p.PTS-r.video[0].PTS), p.Time, 5*time.Second)
			}
		})
	}
}

// TestCoveredPicturesKeepTheirTimes covers the top of a film whose pictures
// show their number below.
func TestCoveredPicturesKeepTheirTimes(t *testing.T) {
	t.Parallel()
	masks := []polygon.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 0.3}, {X: 0, Y: 0.3}}}
	cam := simulate(t, simulator.Config{File: makeClip(t, "clip.mp4", scene("10", "3")...)})
	r := recordUntil(t, Config{URL: cam.URL(), Masks: masks}, func(r *recorded) bool { return r.pairs() > 15 })
	shown := r.shown()
	compared := 0
	for i, x := range squares(t, r.sound(t)) {
		if want, known := shown[r.video[i].Time.UnixMilli()]; known {
			require.InDelta(t, want, x, 3, "picture %d", i)
			compared++
		}
	}
	require.Greater(t, compared, 15)
}

// coverPackets sends packets through a coverer and returns what comes out
// until enough of it has.
func coverPackets(t *testing.T, packets []*media.Packet, masks []polygon.Polygon, enough int) recorded {
	t.Helper()
	cfg := Config{URL: "x", Log: discard(), Packets: &media.Bus{}, Masks: masks}
	require.NoError(t, cfg.complete())
	reader := cfg.Packets.Subscribe(10_000)
	bus, end := newRTSPSource(cfg, nil).cover(t.Context(), nil)
	defer end()
	var r recorded
	for _, p := range packets {
		bus.Publish(p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(r.video) < enough {
		p, err := reader.Next(ctx)
		require.NoError(t, err, "after %d packets", len(r.video))
		r.take(p)
	}
	return r
}

// TestCoverOddPackets covers what cameras should not send.
func TestCoverOddPackets(t *testing.T) {
	t.Parallel()
	masks := []polygon.Polygon{triangle()}
	film := func(args ...string) []*media.Packet {
		return filePackets(t, makeClip(t, "clip.mp4", append(args, "-c:v", "libx264")...))
	}
	t.Run("no keyframe for a minute", func(t *testing.T) {
		packets := film("-f", "lavfi", "-i", "color=white:s=320x240:r=1:d=60", "-pix_fmt", "yuv420p", "-g", "1000", "-bf", "0")
		r := coverPackets(t, packets, masks, 55)
		hidden(t, r.sound(t), masks)
		for i, p := range r.video {
			require.Equal(t, packets[i].Time, p.Time)
			require.Equal(t, packets[i].PTS, p.PTS)
			require.Equal(t, i%2 == 0, p.Key, "one every two seconds")
		}
	})
	t.Run("B-frames", func(t *testing.T) {
		packets := film(append(white("3"), "-bf", "3", "-g", "10")...)
		r := coverPackets(t, packets, masks, 25)
		require.False(t, r.video[0].Stream.Reorders())
		hidden(t, r.sound(t), masks)
	})
	t.Run("another size", func(t *testing.T) {
		packetizer := media.NewH264Packetizer(nil, nil)
		at := time.Now()
		var packets []*media.Packet
		for _, size := range []string{"320x240", "640x360"} {
			for _, p := range film("-f", "lavfi", "-i", "color=white:r=10:d=2:s="+size, "-pix_fmt", "yuv420p", "-bf", "0", "-g", "10") {
				pts := time.Duration(len(packets)) * 100 * time.Millisecond
				p, err := packetizer.Packet(p.AU, pts, at.Add(pts))
				require.NoError(t, err)
				packets = append(packets, p)
			}
		}
		r := coverPackets(t, packets, masks, 35)
		change := slices.IndexFunc(r.video, func(p *media.Packet) bool { return p.Stream.Width == 640 })
		require.Equal(t, 20, change, "nothing is lost over the change")
		for _, video := range [][]*media.Packet{r.video[:change], r.video[change:]} {
			part := recorded{video: video}
			hidden(t, part.sound(t), masks)
		}
	})
	t.Run("units that are empty or nonsense", func(t *testing.T) {
		packets := film(append(white("3"), "-bf", "0", "-g", "5")...)
		for i := 3; i < len(packets); i += 7 {
			broken := *packets[i]
			broken.AU = [][]byte{{}, {0x41}, make([]byte, 500)}
			packets[i] = &broken
		}
		r := coverPackets(t, packets, masks, 20)
		hidden(t, r.sound(t), masks)
	})
}

// TestRelayMasks kills and stops the child that covers: it is replaced, and
// nothing else ever gets out.
func TestRelayMasks(t *testing.T) {
	masks := []polygon.Polygon{triangle()}
	clip := makeClip(t, "clip.mp4", append(white("3"), "-c:v", "libx264")...)
	for name, signal := range map[string]syscall.Signal{"dies": syscall.SIGKILL, "hangs": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			cam := simulate(t, simulator.Config{File: clip})
			bus := &media.Bus{}
			reader := bus.Subscribe(10_000)
			states := make(chan string, 1000)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- Relay(ctx, RelayConfig{
					URL: cam.URL(), Packets: bus, Masks: masks, Log: discard(), Timeout: 5 * time.Second, retryMin: time.Millisecond,
					OnState: func(s event.CameraState, message string) { states <- string(s) + " " + message },
				})
			}()
			require.Equal(t, "connecting ", <-states)
			require.Equal(t, "running ", <-states)
			children := decoders(t)
			require.Len(t, children, 1)
			require.NoError(t, syscall.Kill(children[0], signal))
			require.Contains(t, <-states, "failed parts of the video cannot be covered")
			require.Equal(t, "running ", <-states)
			cancel()
			require.NoError(t, <-done)
			require.Empty(t, decoders(t))
			reader.Close()
			var r recorded
			for p, err := reader.Next(t.Context()); err == nil; p, err = reader.Next(t.Context()) {
				r.take(p)
			}
			second := 0 // packets of the child that came after
			for i, p := range r.video {
				if p.Stream != r.video[0].Stream {
					second = i
					break
				}
			}
			require.Positive(t, second)
			for _, video := range [][]*media.Packet{r.video[:second], r.video[second:]} {
				part := recorded{video: video}
				hidden(t, part.sound(t), masks)
			}
		})
	}
}

// TestMasksFailClosed plays sources where nothing can be covered: no packet
// gets out, and frames go on.
func TestMasksFailClosed(t *testing.T) {
	real, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	probe, err := exec.LookPath("ffprobe")
	require.NoError(t, err)
	clip := makeClip(t, "clip.mp4", append(white("2"), "-c:v", "libx264")...)
	cam := simulate(t, simulator.Config{File: clip})
	for name, script := range map[string]string{
		"no encoder":        `case "$*" in *-encoders*) echo none; exit;; esac`,
		"encoder that dies": `case "$*" in *-encoders*) echo libx264; exit;; *"-f mpegts"*) exit 1;; esac`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Symlink(probe, filepath.Join(dir, "ffprobe")))
			program := fmt.Sprintf("#!/bin/sh\n%s\nexec %s \"$@\"\n", script, real)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(program), 0o700)) //nolint:gosec // it has to run
			t.Setenv("PATH", dir+":/bin:/usr/bin")
			for _, url := range []string{cam.URL(), clip} {
				r := record(t, Config{URL: url, Loop: true, Masks: []polygon.Polygon{triangle()}}, 15)
				require.Empty(t, decoders(t), "no child is left")
				require.Empty(t, r.video)
				require.GreaterOrEqual(t, len(r.frames), 15)
				require.Contains(t, r.log, "neither recorded nor shown live")
			}
		})
	}
}
