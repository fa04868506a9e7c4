package media

import (
	"bytes"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// H264ClockRate is the RTP clock of H.264 in ticks a second (RFC 6184, 8.2.1).
const H264ClockRate = 90000

// H264Packetizer turns the access units of one connection into packets. It
// follows the parameter sets, in the session description as in the stream,
// and repeats them before every keyframe that comes without.
// It is not safe for concurrent use.
type H264Packetizer struct {
	sps, pps []byte
	stream   *Stream
}

// NewH264Packetizer starts with the parameter sets of the session
// description, either of which may be empty.
func NewH264Packetizer(sps, pps []byte) *H264Packetizer {
	return &H264Packetizer{sps: bytes.Clone(sps), pps: bytes.Clone(pps)}
}

// Packet checks and labels one access unit. The packet keeps the NAL units.
// It fails with ErrTooLarge, ErrNoPicture (harmless: cameras send parameter
// sets or SEI alone) or ErrNoParameters.
func (h *H264Packetizer) Packet(au [][]byte, pts time.Duration, at time.Time) (*Packet, error) {
	if err := checkSize(au); err != nil {
		return nil, err
	}
	picture, key := false, false
	nals := make([][]byte, 0, len(au)+2)
	for _, nal := range au {
		if len(nal) == 0 {
			continue
		}
		switch h264.NALUType(nal[0] & 0x1f) {
		case h264.NALUTypeSPS:
			h.set(&h.sps, nal)
			continue
		case h264.NALUTypePPS:
			h.set(&h.pps, nal)
			continue
		case h264.NALUTypeAccessUnitDelimiter:
			continue
		case h264.NALUTypeIDR:
			picture, key = true, true
		case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
			picture = true
		}
		nals = append(nals, nal)
	}
	if !picture {
		return nil, ErrNoPicture
	}
	if len(h.sps) == 0 || len(h.pps) == 0 {
		return nil, ErrNoParameters
	}
	if h.stream == nil {
		if !key {
			return nil, fmt.Errorf("%w: waiting for a keyframe", ErrNoParameters)
		}
		h.stream = newH264Stream(h.sps, h.pps)
	}
	if key {
		nals = append([][]byte{h.stream.SPS, h.stream.PPS}, nals...)
	}
	return &Packet{Stream: h.stream, PTS: pts, Time: at, Key: key, AU: nals}, nil
}

// set stores a parameter set; a different one ends the current stream.
func (h *H264Packetizer) set(to *[]byte, nal []byte) {
	if !bytes.Equal(*to, nal) {
		*to = bytes.Clone(nal)
		h.stream = nil
	}
}

func newH264Stream(sps, pps []byte) *Stream {
	s := &Stream{Codec: H264, SPS: sps, PPS: pps, ClockRate: H264ClockRate}
	var parsed h264.SPS
	// A decoder may cope with an SPS that this parser does not know, so only
	// the size is lost.
	if parsed.Unmarshal(sps) == nil {
		s.Width, s.Height = parsed.Width(), parsed.Height()
	}
	return s
}

func checkSize(au [][]byte) error {
	size := 0
	for _, nal := range au {
		size += len(nal)
	}
	if size > MaxAccessUnit {
		return fmt.Errorf("%w: %d bytes, the limit is %d; lower the camera's bit rate", ErrTooLarge, size, MaxAccessUnit)
	}
	return nil
}

// codedSlice reports whether an H.264 NAL unit holds a part of a picture
// (H.264, table 7-1).
func codedSlice(nal []byte) bool {
	if len(nal) == 0 {
		return false
	}
	t := h264.NALUType(nal[0] & 0x1f)
	return t >= h264.NALUTypeNonIDR && t <= h264.NALUTypeIDR
}

// PictureSize is the bytes that are spent on the picture, as against
// parameters, messages and padding.
func (p *Packet) PictureSize() int {
	slice := codedSlice
	if p.h265() {
		slice = codedSegment
	}
	n := 0
	for _, nal := range p.AU {
		if slice(nal) {
			n += len(nal)
		}
	}
	return n
}

// Disposable reports whether no other picture is predicted from this one, so
// that a decoder in a hurry can do without (H.264, nal_ref_idc in 7.4.1). Of
// H.265 that is not known, as it depends on layers of time.
func (p *Packet) Disposable() bool {
	if p.h265() {
		return false
	}
	for _, nal := range p.AU {
		if codedSlice(nal) && nal[0]>>5&3 != 0 {
			return false
		}
	}
	return true
}

// AnnexB returns NAL units in the byte stream format (H.264 Annex B), each
// after a four-byte start code.
func AnnexB(au [][]byte) []byte {
	n := 0
	for _, nal := range au {
		n += 4 + len(nal)
	}
	out := make([]byte, 0, n)
	for _, nal := range au {
		out = append(out, 0, 0, 0, 1)
		out = append(out, nal...)
	}
	return out
}
