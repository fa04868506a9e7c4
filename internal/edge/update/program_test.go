package update_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"porchlight/internal/edge/linktest"
	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/event"
)

// What a program under test is told by its environment.
const (
	envProgram  = "PORCHLIGHT_TEST_PROGRAM"  // folder of the stage
	envBehavior = "PORCHLIGHT_TEST_BEHAVIOR" // of a version: well or sick
	envKillAt   = "PORCHLIGHT_TEST_KILL_AT"  // where the power is cut
	envKills    = "PORCHLIGHT_TEST_KILLS"    // how often
	envPatience = "PORCHLIGHT_TEST_PATIENCE"
)

// asProgram says whether this process was to be a program under test, and has
// been.
func asProgram() bool {
	dir := os.Getenv(envProgram)
	if dir == "" {
		return false
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := (testProgram{dir}).run(log); err != nil && !errors.Is(err, update.ErrDone) {
		log.Error("program", "error", err)
	}
	return true
}

// testProgram is a device's program: it launches its version and works on jobs
// that come through a socket.
type testProgram struct{ dir string }

func (p testProgram) run(log *slog.Logger) error {
	state := filepath.Join(p.dir, "state")
	wait, _ := time.ParseDuration(os.Getenv(envPatience))
	launched, err := update.Launch{
		StateDir: state, Installed: "1.0.0", Argv: os.Args, Environ: os.Environ(), Exec: syscall.Exec, Log: log, Patience: wait,
	}.Run()
	if err != nil {
		return err
	}
	p.note("launched " + launched.Version)
	active, err := update.ActiveModel(state, "", log)
	if err != nil {
		return err
	}
	p.note("model " + active.Name)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	u, err := update.New(update.Config{
		Thing: "home", StateDir: state, Link: linktest.Remote{Path: filepath.Join(p.dir, "link")}, Source: p, Log: log,
		Models: &update.Models{
			Labels:   map[string][]string{"pets": {"cat", "dog"}},
			Activate: func(context.Context, update.ModelRef) error { return p.powerCut("activate") },
			Healthy:  func(context.Context) error { return p.powerCut("healthy") },
			Detect:   func(context.Context, *event.Frame) ([]event.Detection, error) { return nil, nil },
		},
		Software: &update.Software{
			Launched: launched,
			Healthy: func(context.Context) error {
				if os.Getenv(envBehavior) == "sick" {
					return errors.New("no camera delivers anything")
				}
				return p.powerCut("proving")
			},
			Restart: func() {
				_ = p.powerCut("restart")
				cancel()
			},
		},
		Download: fetch.Downloader{Attempts: 2, Backoff: time.Millisecond, Reserve: 1}, Retry: time.Millisecond,
	})
	if err != nil {
		return err
	}
	return u.Run(ctx)
}

// note appends a line to what the test reads.
func (p testProgram) note(line string) {
	f, err := os.OpenFile(filepath.Join(p.dir, "notes"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

// powerCut kills this process, as often as the test wants it.
func (p testProgram) powerCut(at string) error {
	var times, done int
	_, _ = fmt.Sscan(os.Getenv(envKills), &times)
	if os.Getenv(envKillAt) != at {
		return nil
	}
	file := filepath.Join(p.dir, "kills")
	if data, err := os.ReadFile(file); err == nil {
		done = len(data)
	}
	if done >= times {
		return nil
	}
	if err := os.WriteFile(file, make([]byte, done+1), 0o600); err != nil {
		return err
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		return err
	}
	runtime.Goexit() // until the signal is here
	return nil
}

// Open implements fetch.Source: the files lie in a folder.
func (p testProgram) Open(_ context.Context, address string, offset int64) (io.ReadCloser, int64, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(filepath.Join(p.dir, "files", filepath.Base(u.Path)))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", fetch.ErrRefused, err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, 0, err
	}
	return &dying{File: f, cut: func() { _ = p.powerCut("download") }}, offset, nil
}

// dying is a file during whose download the power may go.
type dying struct {
	*os.File
	read int
	cut  func()
}

func (d *dying) Read(b []byte) (int, error) {
	if d.read > 0 {
		d.cut()
	}
	n, err := d.File.Read(b[:min(len(b), 4)])
	d.read += n
	return n, err
}
