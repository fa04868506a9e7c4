package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/atomicfile"
	"porchlight/internal/backoff"
	"porchlight/internal/media/matroska"
)

const (
	stateVersion = 1
	maxState     = 1 << 20 // bytes
	maxDone      = 512     // stretches, with half a minute between two that is a day of events
)

var (
	errState       = errors.New("state of the upload is damaged")
	errOtherStream = errors.New("state is of another stream")
)

// state is what survives a restart: the events in work, and which times are
// taken care of, so that nothing that is safe is sent again.
type state struct {
	Version int
	Stream  string
	Events  []savedEvent
	Done    [][2]int64 // milliseconds since 1970, both included
}

type savedEvent struct {
	ID          string
	From, Until int64          // milliseconds since 1970
	Images      bool           `json:",omitempty"`
	Notify      bool           `json:",omitempty"`
	Tags        []matroska.Tag `json:",omitempty"`
}

func parseState(data []byte, stream string) (events []Event, done times, _ error) {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errState, err)
	}
	switch {
	case s.Version != stateVersion:
		return nil, nil, fmt.Errorf("%w: it has version %d, not %d", errState, s.Version, stateVersion)
	case s.Stream != stream:
		return nil, nil, fmt.Errorf("%w: %s", errOtherStream, s.Stream)
	case len(s.Events) > maxEvents || len(s.Done) > maxDone:
		return nil, nil, fmt.Errorf("%w: it has %d events and %d stretches", errState, len(s.Events), len(s.Done))
	}
	var check plan
	for _, e := range s.Events {
		event := Event{e.ID, time.UnixMilli(e.From), time.UnixMilli(e.Until), e.Images, e.Notify, e.Tags}
		if _, err := check.begin(event); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errState, err)
		}
		events = append(events, event)
	}
	for _, d := range s.Done {
		if d[0] < 0 || d[1] < d[0] {
			return nil, nil, fmt.Errorf("%w: a stretch from %d to %d", errState, d[0], d[1])
		}
		done.add(d[0], d[1])
	}
	return events, done, nil
}

// restore takes up what was in work before a restart. A file that cannot be
// used is set aside: the next events are worth more than the last.
func (p *Producer) restore() {
	if p.cfg.StateFile == "" {
		return
	}
	data, err := readState(p.cfg.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var events []Event
	var done times
	if err == nil {
		events, done, err = parseState(data, p.cfg.Stream)
	}
	if err != nil {
		aside := p.cfg.StateFile + ".aside"
		p.log.Error("what waited for upload before the restart is not known", "error", err, "kept", aside)
		if err := os.Rename(p.cfg.StateFile, aside); err != nil {
			p.log.Error("the state of the upload cannot be set aside", "error", err)
		}
		return
	}
	for _, e := range events {
		_, _ = p.plan.begin(e) // has been checked
	}
	for i := range p.plan.events {
		p.plan.events[i].restored = true
	}
	p.done, p.unsure = done, len(events) > 0
	if p.unsure {
		p.log.Info("events wait for upload since before the restart", "events", len(events))
	}
}

func readState(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil && len(data) > maxState {
		err = fmt.Errorf("%w: it is longer than %d bytes", errState, maxState)
	}
	return data, err
}

// dirty has the state saved.
func (p *Producer) dirty() {
	select {
	case p.unsaved <- struct{}{}:
	default:
	}
}

// save saves the state at every change, but not much more often than once in
// Timing.Save, until ctx ends.
func (p *Producer) save(ctx context.Context) {
	if p.cfg.StateFile == "" {
		return
	}
	failed := false
	for {
		select {
		case <-ctx.Done():
			select {
			case <-p.unsaved:
			default:
				return
			}
		case <-p.unsaved:
		}
		err := p.saveNow()
		if err != nil && !failed {
			p.log.Error("what waits for upload would be forgotten by a restart", "error", err)
		}
		if err != nil {
			p.dirty()
		}
		if failed = err != nil; failed && ctx.Err() != nil {
			return
		}
		backoff.Pause(ctx, p.timing.Save)
	}
}

func (p *Producer) saveNow() error {
	p.mu.Lock()
	s := state{Version: stateVersion, Stream: p.cfg.Stream}
	for _, e := range p.plan.events {
		s.Events = append(s.Events, savedEvent{e.id, e.from, e.until, e.event.Images, e.event.Notify, e.event.Tags})
	}
	p.done.bound(maxDone)
	for _, d := range p.done {
		s.Done = append(s.Done, [2]int64{d.from, d.to})
	}
	p.mu.Unlock()
	data, err := json.Marshal(s)
	if err != nil {
		return err // never
	}
	if err := os.MkdirAll(filepath.Dir(p.cfg.StateFile), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(p.cfg.StateFile, data, 0o600)
}
