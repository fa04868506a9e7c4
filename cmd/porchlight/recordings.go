package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/recording"
)

// RecordingsCmd groups the verbs about video on this machine's disk.
type RecordingsCmd struct {
	List   RecordingsListCmd   `cmd:"" help:"Show of when there is video, and why."`
	Export RecordingsExportCmd `cmd:"" help:"Copy a camera's video of some time to an MP4 file that plays anywhere."`
	Usage  RecordingsUsageCmd  `cmd:"" help:"Show how much is recorded."`
}

// RecordingsFlags say where the recordings are. They may be in use: they are
// only read.
type RecordingsFlags struct {
	Dir    string `name:"dir" type:"path" xor:"where" placeholder:"DIR" help:"Folder of the recordings."`
	Config string `name:"config" type:"path" xor:"where" placeholder:"FILE" help:"The component's configuration, which says where they are (default: data/porchlight.yaml, that of porchlight up)."`
}

// open opens the recordings to be read.
func (c *RecordingsFlags) open(streams *Streams) (*recording.Library, string, error) {
	dir := c.Dir
	if dir == "" {
		var err error
		if dir, err = c.configured(); err != nil {
			return nil, "", err
		}
	}
	library, err := recording.OpenReadOnly(recording.LibraryConfig{Dir: dir, Log: streams.Log})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", fmt.Errorf("%w: name the folder with --dir, or the component's configuration with --config", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, "", fmt.Errorf("%w: only the user that the component runs as may read it: use sudo", err)
	}
	return library, dir, err
}

// configured reads from a configuration where recordings are. The rest of it
// is not judged: it may be of another version.
func (c *RecordingsFlags) configured() (string, error) {
	file := c.Config
	if file == "" {
		file = filepath.Join("data", "porchlight.yaml")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		if c.Config == "" && errors.Is(err, fs.ErrNotExist) {
			return "", usageError{errors.New("where are the recordings? --dir or --config says it")}
		}
		return "", fmt.Errorf("read configuration: %w", err)
	}
	tree, err := config.ReadTree(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	if section, ok := tree["recordings"].(map[string]any); ok {
		if dir, ok := section["dir"].(string); ok && dir != "" {
			return dir, nil
		}
	}
	if state, ok := tree["state_dir"].(string); ok && state != "" {
		return filepath.Join(state, "recordings"), nil
	}
	return "", fmt.Errorf("%s: it names neither recordings.dir nor state_dir: name the folder with --dir", file)
}

// findCamera finds a camera of which there are recordings by its id, or by the
// name that only one of them has.
func findCamera(library *recording.Library, name string) (string, error) {
	ids := library.Cameras()
	slices.Sort(ids)
	if slices.Contains(ids, name) {
		return name, nil
	}
	var found []string
	for _, id := range ids {
		if strings.HasSuffix(id, "."+name) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("camera %q is one of several: %s", name, strings.Join(found, ", "))
	case len(ids) == 0:
		return "", fmt.Errorf("no recordings of camera %q, nor of any other", name)
	}
	return "", fmt.Errorf("no recordings of camera %q: there are some of %s", name, strings.Join(ids, ", "))
}

// SpanFlags bound a time.
type SpanFlags struct {
	From moment `placeholder:"TIME" help:"From then on: 2006-01-02T15:04:05Z, \"2006-01-02 15:04:05\" as this machine's clock shows it, 15:04 of today, or -10m for ten minutes ago."`
	To   moment `placeholder:"TIME" help:"Until then, written likewise (default: now)."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *SpanFlags) Validate() error {
	_, _, err := c.span(time.Now())
	return err
}

// span is from when to when, from the beginning when that is not said.
func (c *SpanFlags) span(now time.Time) (from, to time.Time, err error) {
	from, to = time.UnixMilli(0), now
	if c.From != "" {
		if from, err = c.From.at(now); err != nil {
			return from, to, fmt.Errorf("--from %w", err)
		}
	}
	if c.To != "" {
		if to, err = c.To.at(now); err != nil {
			return from, to, fmt.Errorf("--to %w", err)
		}
	}
	if c.From != "" && !from.Before(to) {
		err = fmt.Errorf("--from %s is not before --to %s", local(from), local(to))
	}
	return from, to, err
}
