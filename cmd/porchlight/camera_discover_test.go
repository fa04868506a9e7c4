package main

import (
	"context"
	"fmt"
	"image/jpeg"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	camera "porchlight/internal/capture/simulator"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/onvif/simulator"
)

// theUser and thePassword are what the simulated cameras want.
const theUser, thePassword = "admin", "s3cret@1"

// streams simulates the two streams of a camera.
func streams(t *testing.T) (profiles []simulator.Profile) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	dir := t.TempDir()
	for _, p := range []simulator.Profile{{Token: "main", Width: 800, Height: 600}, {Token: "sub", Width: 640, Height: 480}} {
		clip := filepath.Join(dir, p.Token+".mp4")
		size := fmt.Sprintf("testsrc=r=5:d=1:s=%dx%d", p.Width, p.Height)
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", size, clip).CombinedOutput()
		require.NoError(t, err, "%s", out)
		cam, err := camera.New(t.Context(), camera.Config{File: clip, User: theUser, Password: thePassword, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		t.Cleanup(cam.Close)
		p.Name, p.Source, p.Codec, p.FPS, p.Kbps, p.PTZ = p.Token+"Stream", "lens", "H264", 5, 500, true
		_, p.Stream, _ = strings.Cut(cam.URL(), "@")
		p.Stream = "rtsp://" + p.Stream
		profiles = append(profiles, p)
	}
	return profiles
}

// onvifCamera simulates a camera that offers streams, whose clock is wrong.
func onvifCamera(t *testing.T, profiles []simulator.Profile, change func(*simulator.Config)) *simulator.Camera {
	t.Helper()
	cfg := simulator.Config{
		Name: "Front door", Manufacturer: "Acme", Model: "Eye 4", Firmware: "1.2", User: theUser, Password: thePassword, Media2: true,
		ClockAhead: -40 * 24 * time.Hour, Profiles: profiles, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	cam, err := simulator.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(cam.Close)
	return cam
}

// passwordFile keeps a password in a file.
func passwordFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(path, []byte(password+"\n"), 0o600))
	return path
}

func TestDiscoverProposesWhatStreamsAtOnce(t *testing.T) {
	cam := onvifCamera(t, streams(t), nil)
	dir := t.TempDir()
	settings := filepath.Join(dir, "porchlight.yaml")
	const before = "# my home\ncameras:\n  yard: # behind\n    source: /dev/video0\n\ndetector:\n  model: yolox-nano # small\n"
	require.NoError(t, os.WriteFile(settings, []byte(before), 0o644))
	args := []string{"camera", "discover", "--address", cam.Host(), "--user", "admin", "--password-file", passwordFile(t, thePassword), "--write", settings}

	r := porchlight(t, append(args, "--with-password")...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, "front-door: added to "+settings+"\n", r.stdout)
	require.NotContains(t, r.stderr, "s3cret")
	for file, width := range map[string]int{"front-door.jpg": 640, "front-door-record.jpg": 800} {
		require.Contains(t, r.stderr, file)
		f, err := os.Open(filepath.Join(dir, file))
		require.NoError(t, err)
		defer f.Close()
		picture, err := jpeg.Decode(f)
		require.NoError(t, err)
		require.Equal(t, width, picture.Bounds().Dx())
	}
	text, err := os.ReadFile(settings)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	require.Equal(t, before, strings.Join(append(lines[:4:4], lines[len(lines)-4:]...), ""), "what was there stays to the letter")
	info, err := os.Stat(settings)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm(), "it holds a password now")

	// The configuration streams as it is.
	section := "cameras:\n" + strings.Join(lines[4:len(lines)-4], "")
	c, err := config.ParseCamera([]byte(section))
	require.NoError(t, err, section)
	for source, width := range map[string]int{c.Source: 640, c.Record.Source: 800} {
		frames := make(chan int, 1)
		watch := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			watch <- capture.Run(ctx, capture.Config{URL: source, Log: slog.New(slog.DiscardHandler)}, func(f *event.Frame) {
				select {
				case frames <- f.Width:
				default:
				}
			})
		}()
		select {
		case got := <-frames:
			require.Equal(t, width, got)
			cancel()
			require.NoError(t, <-watch)
		case err := <-watch:
			t.Fatalf("it ended: %v", err)
		case <-time.After(time.Minute):
			t.Fatal("no picture")
		}
	}

	// Again: nothing is added twice, nor changed.
	r = porchlight(t, append(args, "--no-prove")...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "is in "+settings+" already")
	again, err := os.ReadFile(settings)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
	r = porchlight(t, append(args, "--no-prove", "--force")...)
	require.Equal(t, 0, r.code, r.stderr)
	forced, err := os.ReadFile(settings)
	require.NoError(t, err)
	require.Equal(t, string(text), string(forced), "a sign-in is not lost by force")
}

func TestDiscoverPrints(t *testing.T) {
	cam := onvifCamera(t, []simulator.Profile{
		{Token: "main", Name: "mainStream", Codec: "H264", Width: 800, Height: 600, FPS: 5, Kbps: 500, PTZ: true, Stream: "rtsp://127.0.0.1/main"},
		{Token: "sub", Codec: "H264", Width: 640, Height: 480, Stream: "rtsp://127.0.0.1/sub"},
	}, nil)
	t.Setenv(cameraPassword, thePassword)
	args := []string{"camera", "discover", "--address", cam.Host(), "--user", "admin", "--no-prove"}
	r := porchlight(t, args...)
	require.Equal(t, 0, r.code, r.stderr)
	require.NotContains(t, r.stdout+r.stderr, "s3cret")
	require.Contains(t, r.stdout, "cameras:\n  front-door:\n    # It wants a sign-in")
	require.Contains(t, r.stdout, "    # Acme Eye 4, firmware 1.2, PTZ, events of its own, its clock is 960h")
	require.Contains(t, r.stdout, "    # mainStream: 800x600 h264, 5/s, 500 kbit/s\n")
	_, err := config.ParseCamera([]byte(r.stdout))
	require.NoError(t, err)
	r = porchlight(t, append(args, "--with-password")...)
	require.Contains(t, r.stdout, "source: rtsp://admin:s3cret%401@127.0.0.1/sub\n")

	r = porchlight(t, append(args, "--json")...)
	require.Equal(t, 0, r.code, r.stderr)
	require.NotContains(t, r.stdout, "s3cret")
	list := lines[map[string]map[string]any](t, r)
	require.Len(t, list, 2)
	require.Equal(t, "front-door", list[0]["camera"]["name"])
	require.Equal(t, "new", list[0]["camera"]["state"])
	device, _ := list[0]["camera"]["device"].(map[string]any)
	require.Equal(t, []any{"Acme", true, false}, []any{device["manufacturer"], device["ptz"], device["backchannel"]})
	require.Len(t, device["profiles"], 2)
	require.Equal(t, map[string]any{"found": 1.0, "ready": 1.0, "problems": 0.0}, list[1]["summary"])
}

func TestDiscoverSaysWhatIsWrong(t *testing.T) {
	pictures := t.TempDir()
	run := func(cam *simulator.Camera, password string, more ...string) result {
		args := append([]string{"camera", "discover", "--address", cam.Host(), "--pictures", pictures}, more...)
		if password != "" {
			args = append(args, "--user", "admin", "--password-file", passwordFile(t, password))
		}
		return porchlight(t, args...)
	}
	profiles := streams(t)[:1]
	cam := onvifCamera(t, profiles, nil)
	r := run(cam, "wr0ng")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "refuses the user name or password")
	require.Contains(t, r.stderr, "ONVIF user")
	require.Empty(t, r.stdout)
	require.NotContains(t, r.stderr, "wr0ng")

	r = run(cam, "")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "give --user, and the password with --password-file or PORCHLIGHT_CAMERA_PASSWORD")

	r = run(onvifCamera(t, profiles, func(c *simulator.Config) {
		c.Answer = func(string, []byte) []byte { return []byte("<html>Sign in</html>") }
	}), thePassword, "--json")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "not ONVIF")
	require.Contains(t, r.stderr, "update its firmware")
	list := lines[map[string]map[string]any](t, r)
	require.Contains(t, list[0]["problem"]["error"], "not ONVIF")

	// The streams want another password than ONVIF.
	r = run(onvifCamera(t, profiles, func(c *simulator.Config) { c.Password = "other" }), "other", "--write", filepath.Join(pictures, "c.yaml"))
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "no picture came")
	require.Contains(t, r.stderr, "source rtsp://127.0.0.1:")
	require.Contains(t, r.stderr, "refuses the user name or password")
	require.NoFileExists(t, filepath.Join(pictures, "c.yaml"), "what is not proven is not written")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := l.Addr().String()
	l.Close()
	r = porchlight(t, "camera", "discover", "--address", host)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "cannot be reached")
	require.Contains(t, r.stderr, "check that it is switched on")
}

func TestDiscoverSearches(t *testing.T) {
	loopback := ""
	all, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			loopback = i.Name
		}
	}
	// Other tests may search at the same time, and be found.
	name := fmt.Sprintf("porch-%d", os.Getpid())
	cam, err := simulator.New(t.Context(), simulator.Config{
		Name: name, Interface: loopback, Group: "239.255.255.250:3702", Log: slog.New(slog.DiscardHandler),
		Profiles: []simulator.Profile{{Token: "a", Codec: "H264", Width: 640, Height: 480, Stream: "rtsp://127.0.0.1/" + name}},
	})
	if err != nil {
		t.Skipf("loopback takes no multicast here: %v", err)
	}
	defer cam.Close()
	for _, wait := range []string{"500ms", "5s", "30s"} {
		r := porchlight(t, "camera", "discover", "--interface", loopback, "--wait", wait, "--no-prove")
		if strings.Contains(r.stderr, "network cannot be searched") {
			t.Skip("loopback takes no multicast here: " + r.stderr)
		}
		if wait != "30s" && !strings.Contains(r.stdout, name) {
			continue // a busy machine
		}
		require.Contains(t, r.stdout, "  "+name+":\n", r.stderr)
		require.Contains(t, r.stdout, "    source: rtsp://127.0.0.1/"+name+"\n")
		return
	}
}

func TestDiscoverFindsNobody(t *testing.T) {
	d := &discovery{interfaces: []string{"eth0", "wlan0"}}
	require.ErrorContains(t, d.verdict(), "no camera has answered on eth0, wlan0")
	require.ErrorContains(t, d.verdict(), "--address")
	r := porchlight(t, "camera", "discover", "--interface", "nosuch0")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "there is no interface nosuch0")
}

func TestDiscoverRefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{
		{"--address", "http://u:hunter2@h"}, {"--address", ""}, {"--wait", "0s"}, {"--address", "a", "--interface", "b"},
		{"--password-file", "x"}, {"--force"}, {"more"},
	} {
		r := porchlight(t, append([]string{"camera", "discover"}, args...)...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Contains(t, r.stderr, "--help")
		require.NotContains(t, r.stderr, "hunter2")
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("cameras: [a"), 0o644))
	r := porchlight(t, "camera", "discover", "--address", "127.0.0.1:1", "--write", bad)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "bad.yaml")
}
