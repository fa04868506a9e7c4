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
	index, err := Inspect(f, info.Size())
	if err != nil {
		return Index{}, err
	}
	if index.Size < info.Size() {
		if err := f.Truncate(index.Size); err != nil {
			return Index{}, err
		}
	}
	return index, f.Sync()
}

// Inspect returns what Repair would leave of a file of size bytes, and changes
// nothing. It fails like Repair.
func Inspect(r io.ReaderAt, size int64) (Index, error) {
	index, err := Scan(r, size)
	if err != nil {
		return Index{}, err
	}
	// A power cut may have left the place of fragments that were not synced,
	// but not their pictures.
	for _, g := range index.GOPs {
		cut, err := index.broken(r, g)
		if err != nil {
			return Index{}, err
		}
		if cut > 0 {
			if index, err = Scan(r, cut); err != nil {
				return Index{}, err
			}
			break
		}
	}
	if len(index.GOPs) == 0 {
		return Index{}, fmt.Errorf("%w: it has no whole fragment", ErrDamaged)
	}
	return index, nil
}

// broken returns where the first fragment begins whose pictures are no
// pictures, 0 when all of a GOP is well.
func (x *Index) broken(r io.ReaderAt, g GOP) (cut int64, _ error) {
	parts, err := x.parts(r, g)
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		data := make([]byte, p.size)
		if _, err := r.ReadAt(data, p.offset); err != nil {
			return 0, err
		}
		for _, s := range p.samples.video {
			at := s.offset - p.offset
			if !pictures(data[at : at+int64(s.size)]) {
				return p.offset, nil
			}
		}
	}
	return 0, nil
}

// pictures reports whether data are NAL units.
func pictures(data []byte) bool {
	_, err := split(data)
	return err == nil
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
