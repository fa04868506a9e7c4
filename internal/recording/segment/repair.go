package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Repair cuts off a file what is behind its last whole fragment, as a crash or
// a power cut leaves it, and returns what it then holds. It fails with
// ErrDamaged when nothing is left that could be shown.
func Repair(path string) (Index, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Index{}, err
	}
	defer f.Close()
	index, err := repair(f)
	if err != nil {
		return Index{}, fmt.Errorf("repair %s: %w", path, err)
	}
	return index, nil
}

func repair(f *os.File) (Index, error) {
	info, err := f.Stat()
	if err != nil {
		return Index{}, err
	}
	index, err := Scan(f, info.Size())
	if err != nil {
		return Index{}, err
	}
	// The newest fragment may have its place but not its pictures: those came
	// from the page cache, which the power cut has emptied.
	for len(index.GOPs) > 0 {
		if err = index.check(f, index.GOPs[len(index.GOPs)-1]); err == nil {
			break
		}
		if !isDamage(err) {
			return Index{}, err
		}
		if index, err = Scan(f, index.lastPart(f)); err != nil {
			return Index{}, err
		}
	}
	if len(index.GOPs) == 0 {
		return Index{}, fmt.Errorf("%w: it has no whole fragment", ErrDamaged)
	}
	if index.Size < info.Size() {
		if err := f.Truncate(index.Size); err != nil {
			return Index{}, err
		}
	}
	return index, f.Sync()
}

// check reads the pictures of a GOP.
func (x *Index) check(r io.ReaderAt, g GOP) error {
	_, err := x.Read(r, g)
	return err
}

// lastPart is where the last fragment begins.
func (x *Index) lastPart(r io.ReaderAt) int64 {
	g := x.GOPs[len(x.GOPs)-1]
	parts, err := x.parts(r, g)
	if err != nil || len(parts) == 0 {
		return g.Offset
	}
	return parts[len(parts)-1].offset
}

// Open opens a file and reads its index.
func Open(path string) (*os.File, Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Index{}, err
	}
	info, err := f.Stat()
	var index Index
	if err == nil {
		index, err = Scan(f, info.Size())
	}
	if err != nil {
		return nil, Index{}, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, index, nil
}
