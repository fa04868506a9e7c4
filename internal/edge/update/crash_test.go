package update_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/linktest"
	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/jobs"
	"porchlight/internal/edge/update/jobs/jobstest"
)

// home is a machine on which a supervisor keeps the program running.
type home struct {
	t       *testing.T
	dir     string
	service *jobstest.Service

	mu    sync.Mutex
	env   []string
	kills int // how often the power is cut at a moment nobody chose
}

// plan returns what holds for the next start.
func (h *home) plan() (env []string, cut bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills--
	return append([]string(nil), h.env...), h.kills >= 0
}

func newHome(t *testing.T, env ...string) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir(), env: env}
	require.NoError(t, os.MkdirAll(filepath.Join(h.dir, "files"), 0o700))
	broker := &linktest.Broker{}
	ctx, cancel := context.WithCancel(t.Context())
	h.service = jobstest.Serve(ctx, broker, "home")
	l, err := net.Listen("unix", filepath.Join(h.dir, "link"))
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		broker.Serve(ctx, l)
	}()
	t.Cleanup(func() {
		cancel()
		<-served
	})
	return h
}

// supervise starts the program, and again whenever it ends, however it ends.
func (h *home) supervise() {
	h.t.Helper()
	self, err := os.Executable()
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			env, cut := h.plan()
			power, off := context.WithCancel(ctx)
			if cut {
				power, off = context.WithTimeout(ctx, rand.N(150*time.Millisecond))
			}
			program := exec.CommandContext(power, self)
			program.Env = append(append(os.Environ(), envProgram+"="+h.dir, "PORCHLIGHT_TEST_BINARY="+self, "GORACE=atexit_sleep_ms=0"), env...)
			program.Stderr = os.Stderr
			_ = program.Run()
			off()
		}
	}()
	h.t.Cleanup(sync.OnceFunc(func() {
		cancel()
		<-ended
	}))
}

func (h *home) outcome(id string) jobstest.Job {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.service.Get(id).Status.Final() }, patience, 5*time.Millisecond, "notes:\n%s", h.notes())
	return h.service.Get(id)
}

func (h *home) notes() string {
	data, _ := os.ReadFile(filepath.Join(h.dir, "notes"))
	return string(data)
}

// running waits until the version that the program says it is, is this one.
func (h *home) running(version string) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		lines := strings.Split(strings.TrimSpace(h.notes()), "\n")
		return len(lines) > 1 && strings.TrimSpace(lines[len(lines)-2]) == strings.TrimSpace("launched "+version)
	}, patience, 5*time.Millisecond, "notes:\n%s", h.notes())
}

// version is a job for software that is a script.
func (h *home) version(version, script string) *update.Document {
	h.t.Helper()
	return h.archive(version, map[string]string{"camera": "#!/bin/sh\n" + script + "\n", "lib/libnothing.so": "nothing"})
}

func (h *home) archive(version string, files map[string]string) *update.Document {
	h.t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		require.NoError(h.t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err := archive.Write([]byte(content))
		require.NoError(h.t, err)
	}
	require.NoError(h.t, archive.Close())
	require.NoError(h.t, zipped.Close())
	return h.software(version, out.Bytes())
}

func (h *home) software(version string, data []byte) *update.Document {
	h.t.Helper()
	require.NoError(h.t, os.WriteFile(filepath.Join(h.dir, "files", version), data, 0o600))
	sum := sha256.Sum256(data)
	return &update.Document{
		Porchlight: 1, Action: update.ActionSoftware, Version: version, URL: "s3://files/" + version,
		SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)),
	}
}

const (
	well  = `exec "$PORCHLIGHT_TEST_BINARY" "$@"`
	sick  = `PORCHLIGHT_TEST_BEHAVIOR=sick exec "$PORCHLIGHT_TEST_BINARY" "$@"`
	crash = `exit 3`
	hang  = `exec sleep 600`
)

func TestSoftwareUpdate(t *testing.T) {
	h := newHome(t)
	h.supervise()
	h.service.Add(t.Context(), "job-2", h.version("2.0.0", well))
	require.Equal(t, jobs.Succeeded, h.outcome("job-2").Status, h.service.Get("job-2").Details)
	h.running("2.0.0")

	// A single program, from an update; and the same once more.
	h.service.Add(t.Context(), "job-3", h.software("3.0.0", []byte("#!/bin/sh\n"+well+"\n")))
	require.Equal(t, jobs.Succeeded, h.outcome("job-3").Status, h.service.Get("job-3").Details)
	h.running("3.0.0")
	h.service.Add(t.Context(), "again", h.software("3.0.0", []byte("#!/bin/sh\n"+well+"\n")))
	require.Equal(t, jobs.Succeeded, h.outcome("again").Status)
	h.service.Add(t.Context(), "changed", h.software("3.0.0", []byte("#!/bin/sh\n# changed\n")))
	require.Equal(t, jobs.Rejected, h.outcome("changed").Status)
	require.Equal(t, 1, strings.Count(h.notes(), "launched 3.0.0"))
}

func TestSoftwareThatIsRolledBack(t *testing.T) {
	for name, c := range map[string]struct{ script, patience, says string }{
		"crashes": {crash, "5m", "did not prove itself in 2 starts of the program"},
		"hangs":   {hang, "200ms", "did not prove itself within 200ms of its start"},
		"is sick": {sick, "5m", "health check: no camera delivers anything"},
		"is none": {"", "5m", "did not prove itself"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.supervise()
			h.service.Add(t.Context(), "first", h.version("2.0.0", well))
			require.Equal(t, jobs.Succeeded, h.outcome("first").Status)
			h.mu.Lock()
			h.env = append(h.env, envPatience+"="+c.patience) // from the next start on
			h.mu.Unlock()
			h.service.Add(t.Context(), "bad", h.version("3.0.0", c.script))
			j := h.outcome("bad")
			require.Equal(t, jobs.Failed, j.Status)
			require.Contains(t, j.Details["reason"], c.says)
			h.running("2.0.0")
		})
	}
}

func TestSoftwareThatCannotBeInstalled(t *testing.T) {
	h := newHome(t)
	h.supervise()
	for name, d := range map[string]*update.Document{
		"not-an-archive":   h.software("2.0.0", []byte{0x1f, 0x8b, 0, 0}),
		"without-program":  h.archive("2.0.1", map[string]string{"bin/camera": "x"}),
		"leads-out":        h.archive("2.0.2", map[string]string{"camera": "x", "../../evil": "x"}),
		"absolute":         h.archive("2.0.3", map[string]string{"camera": "x", "/evil": "x"}),
		"no-such-file":     func() *update.Document { d := h.version("2.0.4", well); d.URL += "x"; return d }(),
		"not-what-it-says": func() *update.Document { d := h.version("2.0.5", well); d.Size--; return d }(),
	} {
		h.service.Add(t.Context(), name, d)
		j := h.outcome(name)
		require.Equal(t, jobs.Failed, j.Status, name)
		require.NotEmpty(t, j.Details["reason"])
	}
	d := h.version("2.0.6", well)
	d.Platform = "plan9-mips"
	h.service.Add(t.Context(), "platform", d)
	require.Equal(t, jobs.Rejected, h.outcome("platform").Status)
	require.NoFileExists(t, filepath.Join(h.dir, "evil"))
	h.running("")
}

// Wherever the power goes, once, the update is carried on to its good end.
func TestPowerCutsAtEachStep(t *testing.T) {
	for step, software := range map[string]bool{
		"download": true, "restart": true, "proving": true, "activate": false, "healthy": false,
	} {
		t.Run(step, func(t *testing.T) {
			h := newHome(t, envKillAt+"="+step, envKills+"=1")
			h.supervise()
			d := h.version("2.0.0", well)
			if !software {
				d = h.model("net")
			}
			h.service.Add(t.Context(), "job", d)
			require.Equal(t, jobs.Succeeded, h.outcome("job").Status, h.service.Get("job").Details)
			require.FileExists(t, filepath.Join(h.dir, "kills"), "the power was cut")
		})
	}
}

// A version or a model with which the power goes each time is left.
func TestPowerCutsWithoutEnd(t *testing.T) {
	for step, software := range map[string]bool{"proving": true, "healthy": false} {
		t.Run(step, func(t *testing.T) {
			h := newHome(t, envKillAt+"="+step, envKills+"=1000")
			h.supervise()
			d := h.version("2.0.0", well)
			if !software {
				d = h.model("net")
			}
			h.service.Add(t.Context(), "job", d)
			j := h.outcome("job")
			require.Equal(t, jobs.Failed, j.Status)
			require.Contains(t, j.Details["reason"], "did not prove itself in 2 starts")
		})
	}
}

// Power that goes again and again, at any moment, leaves one or the other, and
// the job says which.
func TestPowerCutsAnywhere(t *testing.T) {
	for name, software := range map[string]bool{"software": true, "model": false} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.kills = 12
			h.supervise()
			d := h.version("2.0.0", well)
			if !software {
				d = h.model("net")
			}
			h.service.Add(t.Context(), "job", d)
			j := h.outcome("job")
			line := map[bool]string{true: "launched", false: "model"}[software]
			if j.Status == jobs.Succeeded {
				line += map[bool]string{true: " 2.0.0", false: " net"}[software]
			} else {
				require.Equal(t, jobs.Failed, j.Status)
				require.Contains(t, j.Details["reason"], "did not prove itself in 2 starts")
			}
			h.last(line)
		})
	}
}

// last starts the program once more and waits until it notes just that line.
func (h *home) last(line string) {
	h.t.Helper()
	from := len(h.notes())
	h.mu.Lock()
	h.kills = 0
	h.mu.Unlock()
	h.service.Add(h.t.Context(), "restart", h.version("9.9.9", crash))
	h.outcome("restart")
	require.Eventually(h.t, func() bool {
		for _, one := range strings.Split(h.notes()[from:], "\n") {
			if strings.TrimSpace(one) == line {
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond, "notes:\n%s", h.notes())
}

// model is a job for a network in the folder of files.
func (h *home) model(name string) *update.Document {
	d := (&stage{files: map[string][]byte{}, server: newStage(h.t).server}).model(name, "good weights")
	d.Files[0].URL = "s3://files/" + name
	require.NoError(h.t, os.WriteFile(filepath.Join(h.dir, "files", name), []byte("good weights"), 0o600))
	return d
}
