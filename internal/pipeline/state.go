package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"porchlight/internal/region"
)

// stateFile keeps what must survive a restart: where objects stand, and how
// large they are where. The open event is not in it: whoever publishes events
// has to note them anyway, and hands it back as Config.Resume.
type stateFile struct {
	path  string
	saved time.Time
}

// saved is the form of the file.
type saved struct {
	Version  int             `json:"version"`
	Grid     *region.Grid    `json:"grid"`
	Tracks   json.RawMessage `json:"tracks"`
	AlertEnd time.Time       `json:"alert_end"` // of the last alert, for the cool-down
}

const (
	stateVersion = 1
	saveEvery    = time.Minute
	maxState     = 8 << 20 // bytes
)

func (s *stateFile) due(now time.Time) bool { return s.path != "" && now.Sub(s.saved) >= saveEvery }

// restore reads the state file and returns the grid in it, or an empty one,
// and whether there was one.
func (p *Pipeline) restore() (grid *region.Grid, known bool) {
	s, err := p.state.read()
	if err == nil && s != nil {
		err = p.tracker.Restore(s.Tracks)
	}
	if err != nil {
		p.cfg.Log.Warn("what was learnt of this camera cannot be read and is learnt anew", "file", p.state.path, "error", err)
	}
	if err != nil || s == nil {
		return &region.Grid{}, false
	}
	p.recorder.severity.alertEnd = s.AlertEnd
	return s.Grid, true
}

func (s *stateFile) read() (*saved, error) {
	if s.path == "" {
		return nil, nil
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Size() > maxState:
		return nil, fmt.Errorf("it has %d bytes, the most is %d", info.Size(), maxState)
	}
	data, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	state := saved{Grid: &region.Grid{}}
	if err := json.Unmarshal(data, &state); err != nil {
		return nil, err
	}
	if state.Version != stateVersion || state.Grid == nil {
		return nil, fmt.Errorf("it is of version %d, this program reads %d", state.Version, stateVersion)
	}
	return &state, nil
}

// save writes the state file. A fault is logged: the camera goes on, and only
// forgets at the next restart.
func (p *Pipeline) save(now time.Time) {
	if p.state.path == "" || p.last.IsZero() {
		return // without a frame nothing has been learnt
	}
	p.state.saved = now
	tracks, err := p.tracker.Save()
	if err == nil {
		err = p.state.write(saved{
			Version: stateVersion, Grid: p.look.grid, Tracks: tracks, AlertEnd: p.recorder.severity.alertEnd,
		})
	}
	if err != nil {
		p.cfg.Log.Warn("what was learnt of this camera cannot be kept", "file", p.state.path, "error", err)
	}
}

func (s *stateFile) write(state saved) error {
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	temporary := s.path + ".tmp"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	// On the disk before the rename, which else could leave an empty file
	// behind a power cut.
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, s.path)
}
