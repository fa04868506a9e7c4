package settings

import (
	"context"
	"fmt"
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

// Watch calls use with the file's tree, at once and whenever the file has
// changed, until ctx ends. It fails when the first cannot be used.
func (f File) Watch(ctx context.Context, use func(tree map[string]any) error) error {
	seen := f.stamp()
	if err := f.read(use); err != nil {
		return err
	}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	before := seen
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.Reload:
		case <-ticker.C:
			now := f.stamp()
			settled := now == before
			before = now
			if now == seen || !settled || now == (stamp{}) {
				continue
			}
		}
		seen = f.stamp()
		f.Log.Info("reading the configuration again", "file", f.Path)
		if err := f.read(use); err != nil {
			f.Log.Error("the configuration cannot be used; the last one goes on", "error", err)
		}
	}
}

func (f File) read(use func(tree map[string]any) error) error {
	tree, err := f.Read()
	if err != nil {
		return err
	}
	if err := use(tree); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

// Read reads the file's tree.
func (f File) Read() (map[string]any, error) {
	data, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	tree, err := config.ReadTree(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return tree, nil
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
