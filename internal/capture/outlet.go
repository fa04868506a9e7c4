package capture

import (
	"errors"
	"time"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/media"
)

// packetizer labels access units: media.H264Packetizer or H265Packetizer.
type packetizer interface {
	Packet(au [][]byte, pts time.Duration, at time.Time) (*media.Packet, error)
}

// outlet makes packets of what a child has copied or encoded. It outlives its
// children, so that packets of the same kind go on in the same streams.
type outlet struct {
	cfg   *Config
	video packetizer
	sound *media.Stream
	heard time.Duration // PTS up to which there has been sound
	mute  bool          // sound cannot be carried, which has been told
	large *tally
}

func newOutlet(cfg *Config, how *ffmpeg.PacketConfig) *outlet {
	return &outlet{cfg: cfg, video: newPacketizer(how), large: largeTally(cfg), heard: -1}
}

func newPacketizer(how *ffmpeg.PacketConfig) packetizer {
	if how.Copy == "hevc" {
		return media.NewH265Packetizer(nil, nil, nil)
	}
	return media.NewH264Packetizer(nil, nil)
}

// packets returns the packets of a unit whose times begin at base. at tells
// the wall clock of a PTS.
func (o *outlet) packets(u ffmpeg.Unit, base time.Duration, at func(pts time.Duration) time.Time) []*media.Packet {
	pts := base + u.PTS
	if u.NALs != nil {
		p, err := o.video.Packet(u.NALs, pts, at(pts))
		if err != nil {
			if errors.Is(err, media.ErrTooLarge) {
				o.large.add(1)
			}
			return nil
		}
		return []*media.Packet{p}
	}
	if o.mute {
		return nil
	}
	var out []*media.Packet
	for i, frame := range u.Frames {
		p, err := o.frame(u, frame, pts+time.Duration(i)*u.Each, at)
		if err != nil {
			o.mute = true
			o.cfg.Log.Warn("sound is left out", "error", err)
			return nil
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

// frame returns the packet of a frame of sound, nil when there has been sound
// at that time, in the round before.
func (o *outlet) frame(u ffmpeg.Unit, frame []byte, pts time.Duration, at func(time.Duration) time.Time) (*media.Packet, error) {
	if pts <= o.heard || pts < 0 {
		return nil, nil
	}
	if o.sound == nil || string(o.sound.Config) != string(u.Config) {
		s, err := media.NewAACStream(u.Config)
		if err != nil {
			return nil, err
		}
		o.sound = s
	}
	o.heard = pts
	p, _ := media.AudioPacket(o.sound, frame, pts, at(pts)) // nil, without a word, if it is damaged
	return p, nil
}
