package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
)

// restarts is a camera whose producer is stopped and begun anew, with all that
// it has on disk: recordings and the state file.
type restarts struct {
	*rig
	older *recording
	file  string
	stop  func()
}

func newRestarts(t *testing.T, change func(*Config)) *restarts {
	s := &restarts{older: &recording{}, file: filepath.Join(t.TempDir(), "state", "door.json")}
	s.rig = newRig(t, func(c *Config) {
		c.Older, c.StateFile = s.older, s.file
		c.Timing.Save, c.Timing.Settle, c.Timing.Grace = time.Millisecond, time.Millisecond, time.Millisecond
		if change != nil {
			change(c)
		}
	})
	s.camera.origin = s.camera.origin.Add(-10 * time.Minute)
	s.camera.at = s.camera.origin
	s.camera.gops(1)
	s.run()
	return s
}

func (s *restarts) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	p := s.Producer
	go func() {
		defer close(done)
		_ = p.Run(ctx)
	}()
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			<-done
		})
	}
	s.t.Cleanup(s.stop)
}

// again begins a new process: its ring is empty, and what the old one held is
// recorded. film is done before it runs.
func (s *restarts) again(change func(*Config), film func()) {
	s.stop()
	s.older.set(record(s.ring))
	cfg := s.cfg
	cfg.Ring = media.NewRing(media.RingConfig{Keep: time.Hour, Log: discard()})
	if change != nil {
		change(&cfg)
	}
	s.ring = cfg.Ring
	s.camera.ring = cfg.Ring
	sent := s.service.list()
	s.Producer = New(cfg)
	s.service.persists = func() int64 { return int64(len(sent)) + s.Stats().Persisted }
	if film != nil {
		film()
	}
	s.run()
}

// saved waits until the state file says so.
func (s *restarts) saved(ok func(state) bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		data, err := os.ReadFile(s.file)
		var now state
		return err == nil && json.Unmarshal(data, &now) == nil && ok(now)
	}, patience, time.Millisecond)
}

// event is a stretch of the camera's seconds.
func (s *restarts) event(id string, from, to int) Event {
	at := func(i int) time.Time { return s.camera.origin.Add(time.Duration(i)*time.Second + 10*time.Millisecond) }
	return Event{ID: id, From: at(from), Until: at(to).Add(-100 * time.Millisecond), Images: true, Tags: []matroska.Tag{{Name: "label", Value: id}}}
}

// offline has all uploads refused until the function it returns is called.
func (s *restarts) offline() (online func()) {
	var mu sync.Mutex
	on := false
	s.service.onRequest = func(m *moment) bool {
		mu.Lock()
		defer mu.Unlock()
		return !on && m.reject(503, "")
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		on = true
	}
}

// held is what the service in the test holds.
type held struct {
	*service
	errs []error
}

func (h *held) Held(_ context.Context, stream string, from, to time.Time, found func(time.Time, time.Duration)) error {
	if stream != "door" || !to.After(from) {
		return errors.New("asked for nothing")
	}
	if len(h.errs) > 0 {
		err := h.errs[0]
		h.errs = h.errs[1:]
		return err
	}
	for _, f := range h.list() {
		if at := time.UnixMilli(f.timecode); !at.Before(from) && !at.After(to) {
			found(at, time.Duration(f.end-f.timecode+100)*time.Millisecond)
		}
	}
	return nil
}

// TestRestart: an event goes on over a restart; what is safe is not sent again
// and what is not, is.
func TestRestart(t *testing.T) {
	s := newRestarts(t, nil)
	e := s.event("E", 1, 20)
	require.NoError(t, s.Begin(e))
	want := s.camera.gops(3)
	s.until("three", func(st Stats) bool { return st.Persisted == 3 })
	s.stop()
	s.service.persists = func() int64 { return int64(len(s.service.list())) }
	want = append(want, s.camera.gops(4)...) // the fourth was begun, and completed with what there was
	var more []int64
	s.again(nil, func() {
		require.Equal(t, 1, s.Stats().Events)
		require.True(t, s.Extend("E", e.From), "it is known before anything is done")
		s.camera.frame(true)
		more = s.camera.gops(3)
	})
	last := more[len(more)-1] + 1000
	s.End("E", time.UnixMilli(last-1))
	s.camera.gops(1) // completes what may be under way, for which the past waits
	s.until("all", func(st Stats) bool { return st.Persisted >= 6 && st.Events == 0 })
	s.service.clean()
	got := slices.DeleteFunc(s.starts(), func(at int64) bool { return at == last })
	require.ElementsMatch(t, append(want, more...), got)
	for _, f := range s.service.list() {
		require.Equal(t, map[string]string{matroska.TagImages: "", TagEvents: "E", "label": "E"}, f.tags)
	}
	s.stop()
	require.Zero(t, s.Stats().Lost)
}

// TestKilled: the newest acknowledgements were never saved. The service is
// asked, as often as it takes.
func TestKilled(t *testing.T) {
	for name, errs := range map[string][]error{
		"at once":            nil,
		"unreachable":        {ErrConnection, errors.New("no network")},
		"without permission": {fmt.Errorf("%w: no", ErrStream)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRestarts(t, nil)
			require.NoError(t, s.Begin(s.event("E", 1, 6)))
			want := s.camera.gops(2)
			s.until("two", func(st Stats) bool { return st.Persisted == 2 })
			// As if the process had been killed before this was saved.
			s.saved(func(st state) bool { return len(st.Events) == 1 })
			s.stop()
			require.NoError(t, os.WriteFile(s.file, marshal(t, state{Version: stateVersion, Stream: "door", Events: []savedEvent{
				{ID: "E", From: s.plan.events[0].from, Until: s.plan.events[0].until, Images: true},
			}}), 0o600))
			want = append(want, s.camera.gops(3)...)
			s.service.mu.Lock()
			s.service.told = map[int64]bool{}
			s.service.mu.Unlock()
			before := len(s.starts())
			s.again(func(c *Config) { c.Held = &held{s.service, errs} }, nil)
			s.until("no event", func(st Stats) bool { return st.Events == 0 })
			if name == "without permission" {
				require.Subset(t, s.starts(), want)
				require.Greater(t, len(s.starts()), len(want), "what was not saved came twice")
				return
			}
			require.ElementsMatch(t, want, s.starts())
			require.EqualValues(t, len(want)-before, s.Stats().Sent)
			require.Zero(t, s.Stats().Lost)
		})
	}
}

func marshal(t *testing.T, s state) []byte {
	data, err := json.Marshal(s)
	require.NoError(t, err)
	return data
}

// TestStateIsForgotten: what is done leaves the file.
func TestStateIsForgotten(t *testing.T) {
	s := newRestarts(t, nil)
	require.NoError(t, s.Begin(s.event("E", 1, 3)))
	s.saved(func(st state) bool { return len(st.Events) == 1 && st.Events[0].ID == "E" })
	s.camera.gops(4)
	s.until("no event", func(st Stats) bool { return st.Events == 0 })
	s.saved(func(st state) bool { return len(st.Events) == 0 && len(st.Done) == 1 })
	info, err := os.Stat(s.file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestStateSetAside: a file that cannot be used stops nothing.
func TestStateSetAside(t *testing.T) {
	for name, content := range map[string]string{
		"damaged":         `{"Version":1,"Stream":"door","Events":[{"ID"`,
		"another stream":  `{"Version":1,"Stream":"garden"}`,
		"another version": `{"Version":2,"Stream":"door"}`,
		"bad event":       `{"Version":1,"Stream":"door","Events":[{"ID":"a,b","From":1,"Until":2}]}`,
		"bad stretch":     `{"Version":1,"Stream":"door","Done":[[2,1]]}`,
		"too many events": `{"Version":1,"Stream":"door","Events":[` + strings.Repeat(`{},`, maxEvents) + `{}]}`,
		"too long":        strings.Repeat(" ", maxState) + `{"Version":1,"Stream":"door"}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "door.json")
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			r := newRig(t, func(c *Config) { c.StateFile = file })
			require.Zero(t, r.Stats().Events)
			aside, err := os.ReadFile(file + ".aside")
			require.NoError(t, err)
			require.Equal(t, content, string(aside))
			r.start()
			require.NoError(t, r.Begin(r.camera.always()))
			r.camera.gops(1)
			r.until("upload", func(s Stats) bool { return s.Persisted == 1 })
		})
	}
}

// TestStateCannotBeSaved: uploads go on.
func TestStateCannotBeSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	r := newRig(t, func(c *Config) { c.StateFile, c.Timing.Save = filepath.Join(file, "door.json"), time.Millisecond })
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	r.camera.gops(2)
	r.until("upload", func(s Stats) bool { return s.Persisted == 2 })
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"Version":1,"Stream":"door","Events":[{"ID":"E","From":1,"Until":2,"Images":true,"Tags":[{"Name":"label","Value":"person"}]}],"Done":[[1,2]]}`))
	f.Add([]byte(`{"Version":1,"Stream":"door","Events":[{"ID":"E","From":9223372036854775807,"Until":-9223372036854775808}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, done, err := parseState(data, "door")
		if err != nil {
			require.True(t, errors.Is(err, errState) || errors.Is(err, errOtherStream))
			return
		}
		require.LessOrEqual(t, len(events), maxEvents)
		for _, s := range done {
			require.LessOrEqual(t, s.from, s.to)
		}
	})
}
