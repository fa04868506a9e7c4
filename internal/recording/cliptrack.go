package recording

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"porchlight/internal/media"
	"porchlight/internal/recording/segment"
)

// clipTrack is one track of a clip.
type clipTrack struct {
	clip  *Clip
	track *pmp4.Track
	shift int64 // from the recording's time to the clip's, ticks
	first int64 // time of the first sample in the clip
	last  int64 // of the last
}

func newClipTrack(c *Clip, s *media.Stream, start int64) *clipTrack {
	t := &clipTrack{clip: c, shift: start, track: &pmp4.Track{ID: 1, TimeScale: segment.VideoRate}}
	switch s.Codec {
	case media.H264:
		t.track.Codec = &codecs.H264{SPS: s.SPS, PPS: s.PPS}
	case media.H265:
		t.track.Codec = &codecs.H265{VPS: s.VPS, SPS: s.SPS, PPS: s.PPS}
	case media.AAC:
		var config mpeg4audio.AudioSpecificConfig
		_ = config.Unmarshal(s.Config) // it has been read before
		t.track.Codec = &codecs.MPEG4Audio{Config: config}
		t.track.ID, t.track.TimeScale = 2, uint32(s.SampleRate)
	}
	return t
}

func (t *clipTrack) out(time int64) int64 { return time - t.shift }

// end is when the last sample ends.
func (t *clipTrack) end() int64 {
	if n := len(t.track.Samples); n > 0 {
		return t.last + int64(t.track.Samples[n-1].Duration)
	}
	return 0
}

// jump leaves out a gap, or a step back, of more than a second before a GOP
// that is decoded from start on. It reports whether there was one.
func (t *clipTrack) jump(start int64) bool {
	if len(t.track.Samples) == 0 {
		return false
	}
	gap := t.out(start) - t.end()
	if gap <= segment.VideoRate && t.out(start) > t.last {
		return false
	}
	t.shift += gap
	return true
}

// follow takes over the shift of the pictures.
func (t *clipTrack) follow(video *clipTrack) {
	rate := int64(t.track.TimeScale)
	// In parts, as the product is too large.
	t.shift = video.shift/segment.VideoRate*rate + video.shift%segment.VideoRate*rate/segment.VideoRate
}

// add appends a sample. Sound from before the first, which a step back leaves,
// is left out; pictures come right after each other instead.
func (t *clipTrack) add(f *file, s segment.Sample) {
	at := t.out(s.Time)
	if n := len(t.track.Samples); n == 0 {
		if at < 0 {
			return
		}
		t.first = at
	} else {
		if at <= t.last {
			if t.track.ID != 1 {
				return
			}
			at = t.last + 1
		}
		t.track.Samples[n-1].Duration = uint32(at - t.last)
	}
	t.last = at
	t.track.Samples = append(t.track.Samples, &pmp4.Sample{
		Duration: s.Duration, PTSOffset: s.Shown, IsNonSyncSample: !s.Key && t.track.ID == 1, PayloadSize: s.Size,
		GetPayload: func() ([]byte, error) { return t.clip.payload(f, s) },
	})
}
