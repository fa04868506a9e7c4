package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"porchlight/internal/atomicfile"
	"porchlight/internal/edge/update/jobs"
)

// mostRecent jobs are remembered once they are done.
const mostRecent = 20

// state is what of the work on jobs must outlive the process. Together with
// the slots it says, whenever the power goes, how to go on.
type state struct {
	Job    *job     `json:"job,omitempty"`    // at work
	Report *report  `json:"report,omitempty"` // how the last one ended, which the service does not know yet
	Recent []report `json:"recent,omitempty"` // oldest first
}

// job is one that is at work.
type job struct {
	jobs.Execution
	Restarts int `json:"restarts,omitempty"` // of the program that were asked for, to begin its trial
}

// key tells executions apart.
func (j job) key() string { return fmt.Sprintf("%s#%d", j.JobID, j.Number) }

// report is how a job ended.
type report struct {
	JobID   string            `json:"job_id"`
	Number  int64             `json:"execution"`
	Version int64             `json:"version"`
	Status  jobs.Status       `json:"status"`
	Details map[string]string `json:"details"`
}

// stateFile is where the state is kept.
func stateFile(stateDir string) string { return filepath.Join(stateDir, "update", "state.json") }

// load reads the state. A damaged file is as good as none: the service still
// has the job in progress and hands it out again.
func (u *Updater) load() error {
	data, err := os.ReadFile(stateFile(u.cfg.StateDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("state of updates: %w", err)
	}
	if err := json.Unmarshal(data, &u.state); err != nil {
		u.cfg.Log.Error("state of updates is damaged, beginning anew", "error", err)
		u.state = state{}
	}
	return nil
}

func (u *Updater) save() error {
	data, err := json.Marshal(u.state)
	if err != nil {
		return err
	}
	file := stateFile(u.cfg.StateDir)
	if err = os.MkdirAll(filepath.Dir(file), 0o700); err == nil {
		err = atomicfile.Write(file, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("state of updates: %w", err)
	}
	return nil
}

// done replaces the job by its report.
func (u *Updater) done(r report) error {
	u.state.Job, u.state.Report = nil, &r
	u.state.Recent = append(u.state.Recent, r)
	if n := len(u.state.Recent) - mostRecent; n > 0 {
		u.state.Recent = u.state.Recent[n:]
	}
	return u.save()
}

// recent finds the report of an execution that was done before.
func (u *Updater) recent(e *jobs.Execution) *report {
	for _, r := range u.state.Recent {
		if r.JobID == e.JobID && r.Number == e.Number {
			return &r
		}
	}
	return nil
}
