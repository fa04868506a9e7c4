// Package media holds encoded video on its way through Porchlight: packets,
// the stream they belong to, the little H.264 needed to label them, and the
// bus on which one camera's packets reach many readers.
//
// Nothing here decodes pictures.
package media

import (
	"errors"
	"time"
)

// MaxAccessUnit is the largest access unit accepted, in bytes of all its NAL
// units. Anything larger is a fault of the camera, not a picture.
const MaxAccessUnit = 5 << 20

// Reasons why an access unit does not become a packet.
var (
	ErrTooLarge     = errors.New("access unit is too large")
	ErrNoPicture    = errors.New("access unit holds no picture")
	ErrNoParameters = errors.New("no parameter sets have arrived yet")
)

// Codec names the encoding of a stream.
type Codec string

// H264 is ITU-T H.264, also called AVC.
const H264 Codec = "h264"

// Stream describes one track of one connection. It never changes: a reconnect
// or new parameter sets make a new Stream, so that readers compare pointers
// to learn that their decoder or container must start over.
type Stream struct {
	Codec     Codec
	SPS, PPS  []byte // H.264 parameter sets, without start codes
	Width     int    // pixels after cropping, 0 when the SPS cannot be read
	Height    int    // pixels after cropping, 0 when the SPS cannot be read
	ClockRate int    // RTP ticks a second
}

// Packet is one encoded access unit. It is shared between readers and never
// changed once published.
type Packet struct {
	Stream *Stream
	PTS    time.Duration // since the start of the connection
	Time   time.Time     // wall clock when the picture was taken
	Key    bool          // decoding can start here; AU then holds the parameter sets
	AU     [][]byte      // NAL units without start codes or lengths
}

// Ticks returns the duration of n ticks of a clock of rate ticks a second.
// It is exact to the nanosecond below and holds for 292 years: multiplying
// first would overflow after a day.
func Ticks(n int64, rate int) time.Duration {
	r := int64(rate)
	return time.Duration(n/r)*time.Second + time.Duration(n%r)*time.Second/time.Duration(r)
}
