package update_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/jobs"
)

func TestJobsThatAreRejected(t *testing.T) {
	for name, c := range map[string]struct {
		document any
		edit     func(*update.Config)
		says     string
	}{
		"somebody else's": {document: map[string]any{"operation": "reboot"}, says: "not a job of Porchlight"},
		"of tomorrow":     {document: map[string]any{"porchlight": 2, "action": "dance"}, says: "its form is version 2, and this software knows version 1"},
		"action":          {document: map[string]any{"porchlight": 1, "action": "dance"}, says: `action "dance"`},
		"unknown field":   {document: map[string]any{"porchlight": 1, "action": "update_model", "prob": 1}, says: `unknown field "prob"`},
		"not an object":   {document: 5, says: "not a job of Porchlight"},
		"software": {
			document: map[string]any{"porchlight": 1, "action": "update_software", "version": "1.2.3", "url": "s3://a/b", "sha256": zeros, "size": 5},
			says:     "software updates: deployed by Greengrass",
		},
		"models off": {
			document: (&stage{t: t, files: map[string][]byte{}, server: newStage(t).server}).model("net", "good"),
			edit:     func(cfg *update.Config) { cfg.Models, cfg.NoModels = nil, "turned off by updates.models" },
			says:     "updates.models",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.edit = c.edit
			s.run()
			s.service.Add(t.Context(), "job", c.document)
			j := s.outcome("job")
			require.Equal(t, jobs.Rejected, j.Status)
			require.Contains(t, j.Details["reason"], c.says)
		})
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestSignatures(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	_, stranger, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	s := newStage(t)
	s.edit = func(cfg *update.Config) { cfg.PublicKey = public }
	s.run()

	d := s.model("net", "good")
	s.service.Add(t.Context(), "unsigned", d)
	require.Contains(t, s.outcome("unsigned").Details["reason"], "has no signature")
	require.NoError(t, d.Sign(stranger))
	s.service.Add(t.Context(), "stranger", d)
	require.Contains(t, s.outcome("stranger").Details["reason"], "does not belong to this update")
	require.NoError(t, d.Sign(private))
	d.Model.Score = 0.4
	s.service.Add(t.Context(), "changed", d)
	require.Equal(t, jobs.Rejected, s.outcome("changed").Status)
	require.NoError(t, d.Sign(private))
	d.Files[0].URL += "?elsewhere"
	s.service.Add(t.Context(), "good", d)
	require.Equal(t, jobs.Succeeded, s.outcome("good").Status)
}

// The report of a job that was done while the device was offline arrives
// when it is back, even after a restart.
func TestReportSurvivesBeingOffline(t *testing.T) {
	s := newStage(t)
	s.agent.onCheck = func(context.Context) error {
		s.broker.SetOffline(true)
		return nil
	}
	stop := s.run()
	s.service.Add(t.Context(), "job", s.model("net", "good"))
	require.Eventually(t, func() bool {
		state, err := os.ReadFile(filepath.Join(s.dir, "update", "state.json"))
		return err == nil && contains(state, `"report":{"job_id":"job"`)
	}, patience, time.Millisecond)
	stop()
	require.Equal(t, jobs.InProgress, s.service.Get("job").Status)
	s.run()
	s.broker.SetOffline(false)
	require.Equal(t, jobs.Succeeded, s.outcome("job").Status)
}

// A report that the service does not want is dropped, and the next job done.
func TestCanceledJob(t *testing.T) {
	s := newStage(t)
	checking, finish := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.agent.onCheck = func(context.Context) error {
		once.Do(func() { close(checking) })
		<-finish
		return nil
	}
	s.run()
	s.service.Add(t.Context(), "job", s.model("net", "good"))
	<-checking
	s.service.Cancel(t.Context(), "job")
	close(finish)
	s.service.Add(t.Context(), "next", s.model("other", "good"))
	require.Equal(t, jobs.Succeeded, s.outcome("next").Status)
	require.Equal(t, jobs.Canceled, s.service.Get("job").Status)
}

// A job that is canceled while it is downloaded is not done.
func TestCanceledDownload(t *testing.T) {
	s := newStage(t)
	var once sync.Once
	s.hook = func(name string) (status int) {
		if name != "net.weights" {
			return 0
		}
		once.Do(func() { s.service.Cancel(t.Context(), "job") })
		return http.StatusServiceUnavailable // for ever
	}
	s.edit = func(cfg *update.Config) { cfg.Download.Attempts, cfg.Download.Longest = 1<<30, time.Millisecond }
	s.run()
	s.service.Add(t.Context(), "job", s.model("net", "good"))
	s.service.Add(t.Context(), "next", s.model("other", "good"))
	require.Equal(t, jobs.Succeeded, s.outcome("next").Status)
	require.Equal(t, jobs.Canceled, s.service.Get("job").Status)
	require.Equal(t, "other", s.agent.now().Name)
}

func TestStateThatIsDamaged(t *testing.T) {
	s := newStage(t)
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "update"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "update", "state.json"), []byte(`{"job"`), 0o600))
	s.run()
	s.service.Add(t.Context(), "job", s.model("net", "good"))
	require.Equal(t, jobs.Succeeded, s.outcome("job").Status)
}

// A process that dies, and dies again, while a model is tried is enough.
func TestModelThatKillsTheProgram(t *testing.T) {
	for deaths, want := range map[int]jobs.Status{1: jobs.Succeeded, 3: jobs.Failed} {
		s := newStage(t)
		checking := make(chan struct{}, 10)
		left := deaths
		s.agent.onCheck = func(ctx context.Context) error {
			if left == 0 {
				return nil
			}
			left--
			checking <- struct{}{}
			<-ctx.Done() // the process is gone before it has proved anything
			return errors.New("never seen")
		}
		s.service.Add(t.Context(), "job", s.model("net", "good"))
		for range deaths {
			stop := s.run()
			<-checking
			stop()
		}
		s.run()
		j := s.outcome("job")
		require.Equal(t, want, j.Status, j.Details)
		if want == jobs.Failed {
			require.Contains(t, j.Details["reason"], "did not prove itself in 2 starts")
			require.Empty(t, s.agent.now().Name)
		}
	}
}
