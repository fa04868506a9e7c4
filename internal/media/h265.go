package media

import (
	"bytes"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// H265ClockRate is the RTP clock of H.265 in ticks a second (RFC 7798, 7.1).
const H265ClockRate = 90000

// H265Packetizer is H264Packetizer for H.265. A keyframe is an IDR or CRA
// picture (H.265, table 7-1). It is not safe for concurrent use.
type H265Packetizer struct {
	vps, sps, pps []byte
	stream        *Stream
}

// NewH265Packetizer starts with the parameter sets of the session
// description, any of which may be empty.
func NewH265Packetizer(vps, sps, pps []byte) *H265Packetizer {
	return &H265Packetizer{vps: bytes.Clone(vps), sps: bytes.Clone(sps), pps: bytes.Clone(pps)}
}

// Packet checks and labels one access unit. The packet keeps the NAL units.
// It fails as H264Packetizer.Packet does.
func (h *H265Packetizer) Packet(au [][]byte, pts time.Duration, at time.Time) (*Packet, error) {
	if err := checkSize(au); err != nil {
		return nil, err
	}
	picture, key := false, false
	nals := make([][]byte, 0, len(au)+3)
	for _, nal := range au {
		if len(nal) < 2 {
			continue // shorter than a NAL unit's header
		}
		switch t := h265Type(nal); {
		case t == h265.NALUType_VPS_NUT:
			h.set(&h.vps, nal)
			continue
		case t == h265.NALUType_SPS_NUT:
			h.set(&h.sps, nal)
			continue
		case t == h265.NALUType_PPS_NUT:
			h.set(&h.pps, nal)
			continue
		case t == h265.NALUType_AUD_NUT:
			continue
		case t == h265.NALUType_IDR_W_RADL, t == h265.NALUType_IDR_N_LP, t == h265.NALUType_CRA_NUT:
			picture, key = true, true
		case t < h265.NALUType_VPS_NUT:
			picture = true
		}
		nals = append(nals, nal)
	}
	if !picture {
		return nil, ErrNoPicture
	}
	if len(h.vps) == 0 || len(h.sps) == 0 || len(h.pps) == 0 {
		return nil, ErrNoParameters
	}
	if h.stream == nil {
		if !key {
			return nil, fmt.Errorf("%w: waiting for a keyframe", ErrNoParameters)
		}
		h.stream = newH265Stream(h.vps, h.sps, h.pps)
	}
	if key {
		nals = append([][]byte{h.stream.VPS, h.stream.SPS, h.stream.PPS}, nals...)
	}
	return &Packet{Stream: h.stream, PTS: pts, Time: at, Key: key, AU: nals}, nil
}

// set stores a parameter set; a different one ends the current stream.
func (h *H265Packetizer) set(to *[]byte, nal []byte) {
	if !bytes.Equal(*to, nal) {
		*to = bytes.Clone(nal)
		h.stream = nil
	}
}

func newH265Stream(vps, sps, pps []byte) *Stream {
	s := &Stream{Codec: H265, VPS: vps, SPS: sps, PPS: pps, ClockRate: H265ClockRate}
	var parsed h265.SPS
	if parsed.Unmarshal(sps) == nil {
		s.Width, s.Height = parsed.Width(), parsed.Height()
	}
	return s
}

func h265Type(nal []byte) h265.NALUType { return h265.NALUType(nal[0] >> 1 & 0x3f) }

// codedSegment reports whether an H.265 NAL unit holds a part of a picture
// (H.265, table 7-1).
func codedSegment(nal []byte) bool { return len(nal) >= 2 && h265Type(nal) < h265.NALUType_VPS_NUT }

func (p *Packet) h265() bool { return p.Stream != nil && p.Stream.Codec == H265 }
