package producer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"porchlight/internal/media/matroska"
)

// ErrEvent is wrapped when an event cannot be recorded.
var ErrEvent = errors.New("event cannot be recorded")

// maxEvents bounds the events a camera can have in work: after a long outage
// the oldest are given up.
const maxEvents = 256

// TagEvents names, in each fragment, the events it belongs to: their ids with
// commas between.
const TagEvents = "porchlight_events"

// Event is a stretch of video to be uploaded.
type Event struct {
	ID          string
	From, Until time.Time // Until may be in the future; Extend and End move it
	Images      bool      // Kinesis Video Streams makes pictures of it
	Notify      bool      // Kinesis Video Streams sends a message about it
	Tags        []matroska.Tag
}

// plan is what has to be uploaded: a fragment is wanted when an event is.
// Events that touch or overlap are therefore uploaded as one.
type plan struct {
	events []span // by the order they began in
}

type span struct {
	id          string
	from, until int64 // milliseconds since 1970, both wanted
	event       Event
	restored    bool // it was begun before a restart
}

func (p *plan) begin(e Event) (dropped string, _ error) {
	switch {
	case e.ID == "" || len(e.ID) > 64 || strings.Contains(e.ID, ","):
		return "", fmt.Errorf("%w: its id has to have 1 to 64 bytes and no comma", ErrEvent)
	case e.From.IsZero() || e.Until.Before(e.From):
		return "", fmt.Errorf("%w: %s ends before it begins", ErrEvent, e.ID)
	}
	if err := matroska.CheckTags(e.Tags); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrEvent, e.ID, err)
	}
	s := span{id: e.ID, from: e.From.UnixMilli(), until: e.Until.UnixMilli(), event: e}
	if i := p.index(e.ID); i >= 0 { // told twice
		s.from, s.until = min(s.from, p.events[i].from), max(s.until, p.events[i].until)
		s.restored = p.events[i].restored
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
func (p *plan) move(id string, until int64, later bool) bool {
	i := p.index(id)
	if i < 0 {
		return false
	}
	if !later || until > p.events[i].until {
		p.events[i].until = max(until, p.events[i].from)
	}
	return true
}

func (p *plan) index(id string) int {
	return slices.IndexFunc(p.events, func(s span) bool { return s.id == id })
}

// wants reports whether any of the time from from to to, both included, is
// wanted.
func (p *plan) wants(from, to int64) bool {
	for _, s := range p.events {
		if s.from <= to && s.until >= from {
			return true
		}
	}
	return false
}

// windows are the wanted times up to to, in order: events that touch are one.
func (p *plan) windows(to int64) (out []window) {
	all := slices.Clone(p.events)
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for _, s := range all {
		w := window{stretch: stretch{s.from, min(s.until, to)}, open: s.until > to}
		n := len(out)
		switch {
		case w.to < w.from:
		case n > 0 && w.from <= out[n-1].to+1:
			out[n-1].to, out[n-1].open = max(out[n-1].to, w.to), out[n-1].open || w.open
		default:
			out = append(out, w)
		}
	}
	return out
}

// window is a stretch of wanted time.
type window struct {
	stretch
	begun bool // before
	open  bool // it goes on
}

// missing are the parts of a window that covered lacks and that can hold some
// of a fragment: a large one, or at either end the first or last moments.
func (w window) missing(covered times) []stretch {
	return slices.DeleteFunc(covered.holes(w.stretch), func(h stretch) bool {
		end := h.from == w.from && !w.begun || h.to == w.to && !w.open
		return h.length() < smallestHole && !end
	})
}

// within are the ids of the events that want some of a stretch, and whether
// one of them is from before a restart.
func (p *plan) within(h stretch) (ids []string, restored bool) {
	for _, s := range p.events {
		if s.from <= h.to && s.until >= h.from {
			ids = append(ids, s.id)
			restored = restored || s.restored
		}
	}
	return ids, restored
}

// tags are those of a fragment that lasts from from to to.
func (p *plan) tags(from, to int64, prefix string) []matroska.Tag {
	var ids []string
	var images, notify bool
	var own []matroska.Tag
	length := 0
	for _, s := range p.events {
		if s.from > to || s.until < from {
			continue
		}
		images, notify = images || s.event.Images, notify || s.event.Notify
		if length += len(s.id) + 1; length-1 <= matroska.MaxTagValue {
			ids = append(ids, s.id)
		}
		for _, t := range s.event.Tags {
			if !slices.ContainsFunc(own, func(o matroska.Tag) bool { return o.Name == t.Name }) {
				own = append(own, t)
			}
		}
	}
	var tags []matroska.Tag
	if images {
		tags = append(tags, matroska.Tag{Name: matroska.TagImages})
		if prefix != "" {
			tags = append(tags, matroska.Tag{Name: matroska.TagImagePrefix, Value: prefix})
		}
	}
	if notify {
		tags = append(tags, matroska.Tag{Name: matroska.TagNotify})
	}
	if len(ids) > 0 {
		tags = append(tags, matroska.Tag{Name: TagEvents, Value: strings.Join(ids, ",")})
	}
	// The tag that ends a fragment may count as one too.
	return append(tags, own[:min(len(own), matroska.MaxTags-1-len(tags))]...)
}
