package segment

import (
	"io"

	"porchlight/internal/media"
)

// Sample is one sample's place in a file and in time.
type Sample struct {
	Offset   int64
	Size     uint32
	Time     int64 // of decoding, in ticks of the track since 1970
	Delay    int32 // ticks from Time until it is shown
	Duration uint32
	Key      bool
}

// Shown is when the picture is shown, in ticks of the track since 1970.
func (s Sample) Shown() int64 { return s.Time + int64(s.Delay) }

// Samples returns where the pictures and sounds of a GOP are. Pictures have
// 90,000 ticks a second, sound has its sample rate.
func (x *Index) Samples(r io.ReaderAt, g GOP) (video, audio []Sample, _ error) {
	parts, err := x.parts(r, g)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range parts {
		video = appendSamples(video, p.samples.video, p.samples.zero)
		audio = appendSamples(audio, p.samples.audio, floor(p.samples.zero, ticksPerMilli)*x.rate()/1000)
	}
	if x.Audio == nil {
		audio = nil
	}
	return video, audio, nil
}

func appendSamples(dst []Sample, track []sample, zero int64) []Sample {
	for _, s := range track {
		dst = append(dst, Sample{Offset: s.offset, Size: s.size, Time: zero + s.dts, Delay: s.shown, Duration: s.duration, Key: s.key})
	}
	return dst
}

// VideoRate is the clock of pictures in ticks a second.
const VideoRate = media.H264ClockRate
