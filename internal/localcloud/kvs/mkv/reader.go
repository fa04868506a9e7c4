package mkv

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
)

const (
	// maxMeta bounds an element that is read whole and is not a block, in bytes.
	maxMeta = 1 << 20
	// maxSkip bounds an element that is passed over: what ffmpeg writes as
	// cues after hours of recording.
	maxSkip = 16 << 20
)

// Reader meets the parts of one Matroska segment as they arrive.
type Reader struct {
	in       *bufio.Reader
	maxBlock int
	offset   uint64 // bytes read

	state      state
	header     Header
	hasHeader  bool
	segmentEnd uint64
	clusterEnd uint64
	timecode   uint64
	hasTime    bool
	// pending is the element that ended a cluster of unknown size and has yet to be looked at.
	pending *element
	block   bytes.Buffer
}

type state int

const (
	atStart state = iota
	inSegment
	inCluster
)

type element struct {
	id   uint32
	size uint64
}

// NewReader reads from in. Blocks have at most maxBlock bytes.
func NewReader(in io.Reader, maxBlock int) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, 64<<10), maxBlock: maxBlock, header: Header{TimecodeScale: 1_000_000}}
}

// Next returns what comes next. At the regular end it returns io.EOF; an input
// that breaks off returns io.ErrUnexpectedEOF, after which blocks already
// returned stand. Errors of Matroska are ErrInvalid and ErrTooLarge.
func (r *Reader) Next() (Event, error) {
	for {
		event, err := r.step()
		if err != nil || event.Kind != 0 {
			return event, err
		}
	}
}

func (r *Reader) step() (Event, error) {
	switch r.state {
	case atStart:
		return Event{}, r.start()
	case inSegment:
		return r.segment()
	default:
		return r.cluster()
	}
}

// start expects the EBML header and the segment.
func (r *Reader) start() error {
	e, err := r.element()
	if err != nil {
		return err
	}
	if e.id != idEBML {
		return invalid("it begins with element %#x", e.id)
	}
	raw, err := r.payload(e, maxMeta)
	if err != nil {
		return err
	}
	if err := parseEBML(raw); err != nil {
		return err
	}
	for {
		if e, err = r.element(); err != nil {
			return unexpected(err)
		}
		if e.id != idVoid {
			break
		}
		if err := r.skip(e); err != nil {
			return err
		}
	}
	if e.id != idSegment {
		return invalid("element %#x stands where the segment should", e.id)
	}
	r.segmentEnd = r.end(e.size)
	r.state = inSegment
	return nil
}

// end returns the offset at which an element ends whose payload begins here.
func (r *Reader) end(size uint64) uint64 {
	if size == unknownSize || size > math.MaxUint64-r.offset {
		return unknownSize
	}
	return r.offset + size
}

func (r *Reader) segment() (Event, error) {
	if r.pending == nil && r.offset >= r.segmentEnd {
		return Event{}, r.trailer()
	}
	e, err := r.next()
	if err != nil {
		if errors.Is(err, io.EOF) && r.segmentEnd != unknownSize {
			err = io.ErrUnexpectedEOF
		}
		return Event{}, err
	}
	switch e.id {
	case idInfo:
		raw, err := r.payload(e, maxMeta)
		if err != nil || r.hasHeader {
			return Event{}, err
		}
		r.header.TimecodeScale, err = parseInfo(raw)
		return Event{}, err
	case idTracks:
		return r.tracks(e)
	case idTags:
		raw, err := r.payload(e, maxMeta)
		if err != nil {
			return Event{}, err
		}
		tags, err := parseTags(raw)
		return Event{Kind: Tags, Tags: tags}, err
	case idCluster:
		if !r.hasHeader {
			return Event{}, invalid("a cluster comes before the tracks")
		}
		r.clusterEnd, r.hasTime, r.state = r.end(e.size), false, inCluster
		return Event{}, nil
	case idEBML, idSegment:
		return Event{}, invalid("a second segment begins: send one segment for each PutMedia")
	default:
		return Event{}, r.skip(e)
	}
}

func (r *Reader) tracks(e element) (Event, error) {
	raw, err := r.payload(e, maxMeta)
	if err != nil {
		return Event{}, err
	}
	tracks, err := parseTracks(raw)
	if err != nil {
		return Event{}, err
	}
	if r.hasHeader {
		if !bytes.Equal(raw, r.header.RawTracks) {
			return Event{}, invalid("the tracks change within the segment: begin a new PutMedia")
		}
		return Event{}, nil
	}
	r.header.Tracks, r.header.RawTracks, r.hasHeader = tracks, raw, true
	return Event{Kind: Tracks, Header: &r.header}, nil
}

// trailer refuses what follows a segment that said where it ends.
func (r *Reader) trailer() error {
	e, err := r.element()
	switch {
	case err != nil:
		return err // io.EOF is the regular end
	case e.id == idVoid:
		return r.skip(e)
	default:
		return invalid("element %#x follows the segment", e.id)
	}
}
