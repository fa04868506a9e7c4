package update_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/slot"
)

// versions makes a state folder in which a version is in use, and one before.
func versions(t *testing.T, names ...string) (dir string, s slot.Slot) {
	t.Helper()
	dir = t.TempDir()
	s = slot.At(filepath.Join(dir, "software", "current"))
	for _, name := range names {
		require.NoError(t, s.Try(name, "job", "1.0.0"))
		require.NoError(t, s.Confirm(name))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "software", name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "software", name, "camera"), []byte("#!/bin/sh\n"), 0o700))
	}
	return dir, s
}

func TestLaunchBecomesTheVersionInUse(t *testing.T) {
	dir, _ := versions(t, "2.0.0")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "software", "2.0.0", "lib"), 0o700))
	became := errors.New("exec never returns")
	var program string
	var environ []string
	l := update.Launch{
		StateDir: dir, Installed: "1.0.0", Argv: []string{"camera", "-log", "json"}, Log: slog.New(slog.DiscardHandler),
		Environ: []string{"A=b", "LD_LIBRARY_PATH=/lib"},
		Exec: func(p string, argv, env []string) error {
			program, environ = p, env
			require.Equal(t, []string{"camera", "-log", "json"}, argv)
			panic(became)
		},
	}
	require.PanicsWithValue(t, became, func() { _, _ = l.Run() })
	folder := filepath.Join(dir, "software", "2.0.0")
	require.Equal(t, filepath.Join(folder, "camera"), program)
	require.Contains(t, environ, "A=b")
	require.Contains(t, environ, "LD_LIBRARY_PATH="+filepath.Join(folder, "lib")+":/lib")

	// The program that it became knows what it is.
	l.Environ = environ
	launched, err := l.Run()
	require.NoError(t, err)
	require.Equal(t, update.Launched{Version: "2.0.0", Installed: "1.0.0"}, launched)
}

func TestLaunchGoesBackToWhatCanBeStarted(t *testing.T) {
	dir, s := versions(t, "2.0.0", "3.0.0")
	require.NoError(t, os.Remove(filepath.Join(dir, "software", "3.0.0", "camera")))
	var tried []string
	launched, err := update.Launch{
		StateDir: dir, Installed: "1.0.0", Argv: []string{"camera"}, Log: slog.New(slog.DiscardHandler),
		Exec: func(p string, _, _ []string) error {
			tried = append(tried, p)
			return errors.New("exec format error")
		},
	}.Run()
	require.NoError(t, err)
	require.Equal(t, update.Launched{Installed: "1.0.0"}, launched)
	require.Equal(t, []string{filepath.Join(dir, "software", "2.0.0", "camera")}, tried)
	c, err := s.Read()
	require.NoError(t, err)
	require.Equal(t, "2.0.0", c.Failed)
	require.Contains(t, c.Reason, "exec format error")
}

func TestLaunchOfANewerInstallation(t *testing.T) {
	dir, _ := versions(t, "2.0.0")
	launched, err := update.Launch{
		StateDir: dir, Installed: "2.1.0", Argv: []string{"camera"}, Log: slog.New(slog.DiscardHandler),
		Exec: func(string, []string, []string) error { t.Error("the older one was started"); return nil },
	}.Run()
	require.NoError(t, err)
	require.Equal(t, update.Launched{Installed: "2.1.0"}, launched)
}

func TestLaunchWithoutUpdatesWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	launched, err := update.Launch{StateDir: dir, Installed: "1.0.0", Argv: []string{"camera"}, Log: slog.New(slog.DiscardHandler)}.Run()
	require.NoError(t, err)
	require.Equal(t, update.Launched{Installed: "1.0.0"}, launched)
	require.NoDirExists(t, dir)
}
