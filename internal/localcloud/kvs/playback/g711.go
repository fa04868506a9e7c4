package playback

import (
	"encoding/binary"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"porchlight/internal/localcloud/kvs/mkv"
)

// Format tags of WAVEFORMATEX.
const (
	waveALaw  = 0x0006
	waveMuLaw = 0x0007
)

// g711Track is a track of A-law or mu-law sound, whose codec private data is a
// WAVEFORMATEX. In MP4 it becomes what it encodes: samples of 16 bits.
func g711Track(t mkv.Track) (track, error) {
	out := track{Track: t}
	if len(t.CodecPrivate) < 16 {
		return out, badPrivate(t, errShort)
	}
	format := binary.LittleEndian.Uint16(t.CodecPrivate)
	channels, rate := binary.LittleEndian.Uint16(t.CodecPrivate[2:]), binary.LittleEndian.Uint32(t.CodecPrivate[4:])
	switch format {
	case waveALaw:
		out.decode = func(b []byte) []byte { var d g711.Alaw; d.Unmarshal(b); return d }
	case waveMuLaw:
		out.decode = func(b []byte) []byte { var d g711.Mulaw; d.Unmarshal(b); return d }
	default:
		return out, unsupported("track %d is sound of format %#04x: AAC and G.711 can be put into a clip", t.Number, format)
	}
	if channels == 0 || channels > 2 || rate < 4000 || rate > 192000 {
		return out, badPrivate(t, errShort)
	}
	out.timescale = rate
	out.codec = &codecs.LPCM{BitDepth: 16, SampleRate: int(rate), ChannelCount: int(channels)}
	return out, nil
}
