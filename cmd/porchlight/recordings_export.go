package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"porchlight/internal/recording"
)

// RecordingsExportCmd is the verb recordings export.
type RecordingsExportCmd struct {
	JSON   bool   `name:"json" help:"Print a JSON line for each file: what it shows, and gaps."`
	Output dashed `name:"output" short:"o" required:"" placeholder:"FILE.mp4" help:"File to write; - for the standard output. Where the camera's picture changed its size or kind, a second file FILE-2.mp4 begins, and so on."`
	Force  bool   `help:"Write over files that exist."`
	SpanFlags
	RecordingsFlags
	Camera string `arg:"" help:"Camera, as home.door or door."`
}

// toStdout is the name of the standard output.
const toStdout = "-"

// Validate is called by kong; its errors are wrong usage.
func (c *RecordingsExportCmd) Validate() error {
	out := string(c.Output)
	switch {
	case c.From == "":
		return errors.New("--from is missing: from when on?")
	case out == toStdout && c.JSON:
		return errors.New("--json and -o - both write to the standard output")
	case out != toStdout && (!strings.EqualFold(filepath.Ext(out), ".mp4") || strings.HasPrefix(out, "-")):
		return fmt.Errorf("-o %s: want a name that ends in .mp4, or -", out)
	}
	return c.SpanFlags.Validate()
}

// Run exports what is recorded.
func (c *RecordingsExportCmd) Run(ctx context.Context, streams *Streams) error {
	from, to, err := c.span(time.Now())
	if err != nil {
		return usageError{err}
	}
	if c.Output == toStdout && isTerminal(streams.Stdout) {
		return usageError{errors.New("-o -: this is a terminal: name a file, or a program after |")}
	}
	library, _, err := c.open(streams)
	if err != nil {
		return err
	}
	defer func() { _ = library.Close() }() // only read
	camera, err := findCamera(library, c.Camera)
	if err != nil {
		return err
	}
	report := newExportReport(streams, c.JSON, camera, from, to)
	for n := 1; ; n++ {
		rest, err := c.one(ctx, library, report, n, from, to)
		if err != nil || rest.IsZero() {
			report.end(err)
			return err
		}
		switch {
		case c.Output == toStdout:
			return fmt.Errorf("the camera's stream changed: what follows needs a file of its own: --from %s", rest.UTC().Format(time.RFC3339Nano))
		case !rest.After(from):
			return fmt.Errorf("the clock was set back at %s and the stream changed: export what is before and after it by itself", local(rest))
		}
		from = rest
	}
}

// one writes one file and returns where the next one has to begin.
func (c *RecordingsExportCmd) one(
	ctx context.Context, library *recording.Library, report *exportReport, n int, from, to time.Time,
) (rest time.Time, err error) {
	clip, err := library.Clip(ctx, report.camera, from, to)
	if errors.Is(err, recording.ErrNothing) {
		if n > 1 {
			return time.Time{}, nil // it was removed meanwhile
		}
		return time.Time{}, fmt.Errorf("%w: porchlight recordings list shows of when there is video", err)
	}
	if err != nil {
		return time.Time{}, err
	}
	defer clip.Close()
	content, err := clip.Content()
	if err != nil {
		return time.Time{}, err
	}
	name := numbered(string(c.Output), n)
	read := &reading{ctx: ctx, from: content, told: func(done int64) { report.progress(name, done, content.Size) }}
	if name == toStdout {
		_, err = io.Copy(report.streams.Stdout, read)
	} else {
		err = c.write(name, read)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("export to %s: %w", name, err)
	}
	return clip.Rest, report.file(name, clip, content.Size)
}

// numbered is the name of the nth file.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
}

// write writes a file that only its owner may read. When that fails there is
// none, or the one there was.
func (c *RecordingsExportCmd) write(name string, content io.Reader) (err error) {
	var f *os.File
	if c.Force {
		f, err = os.CreateTemp(filepath.Dir(name), ".porchlight-*.mp4")
	} else if f, err = os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: --force writes over it", err)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync() // it may be on a stick that is pulled out soon
	}
	err = errors.Join(err, f.Close())
	if err == nil && c.Force {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// reading reads until ctx ends, and says how far it is.
type reading struct {
	ctx  context.Context //nolint:containedctx // it is that of one copy
	from io.Reader
	done int64
	told func(done int64)
}

// Read implements io.Reader.
func (r *reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.from.Read(b)
	r.done += int64(n)
	r.told(r.done)
	return n, err
}
