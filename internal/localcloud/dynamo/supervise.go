package dynamo

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // the script below
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed server.js
var script string

const (
	hangPatience = 20 * time.Second // a child that says nothing for so long is replaced
	stopPatience = 3 * time.Second  // between the request to end and SIGKILL
	steady       = 30 * time.Second // a child that lived this long is restarted at once
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// endpoint is where the current child answers, once ready is closed.
type endpoint struct {
	ready chan struct{}
	host  string
}

func (s *Server) current() endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child
}

// supervise runs one child after another until ctx ends. When none became
// ready within StartWithin, it says why on failed and gives up.
func (s *Server) supervise(ctx context.Context, failed chan<- error) {
	began, pause, everReady := time.Now(), firstPause, false
	for {
		born := time.Now()
		ready, err := s.runChild(ctx)
		if ctx.Err() != nil {
			return
		}
		everReady = everReady || ready
		if !everReady && time.Since(began) > s.cfg.StartWithin {
			failed <- fmt.Errorf("%w: %w: is another porchlight using %s, and is node 18 or newer?", ErrStart, err, s.cfg.Dir)
			return
		}
		if time.Since(born) > steady {
			pause = firstPause
		}
		s.log.Warn("dynalite ended, restarting it", "err", err, "pause", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// runChild runs dynalite until it ends or ctx does, and reports whether it
// ever answered. The error is never nil.
func (s *Server) runChild(ctx context.Context) (ready bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hung := time.AfterFunc(hangPatience, cancel)
	cmd := exec.CommandContext(ctx, s.node, "-e", script)
	cmd.Dir = s.cfg.Dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "NODE_PATH=" + s.cfg.NodeModules,
		"DATA_DIR=" + s.cfg.Dir, "PORT=" + strconv.Itoa(s.port),
		"AWS_REGION=" + s.cfg.Region, "AWS_ACCOUNT_ID=000000000000",
	}
	// Its own process group: Ctrl-C in a terminal must not kill the database
	// before those who still write to it, and what it starts ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopPatience
	complaint := &tail{most: 2000}
	cmd.Stderr = complaint
	lifeline, err := cmd.StdinPipe() // see server.js
	if err != nil {
		return false, err
	}
	defer lifeline.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	ready = s.announce(stdout)
	if ready {
		hung.Stop()
	}
	_, _ = io.Copy(io.Discard, stdout)
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if ready {
		s.withdraw()
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	if text := complaint.String(); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return ready, err
}

// announce waits for the child to say its port and hands it to all who wait.
func (s *Server) announce(stdout io.Reader) bool {
	var said struct{ Port int }
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &said) != nil || said.Port == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.port = said.Port
	s.child.host = "127.0.0.1:" + strconv.Itoa(said.Port)
	close(s.child.ready)
	return true
}

// withdraw makes new requests wait for the next child.
func (s *Server) withdraw() {
	s.mu.Lock()
	s.child = endpoint{ready: make(chan struct{})}
	s.mu.Unlock()
	s.idle.CloseIdleConnections()
}

// tail keeps the last bytes written to it.
type tail struct {
	most int
	buf  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.most; over > 0 {
		t.buf = bytes.Clone(t.buf[over:])
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.buf)) }
