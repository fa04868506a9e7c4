package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"porchlight/internal/recording/segment"
)

// ErrReadOnly is wrapped when a library that was opened to be read is to be
// written to.
var ErrReadOnly = errors.New("the library is open for reading only")

// OpenReadOnly opens the recordings in cfg.Dir, of which Log is needed besides,
// to be read, also while another process records. It takes no lock and changes
// nothing on the disk. It shows what was recorded when it was opened; what the
// other process removes later counts as a gap. It fails with the disk's error,
// such as fs.ErrNotExist.
func OpenReadOnly(cfg LibraryConfig) (*Library, error) {
	l := &Library{cfg: cfg, readOnly: true, cameras: make(map[string]*shelf)}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("read recordings in %s: %w", cfg.Dir, err)
	}
	return l, nil
}

// key is what stays of a file's name when the file is renamed.
type key struct {
	start int64
	same  int
}

// lookDay finds the recordings of a day and leaves them as they are.
func (l *Library) lookDay(camera, dir string) error {
	found := make(map[key]name)
	for range 2 { // what is renamed while a folder is listed may be missed once
		names, err := listDay(dir)
		if err != nil {
			return err
		}
		maps.Copy(found, names)
	}
	for _, n := range found {
		f := &file{name: n, shelf: l.shelf(camera)}
		err := l.look(f)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, segment.ErrDamaged), errors.Is(err, io.EOF):
			// It was removed just now, or nothing that could be shown had been
			// written yet.
		case err != nil:
			l.cfg.Log.Warn("a recording cannot be read and is left out", "camera", camera, "file", l.path(f), "error", err)
		default:
			f.shelf.add(f)
		}
	}
	return nil
}

// listDay returns the names of the recordings in a folder.
func listDay(dir string) (map[key]name, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := make(map[key]name)
	for _, entry := range entries {
		if n, ok := recorded(entry, dir); ok {
			names[key{n.start, n.same}] = n
		}
	}
	return names, nil
}

// look finds out how large a file is, and what is in one that still grows.
func (l *Library) look(f *file) error {
	return l.follow(f, func(path string) error {
		if !f.open {
			info, err := os.Lstat(path)
			if err == nil {
				f.bytes = info.Size()
			}
			return err
		}
		opened, err := os.Open(path)
		if err != nil {
			return err
		}
		defer opened.Close()
		info, err := opened.Stat()
		if err != nil {
			return err
		}
		index, err := segment.Inspect(opened, info.Size())
		if err == nil {
			f.index, f.bytes, f.end = &index, index.Size, finished(f.name, index).end
		}
		return err
	})
}

// follow does something with a file, again with its new name when another
// process has renamed it meanwhile. It fails with fs.ErrNotExist when the file
// is gone. It is called with mu held, once the library is in use.
func (l *Library) follow(f *file, do func(path string) error) error {
	var err error
	for range 3 {
		path := l.path(f)
		if err = do(path); !l.readOnly || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		names, failed := listDay(filepath.Dir(path))
		if failed != nil {
			return failed
		}
		n, ok := names[key{f.start, f.same}]
		if !ok {
			return err
		}
		if f.open {
			f.index = nil // there is more in it now
		}
		f.name = n
	}
	return err
}

// gone reports whether a file is not on the disk any more, and says so.
func (l *Library) gone(f *file, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	l.mu.Lock()
	path := l.path(f)
	l.mu.Unlock()
	log := l.cfg.Log.With("camera", f.shelf.camera, "file", path)
	if l.readOnly {
		log.Warn("a recording was removed meanwhile, to make room or because of its age")
	} else {
		log.Warn("a recording is not on the disk any more: it was removed by hand, or its disk was")
	}
	return true
}
