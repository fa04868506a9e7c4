package recording

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"

	"porchlight/internal/recording/segment"
)

// shelf is one camera's files. It is guarded by Library.mu.
type shelf struct {
	camera string
	limits Limits
	files  []*file // by start
}

// file is one file. It is guarded by Library.mu.
type file struct {
	name
	shelf *shelf
	bytes int64
	pins  int            // readers that still need it
	index *segment.Index // nil until it is read; of an open file what is on disk
}

func (s *shelf) add(f *file) {
	i, _ := slices.BinarySearchFunc(s.files, f, byStart)
	s.files = slices.Insert(s.files, i, f)
}

func (s *shelf) remove(f *file) {
	s.files = slices.DeleteFunc(s.files, func(o *file) bool { return o == f })
}

func byStart(a, b *file) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.same, b.same))
}

func (s *shelf) bytes() (n int64) {
	for _, f := range s.files {
		n += f.bytes
	}
	return n
}

// within returns the files that hold anything of the time from from to to, in
// milliseconds since 1970, both included.
func (s *shelf) within(from, to int64) []*file {
	var out []*file
	for _, f := range s.files {
		if f.start > to {
			break
		}
		if f.end >= from {
			out = append(out, f)
		}
	}
	return out
}

func (l *Library) path(f *file) string {
	return filepath.Join(l.cfg.Dir, f.shelf.camera, f.day(), f.String())
}

// rename gives a file another name and, unless it fails, takes that as what
// the file is. It is called with mu held.
func (l *Library) rename(f *file, to name) error {
	from := l.path(f)
	path := filepath.Join(filepath.Dir(from), to.String())
	if from == path {
		return nil
	}
	if err := os.Rename(from, path); err != nil {
		return err
	}
	f.name = to
	return nil
}

// raise gives all files of a camera that hold anything of the time from from
// to to at least a class.
func (l *Library) raise(camera string, from, to int64, class Class) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var failed error
	for _, f := range l.shelf(camera).within(from, to) {
		if f.class >= class {
			continue
		}
		n := f.name
		n.class = class
		if err := l.rename(f, n); err != nil {
			failed = err
		}
	}
	return failed
}
