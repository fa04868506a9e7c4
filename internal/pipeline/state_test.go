package pipeline_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

func TestAStateFileThatCannotBeUsedIsLoggedAndReplaced(t *testing.T) {
	for name, content := range map[string][]byte{
		"damaged":            []byte(`{"version":1,"grid"`),
		"empty":              {},
		"not an object":      []byte(`[1,2,3]`),
		"null":               []byte(`null`),
		"of another version": []byte(`{"version":2,"grid":{},"tracks":null}`),
		"without a grid":     []byte(`{"version":1,"grid":null,"tracks":null}`),
		"without tracks":     []byte(`{"version":1}`),
		"bad tracks":         []byte(`{"version":1,"tracks":{"version":1,"tracks":[{"id":-1}]}}`),
		"oversized":          bytes.Repeat([]byte(" "), 8<<20+1),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "door.json")
			require.NoError(t, os.WriteFile(file, content, 0o600))
			var log bytes.Buffer
			s := newStage(t, func(c *pipeline.Config) {
				c.StateFile, c.Log = file, slog.New(slog.NewTextHandler(&log, nil))
			})
			require.Contains(t, log.String(), file)
			require.Contains(t, log.String(), "learnt anew")
			s.pass(person, 4*time.Second)
			s.idle(4 * time.Second)
			require.Equal(t, event.Ended, s.only().State)
			require.NoError(t, s.line.Close(t.Context()))
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var saved struct{ Version int }
			require.NoError(t, json.Unmarshal(data, &saved))
			require.Equal(t, 1, saved.Version)
			log.Reset()
			s.restart(nil)
			require.Empty(t, log.String(), "the new one can be read")
			left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
			require.NoError(t, err)
			require.Equal(t, []string{file}, left, "nothing else is left behind")
		})
	}
}

func TestAStateFolderThatCannotBeWrittenIsOnlyLogged(t *testing.T) {
	var log bytes.Buffer
	s := newStage(t, func(c *pipeline.Config) {
		c.StateFile = filepath.Join(t.TempDir(), "missing", "door.json")
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	s.pass(person, 4*time.Second)
	s.idle(4 * time.Second)
	require.Equal(t, event.Ended, s.only().State)
	require.NoError(t, s.line.Close(t.Context()))
	require.Contains(t, log.String(), "cannot be kept")
}

func TestTheStateIsKeptEveryMinute(t *testing.T) {
	file := filepath.Join(t.TempDir(), "door.json")
	s := newStage(t, func(c *pipeline.Config) { c.StateFile = file })
	written := func() time.Time {
		info, err := os.Stat(file)
		require.NoError(t, err)
		return info.ModTime()
	}
	require.NoError(t, os.Chtimes(file, start, start))
	s.idle(50 * time.Second)
	require.True(t, written().Equal(start), "not more often: flash wears out")
	s.idle(20 * time.Second)
	require.False(t, written().Equal(start))
}

// A camera that never gave a picture has learnt nothing that could be kept.
func TestWithoutAFrameNothingIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "door.json")
	s := coldStage(t, func(c *pipeline.Config) { c.StateFile = file })
	require.NoError(t, s.line.Close(t.Context()))
	require.NoFileExists(t, file)
}
