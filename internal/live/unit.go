package live

import (
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/pion/rtp"

	"porchlight/internal/media"
)

// maxPayload is the largest RTP payload, in bytes. With the headers of RTP,
// its extensions, SRTP, TURN, UDP and IPv6 it just fits the 1280 bytes that
// every network carries.
const maxPayload = 1188

// unit is one access unit cut into RTP payloads, shared by all viewers and
// never changed.
type unit struct {
	stream   *media.Stream
	key      bool
	ticks    int64 // of the presentation time, 90 kHz
	taken    time.Time
	payloads [][]byte
	bytes    int
}

// packetizer cuts access units of either codec into RTP payloads
// (RFC 6184 with packetization-mode 1, RFC 7798).
type packetizer struct {
	h264 rtph264.Encoder
	h265 rtph265.Encoder
}

func newPacketizer() (*packetizer, error) {
	p := &packetizer{
		h264: rtph264.Encoder{PayloadMaxSize: maxPayload, PacketizationMode: 1},
		h265: rtph265.Encoder{PayloadMaxSize: maxPayload},
	}
	if err := p.h264.Init(); err != nil {
		return nil, fmt.Errorf("make an H.264 packetizer: %w", err)
	}
	if err := p.h265.Init(); err != nil {
		return nil, fmt.Errorf("make an H.265 packetizer: %w", err)
	}
	return p, nil
}

// cut makes a unit of a packet. It fails for codecs that WebRTC has no
// payload format for, and for packets without a picture.
func (p *packetizer) cut(packet *media.Packet) (*unit, error) {
	nals := make([][]byte, 0, len(packet.AU))
	for _, nal := range packet.AU {
		if len(nal) > 2 { // nothing shorter is a picture or a parameter set
			nals = append(nals, nal)
		}
	}
	if len(nals) == 0 {
		return nil, media.ErrNoPicture
	}
	var packets []*rtp.Packet
	var err error
	switch packet.Stream.Codec {
	case media.H264:
		packets, err = p.h264.Encode(nals)
	case media.H265:
		packets, err = p.h265.Encode(nals)
	default:
		return nil, fmt.Errorf("live view cannot carry %q", packet.Stream.Codec)
	}
	if err != nil {
		return nil, err
	}
	u := &unit{
		stream: packet.Stream, key: packet.Key, taken: packet.Time,
		ticks:    int64(packet.PTS/time.Millisecond)*(media.H264ClockRate/1000) + int64(packet.PTS%time.Millisecond)*(media.H264ClockRate/1000)/int64(time.Millisecond),
		payloads: make([][]byte, len(packets)),
	}
	for i, packet := range packets {
		u.payloads[i] = packet.Payload
		u.bytes += len(packet.Payload)
	}
	return u, nil
}
