package mkv

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
)

// unknownSize marks an element that ends where its parent or sibling says so.
const unknownSize = math.MaxUint64

// maxDepth bounds nesting in elements that are read whole.
const maxDepth = 6

// vintLength tells the length of a variable-size integer from its first byte, 0 when there is none.
func vintLength(first byte) int {
	if first == 0 {
		return 0
	}
	return bits.LeadingZeros8(first) + 1
}

// parseID reads an element id, whose length marker is part of it.
func parseID(b []byte) (id uint32, n int, err error) {
	if len(b) == 0 {
		return 0, 0, invalid("an element id is missing")
	}
	n = vintLength(b[0])
	if n == 0 || n > 4 || n > len(b) {
		return 0, 0, invalid("no element id begins with %#02x", b[0])
	}
	for _, c := range b[:n] {
		id = id<<8 | uint32(c)
	}
	return id, n, nil
}

// parseSize reads an element size.
func parseSize(b []byte) (size uint64, n int, err error) {
	if len(b) == 0 {
		return 0, 0, invalid("an element size is missing")
	}
	n = vintLength(b[0])
	if n == 0 || n > len(b) {
		return 0, 0, invalid("no element size begins with %#02x", b[0])
	}
	size = uint64(b[0]) & (1<<(8-n) - 1)
	for _, c := range b[1:n] {
		size = size<<8 | uint64(c)
	}
	if size == 1<<(7*n)-1 {
		return unknownSize, n, nil
	}
	return size, n, nil
}

// children calls visit for each element in the payload of a parent that was read whole.
func children(b []byte, visit func(id uint32, payload []byte) error) error {
	for len(b) > 0 {
		id, n, err := parseID(b)
		if err != nil {
			return err
		}
		size, m, err := parseSize(b[n:])
		if err != nil {
			return err
		}
		b = b[n+m:]
		if size > uint64(len(b)) { // the unknown size is too
			return invalid("element %#x claims %d bytes and its parent has %d left", id, size, len(b))
		}
		if err := visit(id, b[:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func parseUint(b []byte) (v uint64, err error) {
	if len(b) > 8 {
		return 0, invalid("an integer has %d bytes", len(b))
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, nil
}

func parseFloat(b []byte) (float64, error) {
	switch len(b) {
	case 0:
		return 0, nil
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), nil
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	return 0, invalid("a float has %d bytes", len(b))
}

// parseText reads a string, which may be padded with zeros.
func parseText(b []byte) (string, error) {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if !utf8.Valid(b) {
		return "", invalid("a text is not UTF-8")
	}
	return string(b), nil
}
