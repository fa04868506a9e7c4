package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"porchlight/internal/atomicfile"
	"porchlight/internal/media"
	"porchlight/internal/recording/segment"
)

// active is a file being written. It belongs to one recorder.
type active struct {
	library *Library
	file    *file
	writer  *segment.Writer
	synced  int64  // bytes
	whole   bool   // and readers see the newest GOP
	run     uint64 // of the ring
	number  uint64 // of the newest GOP
	end     int64  // of that, milliseconds since 1970
}

// begin creates a file for a GOP.
func (l *Library) begin(camera string, g *media.GOP, class Class) (*active, error) {
	a := &active{library: l, run: g.Run}
	l.mu.Lock()
	f := &file{name: name{start: g.Start, end: g.Start, class: class, open: true}, shelf: l.shelf(camera)}
	l.mu.Unlock()
	for {
		w, err := l.create(f, g)
		if errors.Is(err, fs.ErrExist) && f.same < maxSame-1 {
			f.same++
			continue
		}
		if err != nil {
			return nil, err
		}
		a.writer, a.file = w, f
		break
	}
	// The names of the file and of its folders have to outlive a power cut too.
	for dir, n := filepath.Dir(l.path(f)), 0; n < 3; dir, n = filepath.Dir(dir), n+1 {
		if err := atomicfile.SyncDir(dir); err != nil {
			return nil, errors.Join(err, a.writer.Close(), os.Remove(l.path(f)))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f.index = &segment.Index{Video: g.Video, Audio: g.Audio}
	f.shelf.add(f)
	return a, nil
}

// create makes the file, in a folder that may be removed, being empty, just
// then.
func (l *Library) create(f *file, g *media.GOP) (w *segment.Writer, err error) {
	l.mu.Lock()
	taken := false
	for _, o := range f.shelf.files {
		taken = taken || o.start == f.start && o.same == f.same
	}
	l.mu.Unlock()
	if taken {
		return nil, fs.ErrExist // though by another name
	}
	path := l.path(f)
	for range 3 {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if w, err = segment.Create(path, g.Video, g.Audio); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return w, err
}

// sync puts what was written on disk and lets readers see it; whole says that
// the newest GOP will not grow.
func (a *active) sync(whole bool) error {
	if err := a.writer.Sync(); err != nil {
		return err
	}
	a.synced, a.whole = a.writer.Size(), whole
	a.publish(whole)
	return nil
}

func (a *active) publish(whole bool) {
	index := a.writer.Index()
	end := a.file.end // which nobody else changes
	for _, g := range index.GOPs {
		end = max(end, g.End)
	}
	if n := len(index.GOPs); !whole && n > 0 {
		index.GOPs = index.GOPs[:n-1]
	}
	a.library.mu.Lock()
	defer a.library.mu.Unlock()
	f := a.file
	f.index, f.bytes, f.end = &index, a.writer.Size(), end
}

// raise gives the file a higher class.
func (a *active) raise(class Class) error {
	l := a.library
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.file.class >= class {
		return nil
	}
	n := a.file.name
	n.class = class
	return l.rename(a.file, n)
}

// finish ends the file. What could not be written is not in it.
func (a *active) finish() error {
	l := a.library
	err := errors.Join(a.writer.Sync(), a.writer.Close())
	a.publish(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	path := l.path(a.file)
	if a.writer.Size() == 0 {
		a.file.shelf.remove(a.file)
		return errors.Join(err, os.Remove(path))
	}
	index := *a.file.index
	if renamed := l.rename(a.file, finished(a.file.name, index)); renamed != nil {
		// It stays open by name, so the next start repairs it.
		err = errors.Join(err, fmt.Errorf("end %s: %w", path, renamed))
	}
	l.remember(a.file, a.file.index)
	return err
}
