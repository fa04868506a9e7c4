package capture

import (
	"log/slog"
	"time"
)

// largeStep is how far a clock has to jump back to be worth a word.
const largeStep = time.Second

// timeline keeps the times of a source's frames rising, whatever steps back:
// a file's timestamps, the camera's clock or this machine's.
//
// After a step back the frames' times go on at their own rate, ahead of the
// clock, and then lose a tenth of what passes until the clock has caught up:
// intervals between frames stay right within that tenth. Stopping the times
// until then would make seconds of video look like none. Two frames are at
// least a millisecond apart.
type timeline struct {
	log   *slog.Logger
	raw   time.Time // as given last
	last  time.Time // as returned last
	ahead time.Duration
	told  bool
}

// at returns the time of a frame that its source says was taken at raw.
func (t *timeline) at(raw time.Time) time.Time {
	if t.last.IsZero() {
		t.raw, t.last = raw, raw
		return raw
	}
	step := raw.Round(0).Sub(t.raw.Round(0)) // by the wall clock, which can step
	t.raw = raw
	if step < 0 {
		t.ahead -= step
		if step < -largeStep && !t.told {
			t.told = true
			t.log.Warn("the time of pictures jumped back; they are dated ahead of it until it has caught up",
				"jump", step.String(), "advice", "set the clock of this machine and of the camera by NTP")
		}
	} else {
		t.ahead -= min(t.ahead, step/10)
	}
	at := raw
	if t.ahead > 0 {
		at = raw.Round(0).Add(t.ahead)
	}
	if earliest := t.last.Round(0).Add(time.Millisecond); at.Round(0).Before(earliest) {
		t.ahead += earliest.Sub(at.Round(0))
		at = earliest
	}
	t.last = at
	return at
}
