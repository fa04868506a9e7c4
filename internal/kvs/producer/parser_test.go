package producer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// parser reads Matroska as it comes. It shares no code with the writer.
type parser struct {
	service *service
	*moment
	r       *bufio.Reader
	raw     bytes.Buffer // of the element at hand and its children
	head    *heading
	cluster *bytes.Buffer
	last    int64 // latest block of fragments before
}

func (p *parser) read(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(p.r, b); err != nil {
		return nil, err
	}
	p.raw.Write(b)
	return b, nil
}

// vint reads a variable-size integer; keep leaves its marker on.
func (p *parser) vint(keep bool) (uint64, error) {
	first, err := p.read(1)
	if err != nil {
		return 0, err
	}
	n := 1
	for mask := byte(0x80); n <= 8 && first[0]&mask == 0; mask >>= 1 {
		n++
	}
	if n > 8 {
		return 0, fmt.Errorf("bad integer %x", first)
	}
	rest, err := p.read(n - 1)
	if err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	v := uint64(first[0])
	if !keep {
		v &= 1<<(8-n) - 1
	}
	all := v == 1<<(8-n)-1
	for _, b := range rest {
		v = v<<8 | uint64(b)
		all = all && b == 0xff
	}
	if !keep && all {
		return 1<<64 - 1, nil
	}
	return v, nil
}

func (p *parser) run() error {
	segments, open := 0, false
	for {
		p.raw.Reset()
		id, err := p.vint(true)
		if err != nil {
			if errors.Is(err, io.EOF) {
				if e := p.finish(); e != nil {
					return e
				}
			}
			return err
		}
		size, err := p.vint(false)
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch id {
		case 0x18538067: // Segment
			if segments++; segments > 1 {
				return errors.New("two segments")
			}
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
			continue
		case 0x1F43B675: // Cluster
			if err := p.finish(); err != nil {
				return err
			}
			open = true
			p.cluster = &bytes.Buffer{}
			p.cluster.Write(p.raw.Bytes())
			continue
		}
		if size > 60<<20 {
			return fmt.Errorf("element %x of %d bytes", id, size)
		}
		body, err := p.read(int(size))
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch id {
		case 0x1A45DFA3:
			p.head = &heading{tracks: make(map[byte]string)}
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
		case 0x1549A966:
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
		case 0x1654AE6B:
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
			p.tracks(body)
		case 0x1254C367:
			if open && p.received == nil {
				return errors.New("tags within an empty cluster")
			}
			if err := p.tags(body); err != nil {
				return err
			}
			open = false
		case 0xE7:
			if !open {
				return errors.New("a timecode outside of a cluster")
			}
			p.cluster.Write(p.raw.Bytes())
			if err := p.begin(int64(binary.BigEndian.Uint64(body))); err != nil {
				return err
			}
		case 0xA7:
			p.cluster.Write(p.raw.Bytes())
		case 0xA3:
			if !open {
				return errors.New("a block outside of a cluster")
			}
			p.cluster.Write(p.raw.Bytes())
			if err := p.block(body); err != nil {
				return err
			}
		default:
			return fmt.Errorf("element %x is not allowed", id)
		}
	}
}

// children walks the elements of a body, all with sizes.
func children(body []byte, visit func(id uint64, body []byte)) {
	p := &parser{r: bufio.NewReader(bytes.NewReader(body))}
	for {
		id, err := p.vint(true)
		if err != nil {
			return
		}
		size, _ := p.vint(false)
		b, err := p.read(int(size))
		if err != nil {
			return
		}
		visit(id, b)
	}
}

func (p *parser) tracks(body []byte) {
	children(body, func(_ uint64, entry []byte) {
		var number byte
		var codec string
		private := 0
		children(entry, func(id uint64, b []byte) {
			switch id {
			case 0xD7:
				number = b[len(b)-1]
			case 0x86:
				codec = string(b)
			case 0x63A2:
				private = len(b)
			}
		})
		if number == 0 || codec == "" || private == 0 {
			p.service.breach("track %d %q with %d bytes of private data", number, codec, private)
		}
		p.head.tracks[number] = codec
		p.head.sound = p.head.sound || number == 2
	})
	if len(p.head.tracks) == 0 || len(p.head.tracks) > 3 {
		p.service.breach("%d tracks", len(p.head.tracks))
	}
}

func (p *parser) tags(body []byte) error {
	children(body, func(_ uint64, tag []byte) {
		children(tag, func(_ uint64, simple []byte) {
			var name, value string
			children(simple, func(id uint64, b []byte) {
				switch id {
				case 0x45A3:
					name = string(b)
				case 0x4487:
					value = string(b)
				}
			})
			if p.received == nil {
				p.service.breach("tag %s of no fragment", name)
				return
			}
			if name == "AWS_KINESISVIDEO_END_OF_FRAGMENT" {
				p.ended = true
				return
			}
			p.received.tags[name] = value
			if len(name) > 128 || len(value) > 256 || len(p.received.tags) > 9 {
				p.service.breach("tag %s=%s", name, value)
			}
		})
	})
	if p.received != nil && p.ended {
		return p.finish()
	}
	return nil
}

func (p *parser) begin(timecode int64) error {
	p.service.mu.Lock()
	p.service.fragments++
	p.fragment = p.service.fragments
	if p.service.told[timecode] {
		p.service.breaches = append(p.service.breaches, fmt.Sprintf("fragment %d is persisted and was sent again", timecode))
	}
	p.service.mu.Unlock()
	p.received = &received{
		connection: p.connection, timecode: timecode, tags: make(map[string]string),
		tracks: make(map[byte]int), header: p.head, end: timecode,
	}
	if timecode <= p.last {
		p.service.breach("fragment %d begins before %d", timecode, p.last)
	}
	if p.service.onBegin != nil {
		if err := p.service.onBegin(p.moment); err != nil {
			return err
		}
	}
	p.ack("BUFFERING", timecode, "")
	return nil
}

func (p *parser) block(body []byte) error {
	f := p.received
	if f == nil || len(body) < 5 {
		return errors.New("a block without a fragment")
	}
	track := body[0] & 0x7f
	offset := int64(int16(binary.BigEndian.Uint16(body[1:])))
	switch {
	case p.head.tracks[track] == "":
		p.service.breach("a frame of track %d", track)
	case f.timecode+offset <= p.last:
		p.service.breach("a frame at %d after a fragment to %d", f.timecode+offset, p.last)
	case offset > 20_000:
		p.service.breach("a fragment of %d ms", offset)
	}
	if track == 1 {
		idr, err := lengthPrefixed(body[4:])
		if err != nil {
			p.service.breach("fragment %d: %v", f.timecode, err)
		}
		if f.tracks[1] == 0 && (!idr || body[3]&0x80 == 0 || offset != 0) {
			p.service.breach("fragment %d does not begin with a keyframe", f.timecode)
		}
	}
	f.tracks[track]++
	f.end = max(f.end, f.timecode+offset)
	if f.size += len(body); f.size > 50<<20 {
		p.service.breach("a fragment of %d bytes", f.size)
	}
	if p.service.onBlock != nil {
		n := 0
		for _, frames := range f.tracks {
			n += frames
		}
		return p.service.onBlock(p.moment, n)
	}
	return nil
}

func lengthPrefixed(b []byte) (idr bool, _ error) {
	for len(b) > 0 {
		if len(b) < 4 {
			return idr, errors.New("cut short")
		}
		n := int(binary.BigEndian.Uint32(b))
		if b = b[4:]; n == 0 || n > len(b) {
			return idr, fmt.Errorf("a NAL unit of %d bytes in %d", n, len(b))
		}
		switch b[0] & 0x1f {
		case 7, 8, 9:
			return idr, errors.New("parameters in a frame")
		case 5:
			idr = true
		}
		b = b[n:]
	}
	return idr, nil
}

// finish is the end of a fragment.
func (p *parser) finish() error {
	f := p.received
	if f == nil {
		return nil
	}
	p.last, p.received = f.end, nil
	for number := range p.head.tracks {
		if f.tracks[number] == 0 {
			p.service.breach("fragment %d has no frame of track %d", f.timecode, number)
		}
	}
	f.data = append(append([]byte{}, p.head.raw...), p.cluster.Bytes()...)
	m := *p.moment
	m.received = f
	if p.service.onEnd != nil {
		if handled, err := p.service.onEnd(&m); handled || err != nil {
			return err
		}
	}
	m.ack("RECEIVED", f.timecode, "")
	m.persist(f)
	return nil
}
