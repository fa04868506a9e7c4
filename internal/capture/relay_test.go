package capture

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
	"porchlight/internal/media"
)

// soundClip is scene with noise, of which no two frames are alike.
func soundClip(t *testing.T, seconds string) string {
	args := append(scene("10", seconds), "-f", "lavfi", "-i", "anoisesrc=d="+seconds+":a=0.2")
	args[8] = strings.Replace(args[8], "[0][1]", "[0:v][1:v]", 1)
	return makeClip(t, "clip.mkv", append(args, "-c:v", "libx264", "-c:a", "flac")...)
}

// relayed plays a stream with Relay until it has shown enough pictures.
func relayed(t *testing.T, cfg RelayConfig, enough int) (r recorded, states []string) {
	t.Helper()
	var log logTo
	cfg.Log, cfg.Packets, cfg.retryMin = log.Logger(), &media.Bus{}, 10*time.Millisecond
	var mu sync.Mutex
	cfg.OnState = func(s event.CameraState, _ string) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, string(s))
	}
	reader := cfg.Packets.SubscribeAll(10_000)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Relay(ctx, cfg) }()
	for len(r.video) < enough {
		p, err := reader.Next(ctx)
		require.NoError(t, err)
		r.take(p)
	}
	cancel()
	require.NoError(t, <-done)
	reader.Close()
	r.log = log.String()
	return r, states
}

// TestRelay plays a camera's main stream without decoding it.
func TestRelay(t *testing.T) {
	t.Parallel()
	cam := simulate(t, simulator.Config{File: makeClip(t, "clip.mp4", scene("10", "2")...)})
	r, states := relayed(t, RelayConfig{URL: cam.URL()}, 25)
	r.sound(t)
	require.Equal(t, []string{"connecting", "running"}, states)
	require.NotContains(t, r.log, "sound")
}

// TestRelayOutlivesFaults kills the camera under it.
func TestRelayOutlivesFaults(t *testing.T) {
	t.Parallel()
	cam := simulate(t, simulator.Config{File: makeClip(t, "clip.mp4", scene("10", "2")...)})
	var log logTo
	bus := &media.Bus{}
	reader := bus.Subscribe(1000)
	defer reader.Close()
	states := make(chan event.CameraState, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Relay(ctx, RelayConfig{
			URL: cam.URL(), Packets: bus, Log: log.Logger(), retryMin: time.Millisecond, retryMax: 10 * time.Millisecond,
			OnState: func(s event.CameraState, _ string) { states <- s },
		})
	}()
	require.Equal(t, event.CameraConnecting, <-states)
	require.Equal(t, event.CameraRunning, <-states)
	first, err := reader.Next(t.Context())
	require.NoError(t, err)
	cam.Kill()
	require.Equal(t, event.CameraFailed, <-states)
	require.NoError(t, cam.Restore())
	for s := range states { // which may say more than once why it fails
		if s == event.CameraRunning {
			break
		}
	}
	for {
		p, err := reader.Next(t.Context())
		require.NoError(t, err)
		if p.Stream != first.Stream {
			require.True(t, p.Key, "another connection begins with a keyframe")
			require.True(t, p.Stream.Same(first.Stream))
			break
		}
	}
	cancel()
	require.NoError(t, <-done)
}

func TestRelayRefuses(t *testing.T) {
	for name, cfg := range map[string]RelayConfig{
		"no bus":      {URL: "rtsp://cam/x", Log: discard()},
		"no logger":   {URL: "rtsp://cam/x", Packets: &media.Bus{}},
		"a file":      {URL: "/x.mp4", Packets: &media.Bus{}, Log: discard()},
		"no address":  {Packets: &media.Bus{}, Log: discard()},
		"broken port": {URL: "rtsp://u:hunter2@cam:x:1/", Packets: &media.Bus{}, Log: discard()},
	} {
		err := Relay(t.Context(), cfg)
		require.ErrorIs(t, err, ErrConfig, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// TestRTSPSound plays a camera with AAC: it goes on the bus at the moments at
// which it was sent, and on the pictures' timeline.
func TestRTSPSound(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sent := make(map[string]time.Time)
	cam := simulate(t, simulator.Config{File: soundClip(t, "30"), Sound: simulator.AAC, SoundSent: func(frame []byte, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		sent[string(frame)] = at
	}})
	r, _ := relayed(t, RelayConfig{URL: cam.URL(), Audio: true}, 40)
	r.sound(t)
	require.NotContains(t, r.log, "left out")
	require.Greater(t, len(r.audio), 30)
	mu.Lock()
	defer mu.Unlock()
	for i, p := range r.audio {
		at, known := sent[string(p.AU[0])]
		require.True(t, known, "a frame as it was sent")
		// TestLipSync is exact: here the machine may be busy.
		require.WithinDuration(t, r.video[0].Time.Add(p.PTS-r.video[0].PTS), p.Time, 5*time.Second)
		require.Equal(t, [2]int{16000, 1}, [2]int{p.Stream.SampleRate, p.Stream.Channels})
		if i > 0 {
			require.Greater(t, p.PTS, r.audio[i-1].PTS)
		}
		require.Less(t, p.Time.Sub(at).Abs(), 5*time.Second)
	}
}

// TestRTSPOtherSound plays cameras whose sound cannot be carried or is not
// wanted: their video is the same.
func TestRTSPOtherSound(t *testing.T) {
	t.Parallel()
	clip := soundClip(t, "2")
	cam := simulate(t, simulator.Config{File: clip, Sound: simulator.G711})
	r, _ := relayed(t, RelayConfig{URL: cam.URL(), Audio: true}, 15)
	require.Empty(t, r.audio)
	require.Contains(t, r.log, "G.711 sound cannot be played from the cloud")
	r.sound(t)

	cam = simulate(t, simulator.Config{File: clip, Sound: simulator.AAC})
	r, _ = relayed(t, RelayConfig{URL: cam.URL()}, 15)
	require.Empty(t, r.audio)
	require.NotContains(t, r.log, "left out")
}

// TestRTSPH265 plays a camera that sends H.265: its pictures are decoded and
// its packets carried.
func TestRTSPH265(t *testing.T) {
	t.Parallel()
	cam := simulate(t, simulator.Config{File: makeClip(t, "clip.mp4", scene("10", "2")...), H265: true})
	r := recordUntil(t, Config{URL: cam.URL()}, func(r *recorded) bool { return r.pairs() > 15 })
	require.Equal(t, media.H265, r.video[0].Stream.Codec)
	require.Equal(t, 320, r.video[0].Stream.Width)
	r.agrees(t)
	film := r.sound(t)
	shown := r.shown()
	compared := 0
	for i, x := range squares(t, film) {
		if want, known := shown[r.video[i].Time.UnixMilli()]; known {
			require.InDelta(t, want, x, 3, "picture %d", i)
			compared++
		}
	}
	require.Greater(t, compared, 15)
}
