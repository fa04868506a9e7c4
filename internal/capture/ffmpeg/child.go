// Package ffmpeg runs FFmpeg's command-line programs as supervised children,
// so that decoding, and whatever a hostile file does to a decoder, stays
// outside this process.
//
// Every child gets its own process group, which is killed when its context
// ends, and keeps the tail of its error output for the error message.
package ffmpeg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrMissing says that FFmpeg is not installed.
var ErrMissing = errors.New("ffmpeg is not installed; install it with: sudo apt install ffmpeg")

// ErrFailed says that a child ended with a fault; the text tells its last words.
var ErrFailed = errors.New("ffmpeg failed")

// closeDelay is how long a killed child's pipes may stay open.
const closeDelay = 2 * time.Second

// Child is a running ffmpeg. Its output goes through the tee muxer twice: the
// encoded bytes to Stdout and, as text, each picture's timestamp. That keeps
// bytes and exact times together without a container format to parse.
type Child struct {
	Stdin  io.WriteCloser // nil unless asked for
	Stdout *bufio.Reader

	cmd    *exec.Cmd
	stdout io.ReadCloser
	times  *bufio.Reader
	timesF *os.File
	unitsF *os.File // of packets, nil unless asked for
	errs   *tail
	cancel context.CancelFunc
	ended  sync.Once
	err    error
}

// Spec says what a child does.
type Spec struct {
	Input  []string // arguments up to and including -i and its value
	Output []string // arguments that choose filters and encoder
	Format string   // muxer for the encoded bytes, such as rawvideo
	Stdin  bool     // open a pipe to the child's standard input
	From   *os.File // else, if set, becomes its standard input

	Packets *PacketConfig // made beside, if set, from the same input
}

// Start starts a child. It fails with ErrMissing when there is no ffmpeg.
func Start(ctx context.Context, spec Spec) (*Child, error) {
	args := []string{"-hide_banner", "-nostdin", "-v", "error", "-filter_threads", "1", "-threads", "1"}
	args = append(args, spec.Input...)
	args = append(args, "-map", "0:V:0", "-an", "-sn", "-dn")
	args = append(args, spec.Output...)
	// Passthrough and the input's own time base keep every picture once and
	// its timestamp as it was.
	args = append(args, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-flush_packets", "1",
		"-f", "tee", "[f="+spec.Format+":flush_packets=1]pipe:1|[f=mkvtimestamp_v2:flush_packets=1]pipe:3")
	if spec.Packets != nil {
		args = append(args, spec.Packets.output("pipe:4")...)
	}

	ctx, cancel := context.WithCancel(ctx)
	c := &Child{cmd: command(ctx, "ffmpeg", args), errs: &tail{limit: 2048}, cancel: cancel}
	c.cmd.Stderr = c.errs
	if spec.From != nil {
		c.cmd.Stdin = spec.From
	}
	if err := c.start(spec); err != nil {
		cancel()
		return nil, err
	}
	return c, nil
}

func (c *Child) start(spec Spec) error {
	if c.cmd.Err != nil {
		return missing(c.cmd.Err)
	}
	var err error
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		return fmt.Errorf("pipe for ffmpeg: %w", err)
	}
	if spec.Stdin {
		if c.Stdin, err = c.cmd.StdinPipe(); err != nil {
			return fmt.Errorf("pipe for ffmpeg: %w", err)
		}
	}
	timesR, timesW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("pipe for ffmpeg: %w", err)
	}
	defer timesW.Close()
	c.cmd.ExtraFiles = []*os.File{timesW}
	if spec.Packets != nil {
		r, w, err := os.Pipe()
		if err != nil {
			timesR.Close()
			return fmt.Errorf("pipe for ffmpeg: %w", err)
		}
		defer w.Close()
		c.cmd.ExtraFiles, c.unitsF = append(c.cmd.ExtraFiles, w), r
	}
	if err := c.cmd.Start(); err != nil {
		timesR.Close()
		c.closeUnits()
		return missing(err)
	}
	c.timesF = timesR
	c.times = bufio.NewReaderSize(timesR, 4096)
	c.Stdout = bufio.NewReaderSize(c.stdout, 64<<10)
	return nil
}

// NextTime returns the timestamp of the next picture, with millisecond
// resolution. Call it after that picture's bytes have been read.
func (c *Child) NextTime() (time.Duration, error) {
	for {
		line, err := c.times.ReadString('\n')
		if err != nil {
			return 0, fmt.Errorf("%w: timestamps ended early: %w", ErrFailed, err)
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		ms, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: timestamp: %w", ErrFailed, err)
		}
		return time.Duration(ms) * time.Millisecond, nil
	}
}

// Wait waits for the child to end by itself once Stdout is exhausted. It
// returns ErrFailed with the child's last words when it did not end well.
func (c *Child) Wait() error {
	c.ended.Do(func() {
		err := c.cmd.Wait()
		c.cancel()
		c.timesF.Close()
		if err != nil {
			c.err = fmt.Errorf("%w: %w: %s", ErrFailed, err, c.Complaints())
		}
	})
	return c.err
}

// Complaints returns the tail of what the child has written to its error output.
func (c *Child) Complaints() string { return c.errs.String() }

// Kill ends the child and everything it started, and waits for it.
// It does nothing to a child that has been waited for but end its packets.
func (c *Child) Kill() {
	c.cancel()
	_ = c.Wait() // the signal is the expected error
	c.closeUnits()
}

func (c *Child) closeUnits() {
	if c.unitsF != nil {
		c.unitsF.Close()
	}
}

// command prepares a program in its own process group, which is killed whole
// when ctx ends.
func command(ctx context.Context, name string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = closeDelay
	return cmd
}

func missing(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w (%w)", ErrMissing, err)
	}
	return fmt.Errorf("start ffmpeg: %w", err)
}
