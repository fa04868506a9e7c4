package capture

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"porchlight/internal/media"
)

// videoTrack is the track of a camera that is played. Both codecs count
// 90,000 ticks a second.
type videoTrack struct {
	media   *description.Media
	format  format.Format
	units   func(*rtp.Packet) ([][]byte, error)
	packets packetizer
}

// findVideo picks a camera's H.264, or else its H.265: every player shows the
// former.
func findVideo(desc *description.Session) (*videoTrack, error) {
	var h264 *format.H264
	var h265 *format.H265
	if m := desc.FindFormat(&h264); m != nil {
		units, err := h264.CreateDecoder()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoVideoTrack, err)
		}
		return &videoTrack{m, h264, units.Decode, media.NewH264Packetizer(h264.SPS, h264.PPS)}, nil
	}
	if m := desc.FindFormat(&h265); m != nil {
		units, err := h265.CreateDecoder()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoVideoTrack, err)
		}
		return &videoTrack{m, h265, units.Decode, media.NewH265Packetizer(h265.VPS, h265.SPS, h265.PPS)}, nil
	}
	return nil, fmt.Errorf("%w; it offers %s: choose H.264 in the camera's video settings", ErrNoVideoTrack, offered(desc))
}

// receiver returns the function that turns RTP packets into packets on the
// bus. tell is called with every access unit, also one that cannot be decoded.
func (s *rtspSource) receiver(client *gortsplib.Client, track *videoTrack, out *weave, sync *lipSync, tell func()) func(*rtp.Packet) {
	clock := &wallClock{log: s.cfg.Log}
	return func(pkt *rtp.Packet) {
		now := time.Now()
		// The library has to see every packet, or it never finds the time base.
		ticks, timed := client.PacketPTS(track.media, pkt)
		reported, _ := client.PacketNTP(track.media, pkt)
		au, err := track.units(pkt)
		if err != nil || !timed {
			return // normal between the packets of one access unit
		}
		tell()
		pts := media.Ticks(ticks, media.H264ClockRate)
		at := clock.at(pts, now, reported)
		if sync != nil {
			sync.picture(pts, at, now, reported)
		}
		p, err := track.packets.Packet(au, pts, at)
		if err != nil {
			if errors.Is(err, media.ErrTooLarge) {
				s.large.add(1)
			}
			return
		}
		out.video(p)
		if s.shown != nil {
			s.shown()
		}
	}
}

// offered lists what a camera offers instead of video that can be used.
func offered(desc *description.Session) string {
	var names []string
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			names = append(names, encoding(f))
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// encoding names a format as its RTP map does (RFC 8866, 6.6).
func encoding(f format.Format) string {
	name, _, _ := strings.Cut(f.RTPMap(), "/")
	return cmp.Or(name, fmt.Sprintf("payload type %d", f.PayloadType()))
}
