package recording

import (
	"fmt"
	"slices"
	"time"

	"porchlight/internal/event"
)

// maxEvents bounds the events a camera can have in work.
const maxEvents = 256

// Event is a stretch of video to be recorded.
type Event struct {
	ID          string
	From, Until time.Time // without pre-roll and post-roll; Until may be in the future
	Severity    event.Severity
}

// plan is what has to be recorded: a GOP is wanted when an event is. Events
// that touch or overlap, with what is before and after them, are therefore
// recorded as one.
type plan struct {
	always    bool
	pre, post int64  // milliseconds
	events    []span // by the order they began in
}

type span struct {
	id          string
	from, until int64 // milliseconds since 1970, both wanted
	class       Class
	marked      bool // what was recorded earlier has the class
}

func (p *plan) begin(e Event) (dropped string, _ error) {
	switch {
	case e.ID == "" || len(e.ID) > 64:
		return "", fmt.Errorf("%w: its id has to have 1 to 64 bytes", ErrEvent)
	case e.From.IsZero() || e.Until.Before(e.From):
		return "", fmt.Errorf("%w: %s ends before it begins", ErrEvent, e.ID)
	}
	s := span{id: e.ID, from: e.From.UnixMilli() - p.pre, until: e.Until.UnixMilli() + p.post, class: ClassOf(e.Severity)}
	if i := p.index(e.ID); i >= 0 { // told again
		old := p.events[i]
		s.from, s.until, s.class = min(s.from, old.from), max(s.until, old.until), max(s.class, old.class)
		p.events[i] = s
		return "", nil
	}
	if len(p.events) >= maxEvents {
		dropped = p.events[0].id
		p.events = slices.Delete(p.events, 0, 1)
	}
	p.events = append(p.events, s)
	return dropped, nil
}

// move sets the end of an event; later only moves it later.
func (p *plan) move(id string, until time.Time, later bool) bool {
	i := p.index(id)
	if i < 0 {
		return false
	}
	s, end := &p.events[i], until.UnixMilli()+p.post
	if !later || end > s.until {
		s.until, s.marked = max(end, s.from), false
	}
	return true
}

func (p *plan) index(id string) int {
	return slices.IndexFunc(p.events, func(s span) bool { return s.id == id })
}

// class is that of the video from from to to, both included, and whether it is
// wanted at all.
func (p *plan) class(from, to int64) (class Class, wanted bool) {
	if p.always {
		class = Continuous
	}
	for _, s := range p.events {
		if s.from <= to && s.until >= from {
			class = max(class, s.class)
		}
	}
	return class, class > 0
}

// unmarked takes the events whose earlier recordings have not got their class.
func (p *plan) unmarked() []span {
	var out []span
	for i := range p.events {
		if !p.events[i].marked {
			out = append(out, p.events[i])
			p.events[i].marked = true
		}
	}
	return out
}

// forget removes events that ended before t.
func (p *plan) forget(t int64) {
	p.events = slices.DeleteFunc(p.events, func(s span) bool { return s.marked && s.until < t })
}
