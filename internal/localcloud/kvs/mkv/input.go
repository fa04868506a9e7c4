package mkv

import (
	"bytes"
	"errors"
	"io"
)

// next returns the element put back by the end of a cluster, or reads one.
func (r *Reader) next() (element, error) {
	if r.pending != nil {
		e := *r.pending
		r.pending = nil
		return e, nil
	}
	return r.element()
}

// element reads an id and a size. It returns io.EOF only before the first byte.
func (r *Reader) element() (element, error) {
	var buf [8]byte
	first, err := r.in.ReadByte()
	if err != nil {
		return element{}, err // io.EOF is told apart
	}
	buf[0] = first
	n := vintLength(first)
	if n == 0 || n > 4 {
		return element{}, invalid("no element id begins with %#02x", first)
	}
	if _, err := io.ReadFull(r.in, buf[1:n]); err != nil {
		return element{}, unexpected(err)
	}
	id, _, err := parseID(buf[:n])
	if err != nil {
		return element{}, err
	}
	r.offset += uint64(n)
	if first, err = r.in.ReadByte(); err != nil {
		return element{}, unexpected(err)
	}
	if n = vintLength(first); n == 0 {
		return element{}, invalid("no element size begins with %#02x", first)
	}
	buf[0] = first
	if _, err := io.ReadFull(r.in, buf[1:n]); err != nil {
		return element{}, unexpected(err)
	}
	r.offset += uint64(n)
	size, _, err := parseSize(buf[:n])
	return element{id, size}, err
}

// payload reads an element of at most limit bytes. Memory grows with what
// arrives, not with what is claimed. The result of a block is valid until the next one.
func (r *Reader) payload(e element, limit int) ([]byte, error) {
	if e.size == unknownSize || e.size > uint64(limit) {
		return nil, invalid("element %#x claims %d bytes where %d are allowed", e.id, e.size, limit)
	}
	into := &r.block
	if e.id != idSimpleBlock && e.id != idBlockGroup {
		into = &bytes.Buffer{}
	}
	into.Reset()
	n, err := io.CopyN(into, r.in, int64(e.size))
	r.offset += uint64(n)
	if err != nil {
		return nil, unexpected(err)
	}
	return into.Bytes(), nil
}

func (r *Reader) skip(e element) error {
	if e.size == unknownSize || e.size > maxSkip {
		return invalid("element %#x claims %d bytes and nothing is known of it", e.id, e.size)
	}
	n, err := io.CopyN(io.Discard, r.in, int64(e.size))
	r.offset += uint64(n)
	return unexpected(err)
}

// unexpected turns an end in the middle of an element into io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
