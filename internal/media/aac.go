package media

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// ErrAudio is wrapped when audio cannot be carried.
var ErrAudio = errors.New("audio cannot be carried")

// maxAudioFrame is the largest AAC frame: 6144 bits for each of eight
// channels (ISO/IEC 13818-7, 8.2.2.3), in bytes and with room to spare.
const maxAudioFrame = 8 << 10

// NewAACStream describes AAC audio by its AudioSpecificConfig. It fails with
// ErrAudio when the configuration cannot be read.
func NewAACStream(config []byte) (*Stream, error) {
	var c mpeg4audio.AudioSpecificConfig
	if err := c.Unmarshal(config); err != nil {
		return nil, fmt.Errorf("%w: its AudioSpecificConfig is broken: %w", ErrAudio, err)
	}
	if c.SampleRate <= 0 || c.ChannelConfig == 0 {
		return nil, fmt.Errorf("%w: the camera does not say its sample rate and channels", ErrAudio)
	}
	channels := int(c.ChannelConfig)
	if channels == 7 {
		channels = 8 // ISO/IEC 14496-3, table 1.19
	}
	return &Stream{
		Codec: AAC, Config: bytes.Clone(config), ClockRate: c.SampleRate,
		SampleRate: c.SampleRate, Channels: channels,
	}, nil
}

// AudioPacket labels one raw frame of audio. The packet keeps the frame. It
// fails with ErrAudio when the frame is empty or too large.
func AudioPacket(s *Stream, frame []byte, pts time.Duration, at time.Time) (*Packet, error) {
	if len(frame) == 0 || len(frame) > maxAudioFrame {
		return nil, fmt.Errorf("%w: a frame of %d bytes", ErrAudio, len(frame))
	}
	return &Packet{Stream: s, PTS: pts, Time: at, AU: [][]byte{frame}}, nil
}

// CarriedAudio says in plain words why audio in the named encoding, as in an
// RTP map (RFC 8866, 6.6), is left out of recordings; it is empty for AAC.
// Kinesis Video Streams plays AAC alone
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/hls-playback.html),
// and what a camera sends is not encoded anew.
func CarriedAudio(encoding string) (reason string) {
	switch encoding {
	case "mpeg4-generic", "MPEG4-GENERIC", "MP4A-LATM":
		return ""
	case "PCMA", "PCMU":
		return "G.711 sound cannot be played from the cloud, so recordings are silent; choose AAC in the camera's audio settings"
	case "opus", "OPUS":
		return "Opus sound cannot be played from the cloud, so recordings are silent; choose AAC in the camera's audio settings"
	}
	return encoding + " sound cannot be played from the cloud, so recordings are silent; choose AAC in the camera's audio settings"
}

// Silence is an AAC-LC frame of silence for a stream of one or two channels,
// nil for others: it fills in where a container must have a frame of every
// track and the camera has sent none.
func (s *Stream) Silence() []byte {
	var c mpeg4audio.AudioSpecificConfig
	if c.Unmarshal(s.Config) != nil || c.Type != mpeg4audio.ObjectTypeAACLC {
		return nil
	}
	switch s.Channels {
	case 1: // single channel element without spectral data, then END
		return []byte{0x00, 0xc8, 0x00, 0x80, 0x23, 0x80}
	case 2:
		return []byte{0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80}
	}
	return nil
}
