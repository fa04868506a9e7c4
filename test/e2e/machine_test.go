// Package e2e runs Porchlight as a person would, as the processes it ships,
// and looks at it from outside with standard clients.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/oidc/oidctest"
	"porchlight/internal/onemachine"
	"porchlight/internal/vision/visiontest"
)

// patience bounds every wait; a busy machine may need a good part of it.
const patience = 3 * time.Minute // only ever reached by a failing test

func root() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(self)))
}

// TestMain builds the programs, so that the tests never run yesterday's.
func TestMain(m *testing.M) {
	if err := build(); err != nil {
		panic(err)
	}
	m.Run()
}

func build() error {
	for _, args := range [][]string{
		{"build", "-trimpath", "-o", "bin/", "./cmd/porchlight", "./components/camera"},
		{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", "bin/lambdas/events/bootstrap", "./lambdas/events"},
		{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", "bin/lambdas/api/bootstrap", "./lambdas/api"},
		{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", "bin/lambdas/provision/bootstrap", "./lambdas/provision"},
		{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", "bin/lambdas/thumbnails/bootstrap", "./lambdas/thumbnails"},
		{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", "bin/lambdas/faces/bootstrap", "./lambdas/faces"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root()
		if last := args[len(args)-1]; strings.Contains(last, "lambdas") && !strings.HasSuffix(last, "faces") {
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// machine is one `porchlight up` and what it says.
type machine struct {
	t     *testing.T
	data  string
	ready onemachine.Ready
	cmd   *exec.Cmd
	done  chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
}

// boot starts porchlight up on a data folder, on free ports.
func boot(t *testing.T, data string, args ...string) *machine {
	t.Helper()
	for _, need := range []string{"web/dist/index.html", "internal/localcloud/dynamo/node/node_modules"} {
		if _, err := os.Stat(filepath.Join(root(), need)); err != nil {
			t.Skipf("%s is missing: run make build", need)
		}
	}
	m := &machine{t: t, data: data, done: make(chan struct{})}
	m.cmd = exec.Command(filepath.Join(root(), "bin", "porchlight"), append([]string{
		"up", "--json", "--data", data, "--listen", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--mqtt-websocket", "127.0.0.1:0", "--credentials", "127.0.0.1:0", "--turn", "127.0.0.1:0",
	}, args...)...)
	stdout, err := m.cmd.StdoutPipe()
	require.NoError(t, err)
	m.cmd.Stderr = lockedWriter{m}
	require.NoError(t, m.cmd.Start())
	ready := make(chan onemachine.Ready, 1)
	go func() {
		defer close(m.done)
		m.read(stdout, ready)
		_ = m.cmd.Wait()
	}()
	t.Cleanup(m.stop)
	select {
	case m.ready = <-ready:
	case <-m.done:
		t.Fatalf("porchlight up ended:\n%s", m.log())
	case <-time.After(patience):
		t.Fatalf("porchlight up is not ready:\n%s", m.log())
	}
	return m
}

func (m *machine) read(stdout io.Reader, ready chan<- onemachine.Ready) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var first struct{ Ready *onemachine.Ready }
		if json.Unmarshal(lines.Bytes(), &first) == nil && first.Ready != nil {
			ready <- *first.Ready
		}
	}
}

type lockedWriter struct{ m *machine }

func (w lockedWriter) Write(p []byte) (int, error) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	return w.m.stderr.Write(p)
}

func (m *machine) log() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stderr.String()
}

// stop ends it as Ctrl-C does and checks that it ends well.
func (m *machine) stop() {
	if m.ended() {
		return
	}
	_ = m.cmd.Process.Signal(os.Interrupt)
	select {
	case <-m.done:
		if code := m.cmd.ProcessState.ExitCode(); code != 0 {
			m.t.Errorf("porchlight up exited with %d:\n%s", code, m.log())
		}
	case <-time.After(patience):
		m.kill()
		m.t.Errorf("porchlight up did not stop:\n%s", m.log())
	}
	if m.t.Failed() {
		log := m.log()
		m.t.Logf("end of the log of porchlight up:\n%s", log[max(0, len(log)-8000):])
	}
}

// kill is a power cut.
func (m *machine) kill() {
	_ = m.cmd.Process.Signal(syscall.SIGKILL)
	<-m.done
}

func (m *machine) ended() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// owner is somebody who has signed in.
type owner struct {
	m     *machine
	token string
}

// signIn signs the first owner in, whose password is in the data folder.
func (m *machine) signIn() owner {
	m.t.Helper()
	text, err := os.ReadFile(m.ready.Password)
	require.NoError(m.t, err)
	_, password, _ := strings.Cut(string(text), "password: ")
	return m.signInAs(m.ready.Owner, strings.TrimSpace(password))
}

func (m *machine) signInAs(email, password string) owner {
	m.t.Helper()
	tokens, err := oidctest.App{Issuer: m.ready.Issuer, ClientID: m.ready.ClientID, RedirectURL: m.ready.App + "/"}.
		SignIn(m.t.Context(), email, password)
	require.NoError(m.t, err)
	return owner{m, tokens.Access}
}

// get calls the API and returns the status and the decoded body.
func (o owner) get(path string) (int, map[string]any) {
	o.m.t.Helper()
	req, err := http.NewRequestWithContext(o.m.t.Context(), http.MethodGet, o.m.ready.App+path, nil)
	require.NoError(o.m.t, err)
	if o.token != "" {
		req.Header.Set("Authorization", "Bearer "+o.token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(o.m.t, err)
	defer resp.Body.Close()
	var body map[string]any
	require.NoError(o.m.t, json.NewDecoder(resp.Body).Decode(&body))
	return resp.StatusCode, body
}

// events returns all events, page by page, newest first.
func (o owner) events() (all []map[string]any) {
	o.m.t.Helper()
	path := "/v1/events?limit=20"
	for next := path; next != ""; {
		status, body := o.get(next)
		require.Equal(o.m.t, http.StatusOK, status, "%v", body)
		for _, e := range body["events"].([]any) {
			all = append(all, e.(map[string]any))
		}
		cursor, _ := body["next_cursor"].(string)
		next = ""
		if cursor != "" {
			next = path + "&cursor=" + cursor
		}
	}
	return all
}

// await polls until ok, or fails the test.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

// redClip makes a video, without loss, of a gray scene that a red block
// crosses, which is what the synthetic network takes for a person.
func redClip(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "red.mkv")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", "color=c=0x808080:s=400x300:r=10:d=9,format=gbrp", "-f", "lavfi", "-i", "color=c=0xff0000:s=80x60:r=10:d=9,format=gbrp",
		"-filter_complex", `[0][1]overlay=x='if(between(t,1,5),20*floor((t-1)*5/2)+20,-200)':y=120:eval=frame:format=gbrp`,
		"-c:v", "libx264rgb", "-qp", "0", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

// syntheticCamera writes a configuration for a camera that plays the red clip
// through the synthetic network, and returns the flags for it.
func syntheticCamera(t *testing.T) []string {
	t.Helper()
	models := t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(models)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "camera.yaml")
	text := fmt.Sprintf("detector: {model: %s, min_score: 0.5}\ncameras:\n  door: {source: %s, loop: true, quiet: 2s}\n",
		visiontest.Model, redClip(t))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return []string{"--config", file, "--models", models}
}
