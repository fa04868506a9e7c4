package e2e

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision/visiontest"
)

// TestOutageLosesAndDoublesNothing runs the component on its own, cuts it off
// from the whole cloud, kills it in the dark, starts it again, and counts what
// arrives once it can. PORCHLIGHT_OUTAGE says how long the outage is.
func TestOutageLosesAndDoublesNothing(t *testing.T) {
	outage := 20 * time.Second
	if v := os.Getenv("PORCHLIGHT_OUTAGE"); v != "" {
		var err error
		outage, err = time.ParseDuration(v)
		require.NoError(t, err)
	}
	m := boot(t, filepath.Join(t.TempDir(), "data"))
	me := m.signIn()
	wire := newWire(t)
	c := &component{t: t, config: standaloneConfig(t, m, wire), seen: map[string]event.Event{}}

	c.start()
	await(t, "a first event at the API", func() bool { return len(me.events()) > 0 })
	wire.cut()
	time.Sleep(outage / 2)
	c.kill()
	c.start()
	time.Sleep(outage / 2)
	dark, waiting := len(me.events()), len(c.printed())
	wire.mend()
	await(t, "what waited on disk to arrive, with its pictures", func() bool {
		arrived := me.events()
		return len(arrived) >= waiting && !slices.ContainsFunc(arrived, func(e map[string]any) bool { return !hasThumbnail(t, e) })
	})
	c.finish()

	printed := c.printed()
	require.Greater(t, len(printed), dark, "something happened during the outage")
	await(t, "everything to arrive", func() bool {
		arrived := me.events()
		if len(arrived) != len(printed) {
			return false
		}
		return !slices.ContainsFunc(arrived, func(e map[string]any) bool { return e["state"] != "ended" })
	})
	ids := map[string]bool{}
	for _, e := range me.events() {
		id := e["event_id"].(string)
		require.False(t, ids[id], "event %s is there twice", id)
		ids[id] = true
		last := printed[id]
		require.Equal(t, float64(last.Sequence), e["sequence"], "event %s", id)
		require.True(t, hasThumbnail(t, e), "thumbnail of event %s", id)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(printed)), slices.Collect(maps.Keys(ids)))
}

func hasThumbnail(t *testing.T, e map[string]any) bool {
	t.Helper()
	resp, err := http.Get(e["thumbnail_url"].(string)) //nolint:gosec // our own address
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// standaloneConfig takes the configuration that porchlight up wrote, puts the
// wire in between and adds the synthetic camera.
func standaloneConfig(t *testing.T, m *machine, w *wire) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(m.data, "porchlight.yaml"))
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal(data, &tree))
	iot, cloud := tree["iot"].(map[string]any), tree["cloud"].(map[string]any)
	iot["endpoint"] = w.to(iot["endpoint"].(string))
	iot["credentials_endpoint"] = w.to(iot["credentials_endpoint"].(string))
	cloud["endpoint"] = "http://" + w.to(strings.TrimPrefix(cloud["endpoint"].(string), "http://"))
	models := t.TempDir()
	_, err = visiontest.WriteSyntheticSSD(models)
	require.NoError(t, err)
	tree["detector"] = map[string]any{"model": visiontest.Model, "models": models}
	tree["state_dir"] = filepath.Join(t.TempDir(), "state")
	tree["cameras"] = map[string]any{"door": map[string]any{"source": redClip(t), "loop": true, "quiet": "1s"}}
	return writeConfig(t, tree)
}

func writeConfig(t *testing.T, tree map[string]any) string {
	t.Helper()
	data, err := yaml.Marshal(tree)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "porchlight.yaml")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

// component is bin/camera without porchlight up.
type component struct {
	t      *testing.T
	config string
	cmd    *exec.Cmd
	done   chan struct{}

	mu     sync.Mutex
	seen   map[string]event.Event // the last printed state of each event
	stderr strings.Builder
}

func (c *component) start() {
	c.t.Helper()
	c.cmd = exec.Command(filepath.Join(root(), "bin", "camera"), "-config", c.config, "-json")
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(c.t, err)
	c.cmd.Stderr = &c.stderr
	require.NoError(c.t, c.cmd.Start())
	c.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if e, err := event.Parse(lines.Bytes()); err == nil {
				c.mu.Lock()
				c.seen[e.EventID] = *e
				c.mu.Unlock()
			}
		}
		_ = cmd.Wait()
	}(c.cmd, c.done)
	c.t.Cleanup(func() { c.signal(syscall.SIGKILL) })
}

func (c *component) signal(s syscall.Signal) {
	_ = c.cmd.Process.Signal(s)
	<-c.done
}

func (c *component) kill() { c.signal(syscall.SIGKILL) }

// finish ends it in an orderly way, which ends the open event.
func (c *component) finish() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	require.Zero(c.t, c.cmd.ProcessState.ExitCode(), "%s", c.stderr.String())
	require.NotContains(c.t, c.stderr.String(), "AWS_SECRET")
}

func (c *component) printed() map[string]event.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

// wire is a set of TCP connections that can be cut.
type wire struct {
	t *testing.T

	mu   sync.Mutex
	down bool
	open map[net.Conn]bool
}

func newWire(t *testing.T) *wire { return &wire{t: t, open: map[net.Conn]bool{}} }

// to returns an address that leads to target.
func (w *wire) to(target string) string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	w.t.Cleanup(func() { l.Close(); w.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(in, target)
		}
	}()
	return l.Addr().String()
}

func (w *wire) join(in net.Conn, target string) {
	defer in.Close()
	if !w.add(in) {
		return
	}
	out, err := net.Dial("tcp", target)
	if err != nil || !w.add(out) {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(out, in); out.Close() }()
	_, _ = io.Copy(in, out)
}

func (w *wire) add(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.down {
		w.open[c] = true
	}
	return !w.down
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for c := range w.open {
		c.Close()
	}
	clear(w.open)
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
}
