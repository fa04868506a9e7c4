package edge

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
)

// A change of the configuration touches only what has changed.
func TestChanges(t *testing.T) {
	t.Parallel()
	b, log := newBackend(t), &memory{}
	picture := flicker(t)
	camera := config.Camera{Source: picture, FPS: 5, MaxWidth: 320, Loop: true, Quiet: time.Second}
	b.config.Cameras["door"], b.config.Cameras["yard"] = camera, camera
	var opened atomic.Int32
	ready := make(chan struct{}, 10)
	a := b.agent(Options{Version: "1", Log: log.Logger(), OnReady: func() { ready <- struct{}{} }, Open: func(cfg *config.Config, m update.ModelRef) (*Eyes, error) {
		opened.Add(1)
		if cfg.Detector.Model == "missing" {
			return nil, errors.New("model missing is not installed")
		}
		return openRed(cfg, m)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.run(ctx) }()
	is := func(camera string, want event.CameraState) {
		t.Helper()
		require.Eventually(t, func() bool {
			states := b.said(camera)
			return len(states) > 0 && states[len(states)-1] == want
		}, patience, 10*time.Millisecond, "%s is never %s", camera, want)
	}
	change := func(edit func(*config.Config)) {
		next := *b.config
		next.Cameras = maps.Clone(next.Cameras)
		edit(&next)
		b.config = &next
		b.changes <- &next
	}
	stopped := func(camera string) int { return strings.Count(log.String(), `msg="camera stopped" camera=`+camera) }
	is("home.door", event.CameraRunning)
	is("home.yard", event.CameraRunning)
	<-ready

	change(func(c *config.Config) { private := camera; private.Privacy = true; c.Cameras["door"] = private })
	is("home.door", event.CameraPrivate)
	change(func(c *config.Config) { delete(c.Cameras, "door"); c.Cameras["shed"] = camera })
	is("home.shed", event.CameraRunning)
	change(func(c *config.Config) { c.Detector.Model = "missing" })
	log.find(t, "the new networks cannot be used")
	require.Equal(t, 1, stopped("home.door"))
	require.Zero(t, stopped("home.yard"), "nothing of it has changed")

	change(func(c *config.Config) { c.Detector.Model = "other" })
	require.Eventually(t, func() bool { return stopped("home.yard") == 1 }, patience, 10*time.Millisecond)
	require.EqualValues(t, 3, opened.Load())
	first := b.lastSession()
	change(func(c *config.Config) { c.Spool.MaxAge = 2 * time.Hour })
	require.Eventually(t, func() bool { return b.lastSession() > first }, patience, 10*time.Millisecond, "it starts anew")
	is("home.yard", event.CameraRunning)
	require.NotContains(t, b.now(), "home.door", "a camera that is gone is not spoken of")

	second := b.lastSession()
	change(func(c *config.Config) { c.IoT.Certificate = "missing.pem" })
	log.find(t, "the new configuration cannot be used; the last one goes on")
	require.Eventually(t, func() bool { return b.lastSession() > second }, patience, 10*time.Millisecond)
	is("home.yard", event.CameraRunning)
	cancel()
	require.NoError(t, <-ended)
	require.Empty(t, ready, "ready is said once")
}

func (b *backend) lastSession() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.status) == 0 {
		return ""
	}
	return b.status[len(b.status)-1].Session
}

// now returns the cameras that the last status spoke of.
func (b *backend) now() (cameras []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.status[len(b.status)-1].Cameras {
		cameras = append(cameras, c.Camera)
	}
	return cameras
}

// A device that cannot start says why and ends, unless it is asked to wait.
func TestADeviceThatCannotStart(t *testing.T) {
	t.Parallel()
	b, log := newBackend(t), &memory{}
	blind := Options{Version: "1", Log: log.Logger(), Open: func(cfg *config.Config, m update.ModelRef) (*Eyes, error) {
		if cfg.Detector.Model == "" {
			return nil, errors.New("no detector could be opened")
		}
		return openRed(cfg, m)
	}}
	require.ErrorContains(t, b.agent(blind).run(t.Context()), "no detector")

	blind.Patient = true
	b.config.Cameras["yard"] = config.Camera{Privacy: true}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	a := b.agent(blind)
	go func() { ended <- a.run(ctx) }()
	log.find(t, "waiting for another")
	next := *b.config
	next.Detector.Model = "red"
	b.changes <- &next
	require.Eventually(t, func() bool { return len(b.said("home.yard")) > 0 }, patience, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}
