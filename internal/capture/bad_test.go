package capture

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
)

func TestBadSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	empty := filepath.Join(dir, "folder")
	require.NoError(t, os.Mkdir(empty, 0o700))
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	whole, err := os.ReadFile(clip)
	require.NoError(t, err)
	sound := makeClip(t, "sound.mp4", "-f", "lavfi", "-i", "sine=d=1")

	for name, c := range map[string]struct {
		cfg  Config
		want error
		text string
	}{
		"no URL":                      {Config{}, ErrConfig, "no URL"},
		"unknown scheme":              {Config{URL: "http://user:hunter2@camera/video"}, ErrConfig, "rtsp://"},
		"broken RTSP":                 {Config{URL: "rtsp://user:hunter2@:port:/x"}, ErrConfig, "percent-encoded"},
		"password with a space":       {Config{URL: "rtsp://user:my hunter2@camera/x"}, ErrConfig, "percent-encoded"},
		"RTSP without host":           {Config{URL: "rtsp:///x"}, ErrConfig, "host"},
		"negative rate":               {Config{URL: clip, FPS: -1}, ErrConfig, "frames a second"},
		"negative width":              {Config{URL: clip, MaxWidth: -1}, ErrConfig, "pixels"},
		"missing file":                {Config{URL: filepath.Join(dir, "none.mp4")}, ErrNotFound, "does not exist"},
		"empty file":                  {Config{URL: file("empty.mp4", "")}, ErrNotVideo, "is empty"},
		"empty picture":               {Config{URL: file("empty.jpg", "")}, ErrNotVideo, "is empty"},
		"text":                        {Config{URL: file("text.mp4", "This is no video at all.\n")}, ErrNotVideo, "text.mp4"},
		"text that ffmpeg would draw": {Config{URL: file("text.txt", "This is no video at all.\n")}, ErrNotVideo, "text.txt"},
		"playlist":                    {Config{URL: file("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:"+clip+"\n")}, ErrNotVideo, "list.m3u8"},
		"text as picture":             {Config{URL: file("text.jpg", "This is no picture.")}, ErrNotVideo, "text.jpg"},
		"sound only":                  {Config{URL: sound}, ErrNotVideo, "no video track"},
		"mp4 cut short":               {Config{URL: file("cut.mp4", string(whole[:len(whole)/2]))}, ErrNotVideo, "moov"},
		"empty folder":                {Config{URL: empty}, ErrNotVideo, "no pictures"},
		"device file":                 {Config{URL: "/dev/null"}, ErrNotVideo, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Pace = FullSpeed
			frames, err := all(t, c.cfg)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "hunter2")
			require.Empty(t, frames)
		})
	}
	require.ErrorIs(t, Run(t.Context(), Config{URL: clip}, nil), ErrConfig, "no logger")
}

func TestNoDecoder(t *testing.T) {
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	t.Setenv("PATH", t.TempDir())
	_, err := all(t, Config{URL: clip})
	require.ErrorIs(t, err, ErrNoDecoder)
	require.ErrorContains(t, err, "apt install ffmpeg")
}

func TestFileCutShort(t *testing.T) {
	t.Parallel()
	// An AVI's index is at its end: without it, and half its frames, the
	// rest is still to be had.
	clip := makeClip(t, "clip.avi", append(scene("10", "4"), "-c:v", "mjpeg")...)
	whole, err := os.ReadFile(clip)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(clip, whole[:len(whole)*2/3], 0o600))
	frames, err := all(t, Config{URL: clip, Pace: FullSpeed})
	require.NoError(t, err)
	require.Greater(t, len(frames), 10)
	require.Less(t, len(frames), 40)
}

func TestFileDamagedInside(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", "-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=4", "-g", "5", "-movflags", "faststart")
	whole, err := os.ReadFile(clip)
	require.NoError(t, err)
	for i := len(whole) / 2; i < len(whole)*3/4; i++ {
		whole[i] ^= byte(i*7 + 1)
	}
	require.NoError(t, os.WriteFile(clip, whole, 0o600))
	var log logTo
	frames, err := all(t, Config{URL: clip, Pace: FullSpeed, Log: log.Logger()})
	require.NoError(t, err)
	require.Greater(t, len(frames), 10)
	require.Contains(t, log.String(), "file is damaged")
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	r := start(t, Config{URL: "rtsp://user:hunter2@" + addr + "/x", retryMin: time.Millisecond})
	message := r.state("failed")
	require.Contains(t, message, ErrUnreachable.Error())
	require.Contains(t, message, "connection refused")
	require.NotContains(t, message, "hunter2")
	r.cancel()
	require.NoError(t, <-r.result)
}

func TestHostThatHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepted := make(chan net.Conn, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		close(accepted)
		for c := range accepted {
			c.Close()
		}
	})
	r := start(t, Config{URL: "rtsp://" + l.Addr().String() + "/x", Timeout: 100 * time.Millisecond, retryMin: time.Second})
	require.Contains(t, r.state("failed"), "does not answer")

	// Canceling does not wait for a host that hangs.
	r = start(t, Config{URL: "rtsp://" + l.Addr().String() + "/x", Timeout: time.Hour})
	<-accepted
	r.cancel()
	require.NoError(t, <-r.result)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	cam := simulate(t, simulator.Config{File: clip, User: "admin", Password: "hunter2 @/:?"})
	var log logTo
	r := start(t, Config{URL: cam.URL(), Log: log.Logger()})
	require.Equal(t, 320, r.frame().Width)
	r.cancel()
	require.NoError(t, <-r.result)
	require.Contains(t, log.String(), "connected to camera")
	require.NotContains(t, log.String(), "hunter2")

	host := cam.URL()[len("rtsp://admin:"):]
	host = host[len(host)-len("127.0.0.1:00000/stream"):]
	for url, text := range map[string]string{
		"rtsp://" + host:                                    "wants a user name and password",
		"rtsp://admin:swordfish@" + host:                    ErrUnauthorized.Error(),
		"rtsp://admin:hunter2%20%40%2F%3A%3F@" + host + "x": "no stream at this path",
	} {
		r := start(t, Config{URL: url, Log: log.Logger()})
		require.Contains(t, r.state("failed"), text)
	}
	require.NotContains(t, log.String(), "hunter2")
	require.NotContains(t, log.String(), "swordfish")
}

func TestMissingDevice(t *testing.T) {
	r := start(t, Config{URL: "/dev/video987", retryMin: time.Millisecond})
	require.Contains(t, r.state("failed"), "plug the camera in")
	r.cancel()
	require.NoError(t, <-r.result)
}

// TestLiveInput plays a live input such as a USB camera's, made by ffmpeg.
func TestLiveInput(t *testing.T) {
	t.Parallel()
	cfg := Config{URL: "x", Log: discard(), MaxWidth: 160, FPS: 5}
	require.NoError(t, cfg.complete())
	var frames []*event.Frame
	p := &player{cfg: cfg, states: &states{cfg: cfg}, times: timeline{log: cfg.Log}, deliver: func(f *event.Frame) { frames = append(frames, f) }}
	err := playLive(t.Context(), cfg, p, []string{"-re", "-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=1"}, nil)
	require.ErrorIs(t, err, ErrStalled, "a live input does not end")
	require.Len(t, frames, 5)
	require.Equal(t, 160, frames[0].Width)

	cfg.Timeout, cfg.FPS = 50*time.Millisecond, 0
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = playLive(ctx, cfg, p, []string{"-re", "-f", "lavfi", "-i", "testsrc=s=320x240:r=0.01"}, nil)
	require.ErrorIs(t, err, ErrStalled)
	require.NoError(t, ctx.Err())
}
