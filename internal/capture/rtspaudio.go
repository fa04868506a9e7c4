package capture

import (
	"bytes"
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"porchlight/internal/media"
)

// errNoFrame says that a packet completes no frame of sound.
var errNoFrame = errors.New("no frame of sound")

// soundTrack is the sound of a camera.
type soundTrack struct {
	media  *description.Media
	format format.Format
	rate   int // RTP ticks a second
	// frames returns the frames that a packet completes and what they are, or
	// fails, which is normal between the packets of one frame.
	frames func(*rtp.Packet) ([][]byte, *mpeg4audio.AudioSpecificConfig, error)
}

// findSound picks a camera's AAC. Else it tells why its sound is left out;
// that is empty when there is none. What the camera wants to hear is no sound
// of its.
func findSound(desc *description.Session) (track *soundTrack, reason string) {
	for _, m := range desc.Medias {
		if m.Type != description.MediaTypeAudio || m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			switch f := f.(type) {
			case *format.MPEG4Audio:
				if units, err := f.CreateDecoder(); err == nil {
					return &soundTrack{m, f, rtpRate(f.Config, f.ClockRate()), func(p *rtp.Packet) ([][]byte, *mpeg4audio.AudioSpecificConfig, error) {
						frames, err := units.Decode(p)
						return frames, f.Config, err
					}}, ""
				}
			case *format.MPEG4AudioLATM:
				return latmTrack(m, f), ""
			}
			reason = media.CarriedAudio(encoding(f))
		}
	}
	return nil, reason
}

// rtpRate is the RTP clock of AAC: that of the sound that comes out, which
// for HE-AAC is not that of its core.
func rtpRate(config *mpeg4audio.AudioSpecificConfig, rate int) int {
	if config != nil && config.ExtensionSampleRate > 0 {
		return config.ExtensionSampleRate
	}
	return rate
}

// latmTrack reads AAC in LATM (RFC 6416, 6; ISO/IEC 14496-3, 1.7.3).
func latmTrack(m *description.Media, f *format.MPEG4AudioLATM) *soundTrack {
	element := mpeg4audio.AudioMuxElement{MuxConfigPresent: f.CPresent, StreamMuxConfig: f.StreamMuxConfig}
	track := &soundTrack{media: m, format: f, rate: f.ClockRate()}
	if !f.CPresent {
		track.rate = rtpRate(f.StreamMuxConfig.Programs[0].Layers[0].AudioSpecificConfig, track.rate)
	}
	units, err := f.CreateDecoder()
	track.frames = func(p *rtp.Packet) ([][]byte, *mpeg4audio.AudioSpecificConfig, error) {
		if err != nil {
			return nil, nil, err
		}
		data, err := units.Decode(p)
		if err != nil {
			return nil, nil, err
		}
		if err := element.Unmarshal(data); err != nil {
			return nil, nil, err
		}
		var frames [][]byte
		for _, sub := range element.Payloads {
			if len(sub) == 0 || len(sub[0]) == 0 {
				return nil, nil, errNoFrame
			}
			frames = append(frames, sub[0][0])
		}
		return frames, element.StreamMuxConfig.Programs[0].Layers[0].AudioSpecificConfig, nil
	}
	return track
}

// listen sets up a camera's sound. Without it the camera is silent, and no
// more than that.
func (s *rtspSource) listen(client *gortsplib.Client, desc *description.Session, out *weave, sync *lipSync) {
	track, reason := findSound(desc)
	if track == nil {
		if reason != "" {
			s.mute(reason)
		}
		return
	}
	if _, err := client.Setup(desc.BaseURL, track.media, 0, 0); err != nil {
		s.mute("the camera does not send its sound: " + Redact(err.Error()))
		return
	}
	client.OnPacketRTP(track.media, track.format, s.hearer(client, track, out, sync))
}

// mute tells once why there is no sound.
func (s *rtspSource) mute(reason string) {
	if s.muted != reason {
		s.muted = reason
		s.cfg.Log.Info("sound is left out", "because", reason)
	}
}

// hearer returns the function that turns RTP packets of sound into packets on
// the bus.
func (s *rtspSource) hearer(client *gortsplib.Client, track *soundTrack, out *weave, sync *lipSync) func(*rtp.Packet) {
	var stream *media.Stream
	var config []byte
	last := time.Duration(-1)
	return func(pkt *rtp.Packet) {
		now := time.Now()
		ticks, timed := client.PacketPTS(track.media, pkt)
		reported, _ := client.PacketNTP(track.media, pkt)
		if track.rate != track.format.ClockRate() {
			reported = time.Time{} // reckoned with the wrong clock
		}
		frames, kind, err := track.frames(pkt)
		if err != nil || !timed || kind == nil || kind.SampleRate <= 0 {
			return
		}
		if c, err := kind.Marshal(); stream == nil || err == nil && !bytes.Equal(c, config) {
			if err == nil {
				stream, err = media.NewAACStream(c)
			}
			if err != nil {
				s.mute(err.Error())
				return
			}
			config = c
		}
		own := media.Ticks(ticks, track.rate)
		each := 1024 * time.Second / time.Duration(kind.SampleRate)
		for i, frame := range frames {
			pts, at, known := sync.sound(own+time.Duration(i)*each, now, reported)
			if !known || pts <= last || pts < 0 {
				continue
			}
			if p, err := media.AudioPacket(stream, frame, pts, at); err == nil {
				out.sound(p)
				last = pts
			}
		}
	}
}
