package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const boxHeader = 8

// box is a box's place in a file, with its header.
type box struct {
	kind         string
	offset, size int64
}

// readBox reads a box header. It fails with ErrDamaged when there is no whole
// box before end.
func readBox(r io.ReaderAt, offset, end int64) (box, error) {
	var b [boxHeader]byte
	if end-offset < boxHeader {
		return box{}, fmt.Errorf("%w: it ends within a box", ErrDamaged)
	}
	if _, err := r.ReadAt(b[:], offset); err != nil {
		return box{}, readError(err)
	}
	size := int64(binary.BigEndian.Uint32(b[:]))
	if size < boxHeader || size > end-offset {
		return box{}, fmt.Errorf("%w: a box of %d bytes, %d are left", ErrDamaged, size, end-offset)
	}
	return box{string(b[4:]), offset, size}, nil
}

// readError keeps failures of the disk apart from files that are too short.
func readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is shorter than it was", ErrDamaged)
	}
	return err
}

func isDamage(err error) bool { return errors.Is(err, ErrDamaged) }

// part is a fragment's place in a file and its samples.
type part struct {
	offset, size int64
	samples      samples
}

// readPart reads the fragment at offset without its pictures.
func readPart(r io.ReaderAt, offset, end int64) (part, error) {
	time, err := readBox(r, offset, end)
	if err != nil {
		return part{}, err
	}
	moof, err := readBox(r, offset+time.size, end)
	if err != nil {
		return part{}, err
	}
	if time.kind != "prft" || time.size != prftSize || moof.kind != "moof" || moof.size > maxMoof {
		return part{}, fmt.Errorf("%w: %q and %q where a fragment should begin", ErrDamaged, time.kind, moof.kind)
	}
	mdat, err := readBox(r, moof.offset+moof.size, end)
	if err != nil {
		return part{}, err
	}
	if mdat.kind != "mdat" {
		return part{}, fmt.Errorf("%w: %q where pictures should be", ErrDamaged, mdat.kind)
	}
	b := make([]byte, time.size+moof.size)
	if _, err := r.ReadAt(b, offset); err != nil {
		return part{}, readError(err)
	}
	p := part{offset: offset, size: time.size + moof.size + mdat.size}
	if p.samples, err = parseMoof(b[time.size:], mdat.offset+boxHeader-moof.offset, mdat.size-boxHeader); err != nil {
		return part{}, err
	}
	p.samples.clock(fromNTP(binary.BigEndian.Uint64(b[16:])), int64(binary.BigEndian.Uint64(b[24:])))
	p.samples.shift(moof.offset)
	if len(p.samples.video) == 0 {
		return part{}, fmt.Errorf("%w: a fragment without pictures", ErrDamaged)
	}
	return p, nil
}
