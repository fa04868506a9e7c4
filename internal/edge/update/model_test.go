package update_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/jobs"
	"porchlight/internal/modelstore"
)

func TestModelUpdate(t *testing.T) {
	s := newStage(t)
	stop := s.run()
	s.service.Add(t.Context(), "job-1", s.probe(s.model("net", "good")))
	j := s.outcome("job-1")
	require.Equal(t, jobs.Succeeded, j.Status, j.Details)
	require.Equal(t, "net", j.Details["model"])
	ref := s.agent.now()
	require.Equal(t, "net", ref.Name)
	store, err := modelstore.New(modelstore.Config{Dir: t.TempDir(), Overlay: ref.Overlay, Manifest: []byte(`{"labels":{"pets":["cat","dog"]}}`)})
	require.NoError(t, err)
	require.NoError(t, store.Verify("net"))
	stop()

	active, err := update.ActiveModel(s.dir, "", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, ref, active, "the next start begins with it")
	require.NoDirExists(t, filepath.Join(s.dir, "update", "download"))

	// The same again, as another job, is done already.
	s.run()
	s.service.Add(t.Context(), "job-2", s.probe(s.model("net", "good")))
	require.Equal(t, jobs.Succeeded, s.outcome("job-2").Status)
	require.Equal(t, 1, s.requests("net.weights"))
	require.Equal(t, []string{"net"}, s.agent.history)
}

func TestModelsThatAreRolledBack(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		check   func(context.Context) error
		edit    func(*update.Document)
		says    string
	}{
		"wrong hash":  {content: "good", edit: func(d *update.Document) { d.Model.Files[0].SHA256 = "00" + d.Model.Files[0].SHA256[2:] }, says: "not the file that was announced"},
		"wrong size":  {content: "good", edit: func(d *update.Document) { d.Model.Files[0].Bytes-- }, says: "not the file that was announced"},
		"no file":     {content: "good", edit: func(d *update.Document) { d.Files[0].URL += "x" }, says: "404"},
		"garbage":     {content: "garbage", says: "rolled back: switch to the new model: OpenCV cannot read the network"},
		"panics":      {content: "panic", says: "rolled back: switch to the new model: a fault in the program"},
		"blind":       {content: "blind", says: "rolled back: probe: the new model does not see in the probe picture what it should: cat"},
		"not healthy": {content: "good", check: func(context.Context) error { return errors.New("camera door delivers no inferences") }, says: "rolled back: health check: camera door delivers"},
		"hangs":       {content: "good", check: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, says: "rolled back: health check: it took too long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			stop := s.run()
			s.service.Add(t.Context(), "first", s.model("old", "good"))
			require.Equal(t, jobs.Succeeded, s.outcome("first").Status)
			stop()
			s.agent.onCheck = c.check
			if name == "hangs" {
				s.edit = func(cfg *update.Config) { cfg.Patience = 10 * time.Millisecond }
			}
			s.run()
			d := s.probe(s.model("new", c.content))
			if c.edit != nil {
				c.edit(d)
			}
			s.service.Add(t.Context(), "bad", d)
			j := s.outcome("bad")
			require.Equal(t, jobs.Failed, j.Status)
			require.Contains(t, j.Details["reason"], c.says)
			require.Equal(t, "old", s.agent.now().Name)
			active, err := update.ActiveModel(s.dir, "", slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			require.Equal(t, "old", active.Name)
		})
	}
}

// A job that failed may be given again, and then succeed.
func TestTheSameModelAgain(t *testing.T) {
	s := newStage(t)
	s.agent.onCheck = func(context.Context) error { return errors.New("the camera is unplugged") }
	s.run()
	s.service.Add(t.Context(), "first", s.model("net", "good"))
	require.Equal(t, jobs.Failed, s.outcome("first").Status)
	s.agent.mu.Lock()
	s.agent.onCheck = nil
	s.agent.mu.Unlock()
	s.service.Add(t.Context(), "second", s.model("net", "good"))
	require.Equal(t, jobs.Succeeded, s.outcome("second").Status)
}

func TestOnlyTwoModelsAreKept(t *testing.T) {
	s := newStage(t)
	s.run()
	for _, name := range []string{"a", "b", "c"} {
		s.service.Add(t.Context(), "job-"+name, s.model(name, "good"))
		require.Equal(t, jobs.Succeeded, s.outcome("job-"+name).Status)
	}
	folders, err := os.ReadDir(filepath.Join(s.dir, "update", "models"))
	require.NoError(t, err)
	require.Len(t, folders, 2)
}

// An owner who chooses another model means it.
func TestAnotherModelIsConfigured(t *testing.T) {
	s := newStage(t)
	stop := s.run()
	s.service.Add(t.Context(), "job", s.model("net", "good"))
	s.outcome("job")
	stop()
	active, err := update.ActiveModel(s.dir, "yolox-nano", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, update.ModelRef{}, active)
}

func TestModelThatIsGone(t *testing.T) {
	s := newStage(t)
	stop := s.run()
	for _, name := range []string{"a", "b"} {
		s.service.Add(t.Context(), "job-"+name, s.model(name, "good"))
		require.Equal(t, jobs.Succeeded, s.outcome("job-"+name).Status)
	}
	stop()
	require.NoError(t, os.RemoveAll(s.agent.now().Overlay))
	log := slog.New(slog.DiscardHandler)
	active, err := update.ActiveModel(s.dir, "", log)
	require.NoError(t, err)
	require.Equal(t, "a", active.Name, "the one before")
	require.NoError(t, update.DropModel(s.dir, active, errors.New("it cannot be opened")))
	active, err = update.ActiveModel(s.dir, "", log)
	require.NoError(t, err)
	require.Equal(t, update.ModelRef{}, active)
}
