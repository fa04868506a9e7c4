package evidence

import (
	"maps"
	"slices"
	"time"

	"porchlight/internal/event"
)

// everything tells whether all video is uploaded, whatever happens.
func (d *desk) everything(now time.Time) bool {
	return d.wishes.always(now) || d.runs(d.seen, now) || d.runs(d.manual, now) && d.manual.uploaded
}

func (d *desk) runs(s *stretch, now time.Time) bool { return s != nil && s.until.After(now) }

// sees takes what was found in a frame, event or not.
func (d *desk) sees(found []event.Detection, at time.Time) {
	if d.cloud == nil || d.over {
		return
	}
	length := time.Duration(0)
	for _, f := range found {
		length = max(length, d.wishes.upload.Seen[f.Label])
	}
	if length == 0 || !d.flowing() {
		return
	}
	until := at.Add(length)
	switch s := d.seen; {
	case s == nil || s.until.Before(at):
		d.seen = &stretch{id: "seen-" + event.NewID(at), begin: at, from: at.Add(-d.pre), until: until, recorded: d.disk != nil, uploaded: true}
		d.begin(d.seen, at)
	case until.After(s.until):
		// A little further, so that not every frame moves it.
		s.until = until.Add(min(5*time.Second, length/10))
		d.extend(s)
	}
}

// extend moves the known end of a stretch.
func (d *desk) extend(s *stretch) {
	if s.recorded {
		d.disk.Extend(s.id, s.until)
	}
	if s.uploaded {
		d.cloud.Extend(s.id, s.until)
	}
}

// halt ends a stretch now, without anything after it in the cloud.
func (d *desk) halt(s *stretch, now time.Time) {
	if s.recorded {
		d.disk.End(s.id, now)
	}
	if s.uploaded && s.cut.IsZero() {
		d.cloud.End(s.id, now)
	}
}

// tick is told every second or so what time it is, and whether the day's
// upload is used up.
func (d *desk) tick(now time.Time, over bool) {
	if over && !d.over {
		d.cut(now)
	}
	d.over = over
	d.tickAlways(now)
	for _, s := range d.open {
		d.keep(s, now)
	}
	if d.manual != nil && !d.runs(d.manual, now) {
		d.manual = nil
	}
}

// tickAlways begins and ends the times in which everything is uploaded.
func (d *desk) tickAlways(now time.Time) {
	wanted := d.cloud != nil && !d.over && d.wishes.always(now)
	switch s := d.always; {
	case s != nil && !wanted:
		d.halt(s, now)
		d.always = nil
	case s == nil && wanted && d.flowing():
		d.always = &stretch{id: "all-" + event.NewID(now), begin: now, from: now, uploaded: true}
		d.begin(d.always, now)
	case s != nil && s.leased.Sub(now) < lease-renew:
		s.leased = now.Add(lease)
		d.cloud.Extend(s.id, s.leased)
	}
}

// cut ends all uploads. What happens goes on being recorded.
func (d *desk) cut(now time.Time) {
	others := []*stretch{d.always, d.seen, d.manual}
	for _, s := range slices.AppendSeq(others, maps.Values(d.open)) {
		if s != nil && s.uploaded && s.cut.IsZero() && (s.until.IsZero() || s.until.After(now)) {
			d.cloud.End(s.id, now)
			s.cut = now
		}
	}
	d.always, d.seen = nil, nil
	if d.manual != nil {
		d.manual.uploaded = false
	}
}

// close ends all that is open: no more video comes.
func (d *desk) close(now time.Time) {
	for _, s := range d.open {
		d.end(s, now)
	}
	for _, s := range []*stretch{d.always, d.seen, d.manual} {
		if s != nil && (s.until.IsZero() || s.until.After(now)) {
			d.halt(s, now)
		}
	}
}
