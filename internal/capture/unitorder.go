package capture

import (
	"time"

	"porchlight/internal/capture/ffmpeg"
)

// maxSoundWait is how much video waits for a file's sound, which may have
// ended or pause.
const maxSoundWait = 600 * time.Millisecond

// unitOrder brings a file's pictures and its sound in the order of their
// times. A file has them in that of decoding: with B-frames a keyframe comes
// before the sound that is heard before it is shown.
type unitOrder struct {
	wait         bool          // there is sound
	tail         time.Duration // how long the last picture stays
	video, audio []ffmpeg.Unit
	due          []time.Duration // of video: when it can be published
	newest       time.Duration   // PTS of video
	ended        bool
}

// add takes in the next unit of the file.
func (o *unitOrder) add(u ffmpeg.Unit) {
	if u.NALs == nil {
		if len(o.audio) == maxSoundHeld {
			o.hear()
		}
		o.audio = append(o.audio, u)
		return
	}
	o.newest = max(o.newest, u.PTS)
	o.video, o.due = append(o.video, u), append(o.due, o.newest)
}

// end says that there are no more units.
func (o *unitOrder) end() { o.ended = true }

// next returns the next unit, unless one that comes before it may be missing
// yet. Sound that goes on after the last picture is left out: it would reach
// into the next round.
func (o *unitOrder) next() (u ffmpeg.Unit, ok bool) {
	switch {
	case len(o.video) > 0 && len(o.audio) > 0:
		if o.audio[0].PTS < o.due[0] {
			return o.hear(), true
		}
		return o.show(), true
	case len(o.video) > 0 && (o.ended || !o.wait || o.newest-o.due[0] > maxSoundWait):
		return o.show(), true
	case len(o.audio) > 0 && (o.audio[0].PTS <= o.newest || o.ended && o.audio[0].PTS < o.newest+o.tail):
		return o.hear(), true
	}
	return ffmpeg.Unit{}, false
}

func (o *unitOrder) show() ffmpeg.Unit {
	u := o.video[0]
	o.video, o.due = o.video[1:], o.due[1:]
	return u
}

func (o *unitOrder) hear() ffmpeg.Unit {
	u := o.audio[0]
	o.audio = o.audio[1:]
	return u
}
