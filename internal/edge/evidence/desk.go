package evidence

import (
	"log/slog"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

// What goes on without a known end is wanted for a while ahead of now, over
// and over, so that after a crash nothing is wanted for ever.
const (
	lease = 30 * time.Second
	renew = 10 * time.Second
)

// recorder is a recording.Recorder.
type recorder interface {
	Begin(e recording.Event) error
	Extend(id string, until time.Time) bool
	End(id string, at time.Time) bool
}

// sender is a producer.Producer.
type sender interface {
	Begin(e producer.Event) error
	Extend(id string, until time.Time) bool
	End(id string, at time.Time) bool
}

// desk decides what of a camera is kept. It is told the time and what happens,
// and tells the recorder and the sender; it does nothing else, and is used by
// one goroutine at a time.
type desk struct {
	camera  string
	pre     time.Duration
	post    time.Duration
	wishes  wishes
	disk    recorder    // nil: nothing is recorded
	cloud   sender      // nil: nothing is uploaded
	flowing func() bool // whether the camera has sent video that can be kept
	log     *slog.Logger

	over   bool                // the day's upload is used up
	open   map[string]*stretch // events, by id
	always *stretch            // while everything is uploaded by mode or schedule
	seen   *stretch            // while everything is uploaded because of what was seen
	manual *stretch            // what a command began
}

// stretch is a piece of video that is kept.
type stretch struct {
	id       string
	begin    time.Time // without what is kept from before
	from     time.Time // with it
	until    time.Time // zero while it goes on
	leased   time.Time // until when it is wanted so far
	severity event.Severity
	images   bool
	news     bool // that recorder and sender have not been told
	recorded bool
	uploaded bool
	cut      time.Time // where the upload ended before its time; zero: nowhere
}

// happens takes a state of an event, and returns where its video is uploaded
// to, nil when it is not.
func (d *desk) happens(e event.Event, now time.Time) *event.Clip {
	s := d.open[e.EventID]
	if s == nil {
		s = &stretch{id: e.EventID, begin: e.StartedAt.Time, from: e.StartedAt.Add(-d.pre), news: true}
		d.open[s.id] = s
	}
	s.news = s.news || s.severity != e.Severity
	s.severity, s.images = e.Severity, d.wishes.images(e.Severity)
	if e.State != event.Ended {
		d.keep(s, now)
		return d.clip(s, e.UpdatedAt.Time)
	}
	s.until = e.EndedAt.Time
	d.keep(s, now)
	d.end(s, s.until)
	delete(d.open, s.id)
	return d.clip(s, s.until)
}

// resume goes on with an event that was open when the process last died.
func (d *desk) resume(e event.Event, now time.Time) {
	s := &stretch{
		id: e.EventID, begin: e.StartedAt.Time, from: e.StartedAt.Add(-d.pre),
		severity: e.Severity, images: d.wishes.images(e.Severity), uploaded: e.Clip != nil && d.cloud != nil,
	}
	d.open[s.id] = s
	d.begin(s, now)
}

// clip is where an event's video is that has come so far.
func (d *desk) clip(s *stretch, last time.Time) *event.Clip {
	if !s.uploaded {
		return nil
	}
	to := last.Add(d.post)
	if !s.cut.IsZero() && s.cut.Before(to) {
		to = s.cut
	}
	if to.Before(s.from) {
		return nil
	}
	return &event.Clip{Stream: d.camera, From: event.At(s.from), To: event.At(to)}
}

// keep begins what is to be kept of a stretch that goes on, and renews it.
func (d *desk) keep(s *stretch, now time.Time) {
	if !d.flowing() {
		return
	}
	due := s.news || s.leased.Sub(now) < lease-renew
	if !s.recorded && d.disk != nil {
		s.recorded, due = true, true
	}
	if !s.uploaded && d.cloud != nil && !d.over && (d.wishes.event(s.severity) || d.everything(now)) {
		s.uploaded, due = true, true
	}
	if due || !s.cut.IsZero() && !d.over {
		d.begin(s, now)
	}
}

// begin tells both of a stretch, anew if they know it.
func (d *desk) begin(s *stretch, now time.Time) {
	s.leased, s.news = now.Add(lease), false
	until := s.leased
	if !s.until.IsZero() {
		until = s.until
	}
	if until.Before(s.begin) {
		until = s.begin
	}
	if s.recorded {
		if err := d.disk.Begin(recording.Event{ID: s.id, From: s.begin, Until: until, Severity: s.severity}); err != nil {
			d.log.Warn("cannot be recorded", "error", err)
		}
	}
	if s.uploaded && !d.over {
		s.cut = time.Time{}
		if err := d.cloud.Begin(producer.Event{ID: s.id, From: s.from, Until: until, Images: s.images}); err != nil {
			d.log.Warn("cannot be uploaded", "error", err)
		}
	}
}

// end says when a stretch ended.
func (d *desk) end(s *stretch, at time.Time) {
	if s.recorded {
		d.disk.End(s.id, at)
	}
	if s.uploaded && s.cut.IsZero() {
		d.cloud.End(s.id, at.Add(d.post))
	}
}
