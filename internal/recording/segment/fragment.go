package segment

import (
	"encoding/binary"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"porchlight/internal/media"
)

// timeline is one track's decoding times.
type timeline struct {
	decoding media.Decoding
	ahead    *media.Packet // of which time is already known
	time     int64         // of ahead, or of the last sample
	started  bool
	usual    int64 // duration of a sample
}

// decoded is when a video sample is decoded, in ticks since 1970: later than
// the one before, whatever the clocks do.
func (t *timeline) decoded(s media.Sample) int64 {
	if t.ahead == s.Packet {
		return t.time
	}
	dts := videoTicks(s) - ticks(s.PTS-t.decoding.Time(s.Packet))
	return t.rise(dts, s.Packet)
}

func (t *timeline) rise(to int64, p *media.Packet) int64 {
	if t.started && to <= t.time {
		to = t.time + 1
	}
	t.time, t.started, t.ahead = to, true, p
	return to
}

// ticks rounds a short duration.
func ticks(d time.Duration) int64 {
	return (int64(d)*ticksPerMilli + int64(time.Millisecond)/2) / int64(time.Millisecond)
}

// build makes a fragment and says when its first picture was taken, in ticks
// since 1970.
func (w *Writer) build(samples []media.Sample, next *media.Sample) (part fmp4.Part, at int64) {
	part.SequenceNumber = w.sequence
	size, pictures := 0, 0
	for _, s := range samples {
		size += s.SampleSize()
		if !s.Stream.Audio() {
			pictures++
		}
	}
	if cap(w.payload) < size {
		w.payload = make([]byte, 0, size)
	}
	w.payload = w.payload[:0]
	if pictures == 0 {
		return part, 0
	}
	if w.sequence == 0 {
		w.origin = w.first(samples) / ticksPerMilli
	}
	video, at := w.pictures(samples, next)
	part.Tracks = append(part.Tracks, video)
	if sound := w.sound(samples); sound != nil {
		part.Tracks = append(part.Tracks, sound)
	}
	return part, at
}

func (w *Writer) first(samples []media.Sample) int64 {
	for _, s := range samples {
		if !s.Stream.Audio() {
			return w.video.decoded(s)
		}
	}
	return 0
}

func (w *Writer) pictures(samples []media.Sample, next *media.Sample) (*fmp4.PartTrack, int64) {
	track := &fmp4.PartTrack{ID: videoTrack}
	var at, last int64
	for _, s := range samples {
		if s.Stream.Audio() {
			continue
		}
		shown, dts := videoTicks(s), w.video.decoded(s)
		if n := len(track.Samples); n > 0 {
			track.Samples[n-1].Duration = uint32(dts - last)
		} else {
			at, track.BaseTime = shown, uint64(dts-w.origin*ticksPerMilli)
		}
		last = dts
		track.Samples = append(track.Samples, &fmp4.Sample{
			PTSOffset: int32(shown - dts), IsNonSyncSample: !s.Key, Payload: w.take(s),
		})
	}
	if n := len(track.Samples); n > 1 {
		w.video.usual = int64(track.Samples[n-2].Duration)
	}
	duration := w.video.usual
	if next != nil {
		if d := w.video.decoded(*next) - last; d <= longestStill {
			duration = d
		}
	}
	track.Samples[len(track.Samples)-1].Duration = uint32(duration)
	return track, at
}

func (w *Writer) sound(samples []media.Sample) *fmp4.PartTrack {
	if w.index.Audio == nil {
		return nil
	}
	track := &fmp4.PartTrack{ID: audioTrack}
	var last int64
	for _, s := range samples {
		if !s.Stream.Audio() {
			continue
		}
		at := w.audio.rise(max(audioTicks(s, w.origin, int64(w.index.Audio.SampleRate)), 0), nil)
		if n := len(track.Samples); n > 0 {
			track.Samples[n-1].Duration = uint32(at - last)
		} else {
			track.BaseTime = uint64(at)
		}
		last = at
		track.Samples = append(track.Samples, &fmp4.Sample{Payload: w.take(s)})
	}
	if len(track.Samples) == 0 {
		return nil
	}
	track.Samples[len(track.Samples)-1].Duration = uint32(w.audio.usual)
	return track
}

// longestStill is how long a picture is shown at most, ticks: if the next one
// comes later, the camera was away.
const longestStill = 10 * media.H264ClockRate

// take copies a sample, for which there is room.
func (w *Writer) take(s media.Sample) []byte {
	from := len(w.payload)
	w.payload = s.AppendSample(w.payload)
	return w.payload[from:len(w.payload):len(w.payload)]
}

const prftSize = 32

// prft is a ProducerReferenceTimeBox: when the picture at a media time was
// taken (ISO/IEC 14496-12, 8.16.5).
func prft(at int64, mediaTime uint64) []byte {
	b := binary.BigEndian.AppendUint32(nil, prftSize)
	b = append(b, "prft"...)
	b = append(b, 1, 0, 0, 0) // version 1: a media time of 64 bits
	b = binary.BigEndian.AppendUint32(b, videoTrack)
	b = binary.BigEndian.AppendUint64(b, toNTP(at))
	return binary.BigEndian.AppendUint64(b, mediaTime)
}
