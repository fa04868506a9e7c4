package pipeline

import (
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/things"
)

// recorder is the state machine of one camera's events. One event at a time
// is open; it takes in every active track until all has been quiet.
type recorder struct {
	camera, model string
	quiet         time.Duration
	severity      severity
	log           *slog.Logger

	open       *event.Event
	resumed    bool      // open is of an earlier life and waits for its first frame
	activeAt   time.Time // last time something active was seen
	told       time.Time // of the last state published
	changed    bool      // something worth an update, that can wait for the next
	best       picture
	betterSeen bool // a better picture waits for the next update
}

// moment is one frame as the recorder sees it.
type moment struct {
	view   *View
	active []actor
	zones  func(track int64) []string
	name   func(track int64) (event.Face, bool)

	changes []things.Change // things left and taken
	pending bool            // more of them may come in a moment
}

func (m moment) time() time.Time { return m.view.Frame.Time }

// news is one state of an event to be published, with its new best picture
// if it has one.
type news struct {
	event   event.Event
	picture *event.Frame
}

const (
	updateAtMost = time.Second // between two updates that can wait
	// restless is how long an event stays open after the last sighting while
	// something goes on moving: it may only not be recognised.
	restless = 6 * time.Second
	// verdictWithin is how long it stays open at most to tell what was left or
	// taken: whoever is there for good is a visitor too, though not active.
	verdictWithin = 12 * time.Second
	// resumeWithin is how long after the last word of an earlier life an event
	// goes on.
	resumeWithin = 30 * time.Second
)

func newRecorder(cfg Config) *recorder {
	r := &recorder{
		camera: cfg.Camera, model: cfg.Model, quiet: cfg.Settings.Quiet, log: cfg.Log,
		severity: severity{alerts: cfg.Settings.Alerts, cooldown: cfg.Settings.Cooldown},
	}
	if r.quiet == 0 {
		r.quiet = 2 * time.Second
	}
	if e := cfg.Resume; e != nil {
		open := *e
		open.Labels = maps.Clone(e.Labels)
		if open.Labels == nil {
			open.Labels = map[string]float64{}
		}
		r.open, r.resumed, r.activeAt, r.told = &open, true, e.UpdatedAt.Time, e.UpdatedAt.Time
		r.best = picture{worth: worth{score: e.Score, area: e.Box.Area(), cut: cutByEdge(e.Box)}}
	}
	return r
}

// observe takes what is active in a frame and returns what there is to publish.
func (r *recorder) observe(m moment) []news {
	now := m.time()
	if r.resumed {
		r.resumed = false
		if now.Sub(r.activeAt) > resumeWithin || now.Before(r.activeAt) {
			out := r.finish()
			if now.Before(r.activeAt) {
				r.forget()
			}
			return out
		}
		r.log.Info("event goes on after a restart", "camera", r.camera, "event", r.open.EventID)
	}
	told := r.things(m.changes)
	if len(m.active) == 0 {
		if told {
			r.open.State = event.Updated
			return r.publish(now)
		}
		if r.open != nil && now.Sub(r.activeAt) >= r.patience(m) {
			return r.finish()
		}
		return nil
	}
	if r.open == nil {
		out := r.start(m)
		r.activeAt = now
		return out
	}
	r.activeAt = now
	return r.update(m, told)
}

// things adds what was left and taken to the open event.
func (r *recorder) things(changes []things.Change) (told bool) {
	if r.open == nil {
		return false
	}
	for _, c := range changes {
		list := &r.open.Appeared
		if c.Kind == things.Removed {
			list = &r.open.Removed
		}
		if !slices.Contains(*list, c.Zone) {
			*list, told = append(*list, c.Zone), true
			slices.Sort(*list)
		}
	}
	return told
}

// patience is how long the open event waits for something active.
func (r *recorder) patience(m moment) time.Duration {
	switch {
	case m.pending:
		return max(r.quiet, verdictWithin)
	case len(m.view.Motion.Boxes) > 0:
		return max(r.quiet, restless)
	}
	return r.quiet
}

func (r *recorder) start(m moment) []news {
	now := m.time()
	first := m.active[0].since
	for _, t := range m.active {
		if t.since.Before(first) {
			first = t.since
		}
	}
	// A track that rested before it moved was not happening all that time, nor
	// does an event begin before the last one has ended.
	if earliest := now.Add(-restless); first.Before(earliest) {
		first = earliest
	}
	if first.Before(r.activeAt) {
		first = r.activeAt
	}
	r.open = &event.Event{
		EventID: event.NewID(first), State: event.Started, Camera: r.camera,
		StartedAt: event.At(first), Labels: map[string]float64{}, Severity: event.Notice,
		Zones: []string{}, Faces: []event.Face{}, Model: r.model,
	}
	r.best, r.betterSeen, r.changed = picture{}, false, false
	r.absorb(m)
	return r.publish(now)
}

func (r *recorder) update(m moment, urgent bool) []news {
	urgent = r.absorb(m) || urgent
	waited := m.time().Sub(r.told) >= updateAtMost
	if !urgent && (!waited || !r.betterSeen && !r.changed) {
		return nil
	}
	r.open.State = event.Updated
	return r.publish(m.time())
}

// finish ends the open event at the time something active was last seen.
func (r *recorder) finish() []news {
	if r.open == nil {
		return nil
	}
	end := event.At(r.activeAt)
	r.open.State, r.open.EndedAt = event.Ended, &end
	r.severity.ended(r.activeAt, r.open.Severity)
	at := r.activeAt
	if at.Before(r.told) { // of a thing that was left, since
		at = r.told
	}
	out := r.publish(at)
	r.open, r.best = nil, picture{}
	return out
}

// close ends the open event because there are no more frames. What was there
// at the last look still was when they ended.
func (r *recorder) close(last time.Time) []news {
	if since := last.Sub(r.activeAt); since > 0 && since <= stillEvery {
		r.activeAt = last
	}
	return r.finish()
}

// forget when the last events were: the clock has been set back.
func (r *recorder) forget() { r.activeAt, r.severity.alertEnd = time.Time{}, time.Time{} }

// current returns a copy of the event that is open, or nil.
func (r *recorder) current() *event.Event {
	if r.open == nil {
		return nil
	}
	e := r.copy()
	return &e
}

// absorb merges a moment into the open event and tells whether that brought
// something its owner should hear of at once.
func (r *recorder) absorb(m moment) (urgent bool) {
	for _, t := range m.active {
		if best, known := r.open.Labels[t.Label]; !known || t.Score > best {
			urgent = urgent || !known
			r.open.Labels[t.Label] = round(t.Score)
		}
		for _, zone := range m.zones(t.ID) {
			if !slices.Contains(r.open.Zones, zone) {
				r.open.Zones = append(r.open.Zones, zone)
				urgent = true
			}
		}
		if face, known := m.name(t.ID); known {
			urgent = r.name(face) || urgent
		}
		if r.severity.rises(m.time(), r.open.Severity, t.Label, m.zones(t.ID)) {
			r.open.Severity, urgent = event.Alert, true
		}
		if w := worthOf(t.Track, m.view.Faces); w.beats(r.best.worth) {
			r.best, r.betterSeen = picture{frame: m.view.Frame, worth: w}, true
			r.open.Box, r.open.Score = t.Box.Clip(), round(t.Score)
		}
	}
	slices.Sort(r.open.Zones)
	return urgent
}

// name adds a recognised face to the open event and tells whether it is new.
func (r *recorder) name(face event.Face) bool {
	i := slices.IndexFunc(r.open.Faces, func(f event.Face) bool { return f.Name == face.Name })
	if i < 0 && len(r.open.Faces) >= event.MaxFaces {
		return false
	}
	if i < 0 {
		r.open.Faces = append(r.open.Faces, face)
		return true
	}
	if face.Distance < r.open.Faces[i].Distance {
		r.open.Faces[i].Distance, r.changed = face.Distance, true
	}
	return false
}

func (r *recorder) publish(at time.Time) []news {
	r.open.Sequence++
	r.open.UpdatedAt, r.told = event.At(at), at
	n := news{event: r.copy()}
	if r.betterSeen {
		n.picture = r.best.frame
	}
	r.betterSeen, r.changed = false, false
	// Its pixels are not needed any more, only its worth.
	r.best.frame = nil
	return []news{n}
}

func (r *recorder) copy() event.Event {
	e := *r.open
	e.Labels, e.Zones, e.Faces = maps.Clone(e.Labels), slices.Clone(e.Zones), slices.Clone(e.Faces)
	e.Appeared, e.Removed = slices.Clone(e.Appeared), slices.Clone(e.Removed)
	return e
}

func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }
