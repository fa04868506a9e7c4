package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

func TestUsage(t *testing.T) {
	var out, fault bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-nonsense"}, &out, &fault), errUsage)
	require.Contains(t, fault.String(), "-nonsense")
	fault.Reset()
	require.NoError(t, run(t.Context(), []string{"-h"}, &out, &fault))
	require.Contains(t, fault.String(), "-config")
	require.Empty(t, out.String())
}

func TestAConfigurationThatCannotBeUsed(t *testing.T) {
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "porchlight.yaml")
	require.ErrorIs(t, run(t.Context(), []string{"-config", file}, &out, &out), os.ErrNotExist)
	require.NoError(t, os.WriteFile(file, []byte("thing: [home"), 0o600))
	require.ErrorIs(t, run(t.Context(), []string{"-config", file, "-log", "json"}, &out, &out), config.ErrInvalid)
}

func TestCheck(t *testing.T) {
	var out, fault bytes.Buffer
	file := filepath.Join(t.TempDir(), "porchlight.yaml")
	good := "thing: home\nstate_dir: s\niot: {endpoint: 'h:1', credentials_endpoint: 'h:2', role_alias: a, certificate: c, private_key: k}\n" +
		"cloud: {thumbnail_bucket: b}\ncameras: {door: {source: rtsp://door"
	require.NoError(t, os.WriteFile(file, []byte(good+"}}"), 0o600))
	require.NoError(t, run(t.Context(), []string{"-check", "-config", file}, &out, &fault))
	require.Contains(t, fault.String(), "is good: 1 cameras")
	require.NoError(t, os.WriteFile(file, []byte(good+", fps: many}}"), 0o600))
	require.ErrorContains(t, run(t.Context(), []string{"-check", "-config", file}, &out, &fault), "cameras.door.fps")
}

func TestLine(t *testing.T) {
	at := event.At(time.Now())
	e := event.Event{State: event.Started, Camera: "home.door", StartedAt: at, UpdatedAt: at, Labels: map[string]float64{"person": 0.914}}
	require.Contains(t, line(e), "started  home.door  person 91%")
	require.NotContains(t, line(e), " s)")
	end := event.At(at.Add(1500 * time.Millisecond))
	e.State, e.EndedAt = event.Ended, &end
	require.Contains(t, line(e), "(1.5 s)")
}
