package media

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// Reorders reports whether the parameter sets allow pictures to be shown in
// another order than they are sent in, that is B-frames. It is false when they
// do not say.
func (s *Stream) Reorders() bool {
	switch s.Codec {
	case H264:
		var sps h264.SPS
		if sps.Unmarshal(s.SPS) != nil || sps.PicOrderCntType == 2 {
			return false
		}
		return sps.VUI != nil && sps.VUI.BitstreamRestriction != nil && sps.VUI.BitstreamRestriction.MaxNumReorderFrames > 0
	case H265:
		var sps h265.SPS
		if sps.Unmarshal(s.SPS) != nil {
			return false
		}
		for _, n := range sps.MaxNumReorderPics {
			if n > 0 {
				return true
			}
		}
	}
	return false
}

// Decoding gives packets of one stream their decoding times, which containers
// other than Matroska want beside the PTS. Without B-frames they are the same.
// The zero value is ready to use; it is not safe for concurrent use.
type Decoding struct {
	stream  *Stream
	extract interface {
		Extract(au [][]byte, pts int64) (int64, error)
	}
	last    int64
	started bool
}

// Time returns the decoding time of the next packet: never after its PTS as
// far as that can be had, and always later than the one before.
func (d *Decoding) Time(p *Packet) time.Duration {
	if p.Stream != d.stream {
		d.stream, d.extract = p.Stream, nil
		switch p.Stream.Codec {
		case H264:
			e := &h264.DTSExtractor{}
			e.Initialize()
			d.extract = e
		case H265:
			e := &h265.DTSExtractor{}
			e.Initialize()
			d.extract = e
		}
		d.started = false
	}
	pts := toTicks(p.PTS)
	dts := pts
	if d.extract != nil {
		// A stream that the extractor cannot follow loses only exactness.
		if t, err := d.extract.Extract(p.AU, pts); err == nil {
			dts = t
		}
	}
	if d.started && dts <= d.last {
		dts = d.last + 1
	}
	d.last, d.started = dts, true
	return Ticks(dts, H264ClockRate)
}

// toTicks rounds to the nearest tick of the video clock.
func toTicks(d time.Duration) int64 {
	whole := int64(d / time.Second)
	rest := int64(d % time.Second)
	half := int64(time.Second) / 2
	if rest < 0 {
		half = -half
	}
	return whole*H264ClockRate + (rest*H264ClockRate+half)/int64(time.Second)
}
