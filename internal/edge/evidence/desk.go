package evidence

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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

// Why a camera cannot be told to record.
var (
	errNothingKept = fmt.Errorf("%w: its video is neither recorded nor uploaded: record.mode and upload.mode are off, or what they need is missing", ErrRefused)
	errNoVideo     = errors.New("no video comes that could be recorded: the camera's status says whether it runs")
	errOver        = fmt.Errorf("%w: its upload.daily_bytes are used up for today, and record.mode is off", ErrRefused)
	errNotManual   = fmt.Errorf("%w: no command has begun a recording of it that still goes on", ErrRefused)
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

// record keeps what comes for so long, because of a command.
func (d *desk) record(length time.Duration, now time.Time) (*stretch, error) {
	switch {
	case d.disk == nil && d.cloud == nil:
		return nil, errNothingKept
	case d.disk == nil && d.over:
		return nil, errOver
	case !d.flowing():
		return nil, errNoVideo
	}
	until := now.Add(length)
	if d.runs(d.manual, now) { // they touch
		if until.After(d.manual.until) {
			d.manual.until = until
			d.extend(d.manual)
		}
		return d.manual, nil
	}
	d.manual = &stretch{
		id: "manual-" + event.NewID(now), begin: now, from: now.Add(-d.pre), until: until,
		recorded: d.disk != nil, uploaded: d.cloud != nil && !d.over,
	}
	d.begin(d.manual, now)
	return d.manual, nil
}

// stop ends what record began.
func (d *desk) stop(now time.Time) (*stretch, error) {
	s := d.manual
	if !d.runs(s, now) {
		return nil, errNotManual
	}
	s.until, d.manual = now, nil
	d.halt(s, now)
	return s, nil
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

// remember goes on with what a command began before a restart.
func (d *desk) remember(m *manual, now time.Time) {
	if m == nil || !m.Until.After(now) || m.Until.Sub(now) > longestManual {
		return
	}
	d.manual = &stretch{
		id: "manual-" + event.NewID(now), begin: m.Begin, from: m.Begin.Add(-d.pre), until: m.Until,
		recorded: d.disk != nil, uploaded: d.cloud != nil && !d.over,
	}
	d.begin(d.manual, now)
}

// longestManual is how long a command can have a camera record.
const longestManual = time.Hour
