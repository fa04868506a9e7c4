package lan

import "errors"

// errPacket means that a client announced a packet that is none, or too large.
var errPacket = errors.New("packet is too large or malformed")

// framer follows the packets in a stream of bytes, so that one that is too
// large is refused before there is memory for it. Form of a packet: MQTT 5.0,
// 2.1.
type framer struct {
	skip   int64 // bytes of the present packet that are still to come
	length int64 // as far as it is known
	shift  uint  // of its next seven bits
	inside bool  // the header
}

// scan takes the next bytes and returns how many packets begin in them.
func (f *framer) scan(b []byte, limit int64) (begun int, err error) {
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, int64(len(b)))
			f.skip -= n
			b = b[n:]
			continue
		}
		next := b[0]
		b = b[1:]
		if !f.inside { // its type and flags
			f.inside, f.length, f.shift = true, 0, 0
			begun++
			continue
		}
		f.length |= int64(next&0x7f) << f.shift
		f.shift += 7
		if next&0x80 == 0 {
			f.inside, f.skip = false, f.length
		} else if f.shift > 21 {
			return begun, errPacket
		}
		if f.length > limit {
			return begun, errPacket
		}
	}
	return begun, nil
}
