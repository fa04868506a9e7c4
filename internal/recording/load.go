package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"porchlight/internal/recording/segment"
)

// load finds all recordings. It fails when folders cannot be read.
func (l *Library) load() error {
	cameras, err := os.ReadDir(l.cfg.Dir)
	if err != nil {
		return err
	}
	for _, camera := range cameras {
		if !camera.IsDir() || checkCamera(camera.Name()) != nil {
			continue
		}
		dir := filepath.Join(l.cfg.Dir, camera.Name())
		days, err := os.ReadDir(dir)
		if l.readOnly && errors.Is(err, fs.ErrNotExist) {
			continue // it was removed just now
		}
		if err != nil {
			return err
		}
		for _, day := range days {
			if !day.IsDir() {
				continue
			}
			if l.readOnly {
				if err := l.lookDay(camera.Name(), filepath.Join(dir, day.Name())); err != nil {
					return err
				}
				continue
			}
			if err := l.loadDay(camera.Name(), filepath.Join(dir, day.Name())); err != nil {
				return err
			}
			_ = os.Remove(filepath.Join(dir, day.Name())) // fails unless it is empty
		}
	}
	return nil
}

func (l *Library) loadDay(camera, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		n, ok := recorded(entry, dir)
		if !ok {
			continue // not ours
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f := &file{name: n, shelf: l.shelf(camera), bytes: info.Size()}
		if n.open {
			if err := l.recover(f); err != nil {
				l.cfg.Log.Error("a recording that a crash has interrupted cannot be read and is left alone",
					"camera", camera, "file", filepath.Join(dir, entry.Name()), "error", err)
				continue
			}
		}
		if f.bytes > 0 {
			f.shelf.add(f)
		}
	}
	return nil
}

// recorded returns the name of an entry of a day's folder that is a recording.
func recorded(entry fs.DirEntry, dir string) (name, bool) {
	n, ok := parseName(entry.Name())
	return n, ok && entry.Type().IsRegular() && n.day() == filepath.Base(dir)
}

// recover ends a file that was being written when the process ended. Bytes is
// 0 when nothing is left of it.
func (l *Library) recover(f *file) error {
	path := l.path(f)
	index, err := segment.Repair(path)
	if errors.Is(err, segment.ErrDamaged) {
		// Not one fragment had reached the disk.
		l.cfg.Log.Warn("a recording that had only begun is removed", "camera", f.shelf.camera, "file", path, "error", err)
		f.bytes = 0
		return os.Remove(path)
	}
	if err != nil {
		return err
	}
	lost := f.bytes - index.Size
	f.bytes = index.Size
	if err := l.rename(f, finished(f.name, index)); err != nil {
		return fmt.Errorf("rename it: %w", err)
	}
	l.cfg.Log.Info("a recording that a crash has interrupted is whole up to its last fragment",
		"camera", f.shelf.camera, "file", l.path(f), "cut_bytes", lost)
	return nil
}

// finished is the name of a file that will not grow any more.
func finished(n name, index segment.Index) name {
	n.open, n.end = false, n.start
	for _, g := range index.GOPs {
		n.end = max(n.end, g.End)
	}
	n.end = min(n.end, n.start+maxLength)
	return n
}
