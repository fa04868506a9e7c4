// Package media holds encoded video on its way through Porchlight: packets,
// the stream they belong to, the little H.264, H.265 and AAC needed to label
// them, the bus on which one camera's packets reach many readers, and the ring
// that keeps the newest of them.
//
// Nothing here decodes pictures.
package media

import (
	"bytes"
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

// The codecs that Porchlight knows how to carry. Others are left out of
// recordings.
const (
	H264 Codec = "h264" // ITU-T H.264, also called AVC
	H265 Codec = "h265" // ITU-T H.265, also called HEVC
	AAC  Codec = "aac"  // MPEG-4 audio, raw frames without ADTS headers
)

// Stream describes one track of one connection. It never changes: a reconnect
// or new parameter sets make a new Stream, so that readers compare pointers
// to learn that their decoder or container must start over.
type Stream struct {
	Codec     Codec
	VPS       []byte // H.265 only, without start code
	SPS, PPS  []byte // H.264 and H.265 parameter sets, without start codes
	Width     int    // pixels after cropping, 0 when the SPS cannot be read
	Height    int    // pixels after cropping, 0 when the SPS cannot be read
	ClockRate int    // RTP ticks a second

	Config     []byte // AAC only: the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)
	SampleRate int    // of audio, per second
	Channels   int    // of audio
}

// Audio reports whether the stream is sound.
func (s *Stream) Audio() bool { return s.Codec == AAC }

// Same reports whether one decoder and one container track can go on from s
// to o: a camera that reconnects makes a new Stream of the same kind. Nil is
// the same as nil.
func (s *Stream) Same(o *Stream) bool {
	if s == nil || o == nil || s == o {
		return s == o
	}
	return s.Codec == o.Codec && bytes.Equal(s.VPS, o.VPS) && bytes.Equal(s.SPS, o.SPS) && bytes.Equal(s.PPS, o.PPS) &&
		bytes.Equal(s.Config, o.Config)
}

// Packet is one encoded access unit, or one frame of audio. It is shared
// between readers and never changed once published.
type Packet struct {
	Stream *Stream
	PTS    time.Duration // since the start of the connection
	Time   time.Time     // wall clock when the picture was taken
	Key    bool          // decoding can start here; AU then holds the parameter sets
	AU     [][]byte      // NAL units without start codes or lengths; of audio the one frame
}

// Ticks returns the duration of n ticks of a clock of rate ticks a second.
// It is exact to the nanosecond below and holds for 292 years: multiplying
// first would overflow after a day.
func Ticks(n int64, rate int) time.Duration {
	r := int64(rate)
	return time.Duration(n/r)*time.Second + time.Duration(n%r)*time.Second/time.Duration(r)
}
