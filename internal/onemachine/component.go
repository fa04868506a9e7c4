package onemachine

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// How the component is kept running.
const (
	stopPatience = 10 * time.Second // between SIGTERM and SIGKILL
	steadyAfter  = time.Minute      // a run this long forgives earlier crashes
	longestPause = 30 * time.Second // between a crash and the next start
)

// runComponent runs the camera component until ctx ends, and starts it again
// when it dies, however it dies.
func runComponent(ctx context.Context, program string, args []string, stdout io.Writer, log *slog.Logger) {
	pause := time.Second
	for {
		started := time.Now()
		err := runOnce(ctx, program, args, stdout, log)
		if ctx.Err() != nil {
			return // it was told to stop
		}
		if time.Since(started) > steadyAfter {
			pause = time.Second
		}
		log.Error("camera component ended, starting it again", "error", err, "in", pause.String())
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func runOnce(ctx context.Context, program string, args []string, stdout io.Writer, log *slog.Logger) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout = stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopPatience
	// A group of its own keeps Ctrl-C from reaching it before its turn; the
	// death signal keeps it from outliving a killed parent.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	done := make(chan error, 1)
	go func() {
		// The kernel ties the death signal to the thread that started the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			done <- err
			return
		}
		var reading sync.WaitGroup
		reading.Go(func() { relayLog(ctx, stderr, log) })
		reading.Wait()
		done <- cmd.Wait()
	}()
	return <-done
}

// relayLog passes on the component's log line by line.
func relayLog(ctx context.Context, r io.Reader, log *slog.Logger) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 256<<10)
	for lines.Scan() {
		relay(ctx, lines.Text(), log)
	}
	_, _ = io.Copy(io.Discard, r)
}
