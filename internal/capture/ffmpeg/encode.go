package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Errors of Encode.
var (
	ErrNoEncoder = errors.New("ffmpeg has no H.264 encoder (libx264); install the one of your distribution: sudo apt install ffmpeg")
	ErrFileType  = errors.New("video file must end in .mp4, .mov or .mkv")
)

// finishTime is how long an encoder may take for what it still holds.
const finishTime = 30 * time.Second

// EncodeConfig says what video file to make. All is required.
type EncodeConfig struct {
	Path          string  // ends in .mp4, .mov or .mkv; replaced only once the video is whole
	Width, Height int     // of every picture, in pixels
	FPS           float64 // pictures a second
}

// Encoder is a child that encodes BGR pictures to an H.264 file.
type Encoder struct {
	cfg    EncodeConfig
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	errs   *tail
	cancel context.CancelFunc
}

// CheckEncode tells whether Encode could make a file of this name: it returns
// ErrFileType, ErrMissing or ErrNoEncoder when not.
func CheckEncode(ctx context.Context, path string) error {
	if _, err := muxer(path); err != nil {
		return err
	}
	return CheckPackets(ctx)
}

func muxer(path string) (string, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".mp4":
		return "mp4", nil
	case ".mov":
		return "mov", nil
	case ".mkv":
		return "matroska", nil
	}
	return "", fmt.Errorf("%w: %s does not", ErrFileType, path)
}

// Encode starts an encoder. The end of ctx kills it, and no file is made;
// whoever wants what there is until then calls Close first.
func Encode(ctx context.Context, cfg EncodeConfig) (*Encoder, error) {
	format, err := muxer(cfg.Path)
	switch {
	case err != nil:
		return nil, err
	case cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxPixels/cfg.Height || !(cfg.FPS > 0):
		return nil, fmt.Errorf("%w: pictures of %dx%d, %g a second", ErrFailed, cfg.Width, cfg.Height, cfg.FPS)
	}
	ctx, cancel := context.WithCancel(ctx)
	e := &Encoder{cfg: cfg, errs: &tail{limit: 2048}, cancel: cancel}
	// H.264 with the pixel format that every player knows has even sides.
	e.cmd = command(ctx, "ffmpeg", []string{
		"-hide_banner", "-v", "error", "-y",
		"-f", "rawvideo", "-pix_fmt", "bgr24", "-s", fmt.Sprintf("%dx%d", cfg.Width, cfg.Height),
		"-r", strconv.FormatFloat(cfg.FPS, 'f', -1, 64), "-i", "pipe:0",
		"-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p",
		"-movflags", "+faststart", "-f", format, "file:" + e.part(),
	})
	e.cmd.Stderr = e.errs
	if e.stdin, err = e.cmd.StdinPipe(); err != nil {
		cancel()
		return nil, fmt.Errorf("pipe for ffmpeg: %w", err)
	}
	if err := e.cmd.Start(); err != nil {
		cancel()
		return nil, missing(err)
	}
	return e, nil
}

func (e *Encoder) part() string { return e.cfg.Path + ".part" }

// Picture adds one picture, BGR without row padding.
func (e *Encoder) Picture(bgr []byte) error {
	if want := e.cfg.Width * e.cfg.Height * 3; len(bgr) != want {
		return fmt.Errorf("%w: a picture of %d bytes, want %d", ErrFailed, len(bgr), want)
	}
	if _, err := e.stdin.Write(bgr); err != nil {
		return fmt.Errorf("%w: %s: %w: %s", ErrFailed, e.cfg.Path, err, e.errs)
	}
	return nil
}

// Close waits until the file is whole and gives it its name. When it fails
// there is no new file, and an old one of that name stays.
func (e *Encoder) Close() error {
	defer e.cancel()
	watchdog := time.AfterFunc(finishTime, e.cancel)
	defer watchdog.Stop()
	closed := e.stdin.Close()
	if err := errors.Join(e.cmd.Wait(), closed); err != nil {
		os.Remove(e.part())
		return fmt.Errorf("%w: %s: %w: %s", ErrFailed, e.cfg.Path, err, e.errs)
	}
	if err := os.Rename(e.part(), e.cfg.Path); err != nil {
		return fmt.Errorf("finish video: %w", err)
	}
	return nil
}
