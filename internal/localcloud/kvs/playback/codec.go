package playback

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"porchlight/internal/localcloud/kvs/mkv"
	"porchlight/internal/localcloud/kvs/wire"
)

// track is a stored track that can be put into MP4.
type track struct {
	mkv.Track
	codec     codecs.Codec
	name      string // RFC 6381
	timescale uint32
	frame     int64               // ticks of one frame of sound; 0: as the timecodes say
	decode    func([]byte) []byte // turns G.711 into samples of 16 bits; nil for all else
}

const videoTimescale = 90000

// playable turns the tracks of a fragment into those of MP4. Tracks that are neither
// video nor audio are left out. A clip may have G.711 sound, which browsers do not play.
func playable(h *mkv.Header, clip bool) ([]track, error) {
	var tracks []track
	for _, t := range h.Tracks {
		if t.Type != mkv.Video && t.Type != mkv.Audio {
			continue
		}
		playable, err := newTrack(t)
		if clip && t.CodecID == "A_MS/ACM" {
			playable, err = g711Track(t)
		}
		if err != nil {
			return nil, err
		}
		tracks = append(tracks, playable)
	}
	if len(tracks) == 0 {
		return nil, unsupported("the stream has neither video nor audio")
	}
	return tracks, nil
}

func unsupported(format string, args ...any) error {
	return wire.Error("UnsupportedStreamMediaTypeException", format, args...)
}

var errShort = errors.New("it is no WAVEFORMATEX of G.711 sound")

func badPrivate(t mkv.Track, err error) error {
	return wire.Error("InvalidCodecPrivateDataException", "the codec private data of track %d (%s) cannot be read: %v", t.Number, t.CodecID, err)
}

func newTrack(t mkv.Track) (track, error) {
	out := track{Track: t, timescale: videoTimescale}
	switch t.CodecID {
	case "V_MPEG4/ISO/AVC", "V_MPEG/ISO/AVC", "V_MPEGH/ISO/HEVC", "A_AAC":
	default:
		return out, unsupported("track %d is %s: H.264, H.265 and AAC can be played", t.Number, t.CodecID)
	}
	if len(t.CodecPrivate) == 0 {
		return out, wire.Error("MissingCodecPrivateDataException", "track %d (%s) has no codec private data: the producer must send it", t.Number, t.CodecID)
	}
	var err error
	switch t.CodecID {
	case "A_AAC":
		out, err = out.aac()
	case "V_MPEGH/ISO/HEVC":
		out, err = out.h265()
	default:
		out, err = out.h264()
	}
	if err != nil {
		return out, badPrivate(t, err)
	}
	return out, nil
}

func (t track) aac() (track, error) {
	var c mpeg4audio.AudioSpecificConfig
	if err := c.Unmarshal(t.CodecPrivate); err != nil {
		return t, err
	}
	if c.SampleRate <= 0 {
		return t, fmt.Errorf("its sampling rate is %d Hz", c.SampleRate)
	}
	t.codec, t.timescale, t.frame = &codecs.MPEG4Audio{Config: c}, uint32(c.SampleRate), mpeg4audio.SamplesPerAccessUnit
	t.name = fmt.Sprintf("mp4a.40.%d", c.Type)
	return t, nil
}

// h264 reads an AVCDecoderConfigurationRecord.
func (t track) h264() (track, error) {
	b := cursor{t.CodecPrivate}
	head := b.take(6)
	if head == nil || head[0] != 1 {
		return t, fmt.Errorf("it is no AVC configuration")
	}
	if head[4]&3 != 3 {
		return t, fmt.Errorf("frames have NAL unit lengths of %d bytes: want 4", head[4]&3+1)
	}
	sps := b.units(int(head[5] & 0x1f))
	count := b.take(1)
	if len(sps) == 0 || count == nil {
		return t, fmt.Errorf("it has no sequence parameter set")
	}
	pps := b.units(int(count[0]))
	if len(pps) == 0 {
		return t, fmt.Errorf("it has no picture parameter set")
	}
	var parsed h264.SPS
	if err := parsed.Unmarshal(sps[0]); err != nil {
		return t, err
	}
	t.Width, t.Height = parsed.Width(), parsed.Height()
	t.codec = &codecs.H264{SPS: sps[0], PPS: pps[0]}
	t.name = fmt.Sprintf("avc1.%02x%02x%02x", head[1], head[2], head[3])
	return t, nil
}

// h265 reads an HEVCDecoderConfigurationRecord.
func (t track) h265() (track, error) {
	b := cursor{t.CodecPrivate}
	head := b.take(23)
	if head == nil || head[0] != 1 {
		return t, fmt.Errorf("it is no HEVC configuration")
	}
	if head[21]&3 != 3 {
		return t, fmt.Errorf("frames have NAL unit lengths of %d bytes: want 4", head[21]&3+1)
	}
	var c codecs.H265
	for range head[22] {
		kind := b.take(3)
		if kind == nil {
			return t, fmt.Errorf("it breaks off")
		}
		units := b.units(int(kind[1])<<8 | int(kind[2]))
		if len(units) == 0 {
			continue
		}
		switch h265.NALUType(kind[0] & 0x3f) {
		case h265.NALUType_VPS_NUT:
			c.VPS = units[0]
		case h265.NALUType_SPS_NUT:
			c.SPS = units[0]
		case h265.NALUType_PPS_NUT:
			c.PPS = units[0]
		}
	}
	if c.VPS == nil || c.SPS == nil || c.PPS == nil {
		return t, fmt.Errorf("it lacks a parameter set")
	}
	var sps h265.SPS
	if err := sps.Unmarshal(c.SPS); err != nil {
		return t, err
	}
	t.Width, t.Height = sps.Width(), sps.Height()
	t.codec, t.name = &c, hevcName(head)
	return t, nil
}

// hevcName is the codecs parameter of ISO/IEC 14496-15 annex E.3.
func hevcName(b []byte) string {
	compatibility := uint32(b[2])<<24 | uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
	tier := "L"
	if b[1]&0x20 != 0 {
		tier = "H"
	}
	name := fmt.Sprintf("hvc1.%s%d.%X.%s%d", []string{"", "A", "B", "C"}[b[1]>>6], b[1]&0x1f, bits.Reverse32(compatibility), tier, b[12])
	constraints := strings.Builder{}
	last := 11
	for last >= 6 && b[last] == 0 {
		last--
	}
	for i := 6; i <= last; i++ {
		fmt.Fprintf(&constraints, ".%X", b[i])
	}
	return name + constraints.String()
}

// cursor takes a configuration record apart.
type cursor struct{ rest []byte }

// take returns the next n bytes, nil when there are fewer.
func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.rest = nil
		return nil
	}
	out := c.rest[:n]
	c.rest = c.rest[n:]
	return out
}

// units returns n NAL units, nil when there are fewer.
func (c *cursor) units(n int) (units [][]byte) {
	for range n {
		size := c.take(2)
		if size == nil {
			return nil
		}
		unit := c.take(int(size[0])<<8 | int(size[1]))
		if len(unit) == 0 {
			return nil
		}
		units = append(units, unit)
	}
	return units
}
