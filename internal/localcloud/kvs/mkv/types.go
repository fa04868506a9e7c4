package mkv

import (
	"errors"
	"fmt"
)

// ErrInvalid means that the input is not the Matroska that is spoken here.
var ErrInvalid = errors.New("invalid Matroska")

// ErrTooLarge means that a block is larger than the reader accepts.
var ErrTooLarge = errors.New("block is too large")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Kinds of track.
const (
	Video = 1
	Audio = 2
)

// Track is one TrackEntry.
type Track struct {
	Number        uint64
	Type          uint64 // Video, Audio or another of RFC 9559 section 5.1.4.1.3
	Name          string
	CodecID       string
	CodecPrivate  []byte
	Width, Height int     // pixels; video
	SampleRate    float64 // Hz; audio
	Channels      int     // audio
	FrameLength   uint64  // nanoseconds, 0 when not told
}

// Header is what stands before the first cluster.
type Header struct {
	TimecodeScale uint64 // nanoseconds per tick
	Tracks        []Track
	RawTracks     []byte // payload of the Tracks element, as it came
}

// Track returns the track with a number.
func (h *Header) Track(number uint64) (Track, bool) {
	for _, t := range h.Tracks {
		if t.Number == number {
			return t, true
		}
	}
	return Track{}, false
}

// Milliseconds converts ticks.
func (h *Header) Milliseconds(ticks int64) int64 {
	const ms = 1_000_000
	if h.TimecodeScale == ms {
		return ticks
	}
	// Split, for ticks since 1970 times a scale in nanoseconds overflow.
	scale := int64(h.TimecodeScale)
	return ticks/ms*scale + (ticks%ms*scale+ms/2)/ms
}

// Tag is one SimpleTag.
type Tag struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// Block is one frame. Data is valid until the next read.
type Block struct {
	Track    uint64
	Timecode int64 // ticks, that of its cluster included
	Key      bool
	Data     []byte
}

// Kind of an Event.
type Kind int

// What a Reader meets, in this order within a fragment.
const (
	Tracks Kind = iota + 1 // the header is complete
	Tags
	ClusterStart
	BlockRead
	ClusterEnd
)

// Event is one thing met.
type Event struct {
	Kind     Kind
	Header   *Header // Tracks
	Tags     []Tag   // Tags
	Timecode uint64  // ClusterStart, ticks
	Block    Block   // BlockRead

	TagsFollow bool // ClusterEnd of a cluster of unknown size: it is tags that ended it
}
