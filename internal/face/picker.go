package face

import (
	"cmp"
	"time"

	"porchlight/internal/event"
)

// Crop is a picture of a face, worth as much as its quality.
type Crop struct {
	Frame   *event.Frame // aligned
	Face    Face         // where it was found
	Quality Quality
	Time    time.Time // of the frame it was cut from
}

// PickerConfig says what a Picker sends. Zero values mean the
// defaults.
type PickerConfig struct {
	Interval time.Duration // between two crops to send; 1 s
	Least    float64       // quality below which a crop is useless; 0.25
	Share    float64       // of the best sent so far that a further one must have; 0.6
}

func (c PickerConfig) withDefaults() PickerConfig {
	c.Interval = cmp.Or(c.Interval, time.Second)
	c.Least = cmp.Or(c.Least, 0.25)
	c.Share = cmp.Or(c.Share, 0.6)
	return c
}

// Picker chooses, over the life of a track, the crops of its face to
// send for recognition. It is not safe for concurrent use.
type Picker struct {
	cfg      PickerConfig
	next     *Crop // best since the last one sent
	lastSent time.Time
	sent     float64 // best quality sent so far
}

// NewPicker returns the picker of a new track.
func NewPicker(cfg PickerConfig) *Picker { return &Picker{cfg: cfg.withDefaults()} }

// Offer shows the picker a crop. Of two as good it keeps the earlier.
func (p *Picker) Offer(c Crop) {
	if !(c.Quality.Overall >= p.cfg.Least) {
		return
	}
	if p.next == nil || c.Quality.Overall > p.next.Quality.Overall {
		p.next = &c
	}
}

// Next returns the crop to send now, if there is one: the best that was offered
// since the last one sent, at most one an interval, and none that is much worse
// than what was sent already. A crop is returned once.
func (p *Picker) Next(now time.Time) (Crop, bool) {
	switch {
	case p.next == nil || p.next.Quality.Overall < p.cfg.Share*p.sent:
		return Crop{}, false
	case !p.lastSent.IsZero() && now.Sub(p.lastSent) < p.cfg.Interval:
		return Crop{}, false
	}
	c := *p.next
	p.next, p.lastSent = nil, now
	p.sent = max(p.sent, c.Quality.Overall)
	return c, true
}
