// Package truth reads what people have seen on the clips of the test footage
// (the files of test/footage/annotations) and holds against it what the
// pipeline makes of them. It is pure Go and knows no pipeline: events come in
// as labels and times, boxes go out.
//
// The format of the files and the rule by which they were written are in the
// README.md beside them.
package truth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ErrInvalid is wrapped by every error about the content of an annotation.
var ErrInvalid = errors.New("invalid annotation")

// mostBytes of one file: far more than any has, and a bound all the same.
const mostBytes = 4 << 20

const (
	suffix = ".json"
	folder = "tracks"
)

// Clips lists the clips whose happenings are annotated, in order of name.
func Clips(annotations fs.FS) ([]string, error) { return list(annotations, ".") }

// TrackedClips lists the clips whose tracks are annotated, in order of name.
func TrackedClips(annotations fs.FS) ([]string, error) { return list(annotations, folder) }

func list(annotations fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(annotations, dir)
	if err != nil {
		return nil, fmt.Errorf("list annotations: %w", err)
	}
	var clips []string
	for _, e := range entries {
		if clip, ok := strings.CutSuffix(e.Name(), suffix); ok && !e.IsDir() {
			clips = append(clips, clip)
		}
	}
	slices.Sort(clips)
	return clips, nil
}

// LoadClip reads the facts and happenings of a clip, named like its video
// file. Errors about what is in the file wrap ErrInvalid.
func LoadClip(annotations fs.FS, clip string) (*Clip, error) {
	return load(annotations, clip+suffix, func(c *Clip) error { return c.check(clip) })
}

// LoadTracks reads the boxes of a clip's objects. Errors about what is in the
// file wrap ErrInvalid.
func LoadTracks(annotations fs.FS, clip string) (*Tracks, error) {
	return load(annotations, path.Join(folder, clip+suffix), func(t *Tracks) error { return t.check(clip) })
}

func load[T any](annotations fs.FS, name string, check func(*T) error) (*T, error) {
	file, err := annotations.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read annotation: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read annotation %s: %w", name, err)
	case len(data) > mostBytes:
		return nil, fmt.Errorf("%w: %s is larger than %d bytes; split the clip", ErrInvalid, name, mostBytes)
	}
	content := new(T)
	if err := decode(data, content); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	if err := check(content); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	return content, nil
}

// decode reads one JSON value and nothing else. An unknown field is an error:
// it is most likely a known one with a slip of the pen, which would otherwise
// read as zero.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("after byte %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more follows after byte %d; one file holds one annotation", d.InputOffset())
	}
	return nil
}
