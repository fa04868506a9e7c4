package media

import (
	"encoding/binary"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// SampleSize is how many bytes AppendSample appends.
func (p *Packet) SampleSize() int {
	n := 0
	if p.Stream.Audio() {
		for _, frame := range p.AU {
			n += len(frame)
		}
		return n
	}
	for _, nal := range p.AU {
		if !p.Stream.parameters(nal) {
			n += 4 + len(nal)
		}
	}
	return n
}

// AppendSample appends the packet as Matroska and MP4 hold it: NAL units each
// after its length in four bytes, without the parameter sets, which those
// formats keep apart (ISO/IEC 14496-15, 5.2.3). Audio is appended as it is.
func (p *Packet) AppendSample(dst []byte) []byte {
	audio := p.Stream.Audio()
	for _, nal := range p.AU {
		if audio {
			dst = append(dst, nal...)
		} else if !p.Stream.parameters(nal) {
			dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(nal))), nal...)
		}
	}
	return dst
}

// parameters reports whether a NAL unit is a parameter set, or nothing.
func (s *Stream) parameters(nal []byte) bool {
	if len(nal) == 0 {
		return true
	}
	if s.Codec == H265 {
		t := h265Type(nal)
		return t == h265.NALUType_VPS_NUT || t == h265.NALUType_SPS_NUT || t == h265.NALUType_PPS_NUT
	}
	t := h264.NALUType(nal[0] & 0x1f)
	return t == h264.NALUTypeSPS || t == h264.NALUTypePPS
}

// Size is the bytes of all NAL units or of the audio frame.
func (p *Packet) Size() int {
	n := 0
	for _, nal := range p.AU {
		n += len(nal)
	}
	return n
}
