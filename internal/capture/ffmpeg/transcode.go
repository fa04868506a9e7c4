package ffmpeg

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// Transcoder is a child that makes packets and nothing else.
type Transcoder struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser // nil unless asked for
	stdout io.Reader
	errs   *tail
	cancel context.CancelFunc
}

// TranscodeConfig says what packets to make of what.
type TranscodeConfig struct {
	Input   []string // arguments up to and including -i and its value
	Stdin   bool     // the input is written to the child
	Packets PacketConfig
}

// Transcode starts a child. It fails with ErrMissing when there is no ffmpeg.
func Transcode(ctx context.Context, cfg TranscodeConfig) (*Transcoder, error) {
	args := []string{"-hide_banner", "-nostdin", "-v", "error", "-filter_threads", "1", "-threads", "1", "-max_error_rate", "1"}
	args = append(args, cfg.Input...)
	args = append(args, cfg.Packets.output("pipe:1")...)
	ctx, cancel := context.WithCancel(ctx)
	t := &Transcoder{cmd: command(ctx, "ffmpeg", args), errs: &tail{limit: 2048}, cancel: cancel}
	t.cmd.Stderr = t.errs
	var err error
	if t.stdout, err = t.cmd.StdoutPipe(); err == nil && cfg.Stdin {
		t.stdin, err = t.cmd.StdinPipe()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("pipe for ffmpeg: %w", err)
	}
	if err := t.cmd.Start(); err != nil {
		cancel()
		return nil, missing(err)
	}
	return t, nil
}

// Write feeds a child that was started with Stdin.
func (t *Transcoder) Write(p []byte) (int, error) { return t.stdin.Write(p) }

// Finish ends the input of a child that was started with Stdin. The child
// then ends by itself, after all it still holds.
func (t *Transcoder) Finish() error { return t.stdin.Close() }

// Packets is the stream of packets, for NewUnits. It ends with the child.
func (t *Transcoder) Packets() io.Reader { return t.stdout }

// Complaints returns the tail of the child's error output.
func (t *Transcoder) Complaints() string { return t.errs.String() }

// Interrupt kills the child without waiting, so that reading and Write end.
// Unlike the other methods it may be called at any time from any goroutine.
func (t *Transcoder) Interrupt() { t.cancel() }

// Close kills the child if it still runs and waits for it, once its packets
// are no longer read.
func (t *Transcoder) Close() {
	t.cancel()
	_ = t.cmd.Wait() // the signal is the expected error
}
