package settings

import (
	"context"
	"log/slog"
	"os"
	"time"

	"porchlight/internal/config"
)

// poll is how often the file is looked at. A change counts once the file has
// stayed as it is from one look to the next, so that none is read half written.
const poll = 2 * time.Second

// File is a configuration file as the source of what the device was given.
type File struct {
	Path string
	Log  *slog.Logger
	// Reload, if set, makes the file be read at once.
	Reload <-chan struct{}
}

// Watch calls use with the file's tree whenever the file has changed since
// Watch was called, until ctx ends.
func (f File) Watch(ctx context.Context, use func(tree map[string]any) error) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	read := f.stamp()
	before := read
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.Reload:
		case <-ticker.C:
			now := f.stamp()
			settled := now == before
			before = now
			if now == read || !settled || now == (stamp{}) {
				continue
			}
		}
		read = f.stamp()
		f.Log.Info("reading the configuration again", "file", f.Path)
		if err := f.read(use); err != nil {
			f.Log.Error("the configuration cannot be used; the last one goes on", "file", f.Path, "error", err)
		}
	}
}

func (f File) read(use func(tree map[string]any) error) error {
	tree, err := f.Read()
	if err != nil {
		return err
	}
	return use(tree)
}

// Read reads the file.
func (f File) Read() (map[string]any, error) {
	data, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, err
	}
	return config.ReadTree(data)
}

// stamp tells one state of the file from another; zero: there is none.
type stamp struct {
	at   time.Time
	size int64
}

func (f File) stamp() stamp {
	info, err := os.Stat(f.Path)
	if err != nil {
		return stamp{}
	}
	return stamp{at: info.ModTime(), size: info.Size()}
}
