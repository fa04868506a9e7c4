package recording

import (
	"slices"
	"time"

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

// jump leaves out a gap before a GOP that is decoded from start on, or a step
// back. It reports whether there was one.
func (t *clipTrack) jump(start int64) bool {
	n := len(t.track.Samples)
	if n == 0 {
		return false
	}
	if gap := t.out(start) - t.last; gap > 0 && gap <= segment.VideoRate*int64(maxGap/time.Second) {
		return false
	}
	usual := int64(segment.VideoRate / 25)
	if n > 1 {
		usual = int64(t.track.Samples[n-2].Duration)
	}
	t.shift = start - t.last - usual
	return true
}

// follow takes over the shift of the pictures.
func (t *clipTrack) follow(video *clipTrack) {
	rate := int64(t.track.TimeScale)
	// In parts, as the product is too large.
	t.shift = video.shift/segment.VideoRate*rate + video.shift%segment.VideoRate*rate/segment.VideoRate
}

// addGOP appends pictures. They are decoded at the times at which they are
// shown, in another order: what is known of when the camera decodes them is
// a guess at the beginning of each file.
func (t *clipTrack) addGOP(f *file, video []segment.Sample) {
	times := make([]int64, 0, len(video))
	for _, s := range video {
		times = append(times, s.Shown())
	}
	slices.Sort(times)
	for i, s := range video {
		t.add(f, s, times[i])
	}
}

// add appends a sample that is decoded at a time. Sound from before the first,
// which a step back leaves, is left out; pictures come right after each other
// instead.
func (t *clipTrack) add(f *file, s segment.Sample, time int64) {
	at := t.out(time)
	n := len(t.track.Samples)
	switch {
	case n == 0 && at < 0, n > 0 && at <= t.last && t.track.ID != 1:
		return
	case n == 0:
		t.first = at
	default:
		at = max(at, t.last+1)
		t.track.Samples[n-1].Duration = uint32(at - t.last)
	}
	t.last = at
	sample := &pmp4.Sample{
		Duration: s.Duration, PayloadSize: s.Size,
		GetPayload: func() ([]byte, error) {
			t.clip.laid.lay(f, s)
			return nil, nil
		},
	}
	if t.track.ID == 1 {
		sample.PTSOffset, sample.IsNonSyncSample = int32(t.out(s.Shown())-at), !s.Key
	}
	t.track.Samples = append(t.track.Samples, sample)
}
