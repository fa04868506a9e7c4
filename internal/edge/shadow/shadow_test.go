package shadow

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second // only ever reached by a failing test

// core is a shadow service of one shadow, as far as the follower sees it.
type core struct {
	mu      sync.Mutex
	handle  map[string]func(string, []byte)
	ready   []func()
	version int64
	state   map[string]any
	mute    bool // gets are not answered
	gets    int
	sent    []string
	queue   chan func() // of what the follower is told, in order and beside it
}

func (c *core) Subscribe(_ context.Context, filter string, handle func(string, []byte), ready func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, answer, _ := strings.Cut(filter, "/shadow/name/config/")
	if c.handle == nil {
		c.handle = map[string]func(string, []byte){}
	}
	c.handle[answer] = handle
	c.ready = append(c.ready, ready)
}

func (c *core) online() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ready := range c.ready {
		ready()
	}
}

func (c *core) Publish(_ context.Context, topic string, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !strings.HasPrefix(topic, "$aws/things/home/shadow/name/config/"):
		panic(topic)
	case strings.HasSuffix(topic, "/get"):
		if c.gets++; c.mute {
			return nil
		}
		if c.state == nil {
			c.tell("get/rejected", map[string]any{"code": 404, "message": "No shadow exists with name: 'config'"})
			return nil
		}
		c.tell("get/accepted", map[string]any{"state": c.state, "version": c.version})
	case strings.HasSuffix(topic, "/update"):
		c.sent = append(c.sent, string(payload))
		c.change(payload)
	}
	return nil
}

// change applies an update and tells of it. The lock is held.
func (c *core) change(payload []byte) {
	var update struct {
		State json.RawMessage `json:"state"`
	}
	if err := json.Unmarshal(payload, &update); err != nil {
		panic(err)
	}
	c.state = patch(c.state, update.State)
	c.version++
	c.tell("update/accepted", map[string]any{"state": update.State, "version": c.version})
}

func (c *core) desire(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change([]byte(`{"state":{"desired":` + text + `}}`))
}

func (c *core) tell(answer string, v any) {
	payload, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	handle := c.handle[answer]
	c.queue <- func() { handle("", payload) }
}

func (c *core) reports(t *testing.T, want string) {
	t.Helper()
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		got, err := json.Marshal(c.state["reported"])
		return err == nil && string(got) == want
	}, patience, time.Millisecond, want)
}

// follow runs a follower whose Apply takes everything but what is called bad.
func follow(t *testing.T, c *core) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c.queue = make(chan func(), 1000)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case tell := <-c.queue:
				tell()
			}
		}
	})
	running.Go(func() {
		Follow(ctx, Config{Thing: "home", Name: "config", Link: c, Log: slog.New(slog.DiscardHandler),
			Apply: func(desired map[string]any) (map[string]any, map[string]string) {
				inUse, faults := map[string]any{}, map[string]string{}
				for key, value := range desired {
					if key == "bad" {
						faults[key] = "it is bad"
						continue
					}
					inUse[key] = value
				}
				return inUse, faults
			}})
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	require.Eventually(t, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.ready) == 4 }, patience, time.Millisecond)
}

func TestFollow(t *testing.T) {
	c := &core{}
	follow(t, c)
	c.online()
	require.Eventually(t, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.gets > 0 }, patience, time.Millisecond)
	c.desire(`{"cameras":{"door":{"fps":5,"labels":["person"]}}}`)
	c.reports(t, `{"cameras":{"door":{"fps":5,"labels":["person"]}}}`)
	c.desire(`{"cameras":{"door":{"labels":null,"quiet":"3s"}},"bad":1}`)
	c.reports(t, `{"cameras":{"door":{"fps":5,"quiet":"3s"}},"faults":{"bad":"it is bad"}}`)
	c.desire(`{"bad":null,"cameras":null}`)
	c.reports(t, `{}`)
}

// What was desired while the device was away is applied when it is back, and
// nothing is reported twice.
func TestWhatWasMissed(t *testing.T) {
	c := &core{}
	c.mu.Lock()
	c.state, c.version = patch(nil, json.RawMessage(`{"desired":{"a":1},"reported":{"a":0,"old":true}}`)), 41
	c.mu.Unlock()
	follow(t, c)
	c.online()
	c.reports(t, `{"a":1}`)
	c.mu.Lock()
	c.state = patch(c.state, json.RawMessage(`{"desired":{"a":2}}`)) // nobody is told
	c.version += 5
	c.mu.Unlock()
	c.desire(`{"b":1}`)
	c.reports(t, `{"a":2,"b":1}`)
	c.mu.Lock()
	sent := len(c.sent)
	c.mu.Unlock()
	c.online()
	require.Eventually(t, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.gets >= 3 }, patience, time.Millisecond)
	c.desire(`{"c":1}`)
	c.reports(t, `{"a":2,"b":1,"c":1}`)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Len(t, c.sent, sent+1)
}

// An answer to a get may arrive after a change that is newer, for they come on
// topics of their own; and a shadow that was deleted may count from 1 again.
func TestVersions(t *testing.T) {
	c := &core{}
	follow(t, c)
	c.online()
	c.desire(`{"a":1}`)
	c.reports(t, `{"a":1}`)
	c.mu.Lock()
	c.tell("get/accepted", map[string]any{"state": map[string]any{"desired": map[string]any{"a": 0}}, "version": 1})
	c.mu.Unlock()
	c.desire(`{"b":1}`)
	c.reports(t, `{"a":1,"b":1}`)

	c.mu.Lock()
	c.state, c.version = nil, 0
	c.mu.Unlock()
	c.desire(`{"c":1}`)
	c.reports(t, `{"c":1}`)
}

func TestNonsenseChangesNothing(t *testing.T) {
	c := &core{}
	follow(t, c)
	c.online()
	c.mu.Lock()
	for _, handle := range c.handle {
		for _, payload := range []string{"", "{", "[]", `"x"`, `{"state":7}`, `{"version":"x"}`} {
			c.queue <- func() { handle("", []byte(payload)) }
		}
	}
	c.tell("update/rejected", map[string]any{"code": 400, "message": "too deep"})
	c.tell("get/rejected", map[string]any{"code": 500, "message": "no"})
	c.mu.Unlock()
	c.desire(`{"a":1}`)
	c.reports(t, `{"a":1}`)
}

func TestFaultsAreBounded(t *testing.T) {
	faults := map[string]string{}
	for i := range 40 {
		faults[strings.Repeat("a", i+1)] = strings.Repeat("é", 1000)
	}
	got := bounded(faults)
	require.Len(t, got, mostFaults)
	require.Len(t, []rune(got["a"].(string)), longestFault)
}

func FuzzDifference(f *testing.F) {
	f.Add(`{"a":{"b":1}}`, `{"a":{"c":[1]},"d":null}`)
	f.Add(`{"a":1}`, `{"a":{"b":2}}`)
	f.Add(`{"a":{"b":2}}`, `{}`)
	f.Fuzz(func(t *testing.T, from, to string) {
		a, b := patch(nil, json.RawMessage(from)), patch(nil, json.RawMessage(to))
		require.Equal(t, b, merge(a, difference(a, b)))
	})
}
