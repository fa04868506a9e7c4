package truth

import (
	"math"
	"slices"
)

// DefaultTolerance is how many seconds an event may start or end early or late.
const DefaultTolerance = 1.0

// Event is what the pipeline says has happened. Times are seconds in the
// clip's own time line.
type Event struct {
	Labels     []string
	Start, End float64
}

// Counts of happenings and events, from which precision and recall follow.
type Counts struct{ Matched, Missed, Extra int }

// Plus adds the counts of another clip.
func (c Counts) Plus(o Counts) Counts {
	return Counts{c.Matched + o.Matched, c.Missed + o.Missed, c.Extra + o.Extra}
}

// Precision is the part of the events that are right, 1 where there are none.
func (c Counts) Precision() float64 { return part(c.Matched, c.Extra) }

// Recall is the part of the happenings that were told, 1 where there are none.
func (c Counts) Recall() float64 { return part(c.Matched, c.Missed) }

func part(of, rest int) float64 {
	if of+rest == 0 {
		return 1
	}
	return float64(of) / float64(of+rest)
}

// Pair is a happening and the event that tells of it.
type Pair struct {
	Happening Happening
	Event     Event
}

// StartError is by how many seconds the event starts late; early is negative.
func (p Pair) StartError() float64 { return p.Event.Start - p.Happening.Start }

// EndError is by how many seconds the event ends late; early is negative.
func (p Pair) EndError() float64 { return p.Event.End - p.Happening.End }

// Result holds the events of one clip against its happenings.
type Result struct {
	Matched   []Pair // in order of the happenings
	Missed    []Happening
	Extra     []Event
	Unsure    []Pair // events that count neither for nor against
	Tolerance float64
	events    []Event
}

// Counts of the clip.
func (r Result) Counts() Counts { return Counts{len(r.Matched), len(r.Missed), len(r.Extra)} }

// Precision is the part of the events that are right, 1 where there are none.
func (r Result) Precision() float64 { return r.Counts().Precision() }

// Recall is the part of the happenings that were told, 1 where there are none.
func (r Result) Recall() float64 { return r.Counts().Recall() }

// Score holds events against the clip's happenings, within DefaultTolerance.
// An event that fits none of them but one of which the annotator was unsure
// is neither right nor wrong.
func (c *Clip) Score(events []Event) Result {
	r := Score(c.Happenings, events, DefaultTolerance)
	unsure := Score(c.Unsure, r.Extra, DefaultTolerance)
	r.Unsure, r.Extra = unsure.Matched, unsure.Extra
	return r
}

// Score pairs happenings and events one to one, as many as can be: they fit
// when one of the event's labels is one of the happening's, by Class, and its
// start and its end are both at most tolerance seconds off. 0 is
// DefaultTolerance.
func Score(happenings []Happening, events []Event, tolerance float64) Result {
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	told := pair(happenings, events, tolerance)
	r := Result{Tolerance: tolerance, events: events}
	taken := map[int]bool{}
	for i, h := range happenings {
		if told[i] < 0 {
			r.Missed = append(r.Missed, h)
			continue
		}
		taken[told[i]] = true
		r.Matched = append(r.Matched, Pair{h, events[told[i]]})
	}
	for i, e := range events {
		if !taken[i] {
			r.Extra = append(r.Extra, e)
		}
	}
	return r
}

// pair returns for each happening the index of its event, or -1. It is a
// maximum bipartite matching by augmenting paths (Kuhn's algorithm) in which
// each happening asks for the event with the smallest error first.
func pair(happenings []Happening, events []Event, tolerance float64) []int {
	told := make([]int, len(happenings))
	for i := range told {
		told[i] = -1
	}
	teller := map[int]int{} // event to happening
	var augment func(i int, asked map[int]bool) bool
	augment = func(i int, asked map[int]bool) bool {
		for _, e := range fitting(happenings[i], events, tolerance) {
			if asked[e] {
				continue
			}
			asked[e] = true
			if other, busy := teller[e]; !busy || augment(other, asked) {
				told[i], teller[e] = e, i
				return true
			}
		}
		return false
	}
	for i := range happenings {
		augment(i, map[int]bool{})
	}
	return told
}

// rounding forgives what adding up binary fractions costs at the limit.
const rounding = 1e-9

func fitting(h Happening, events []Event, tolerance float64) (fit []int) {
	off := func(e Event) float64 { return math.Max(math.Abs(e.Start-h.Start), math.Abs(e.End-h.End)) }
	for i, e := range events {
		if slices.ContainsFunc(e.Labels, h.Has) && off(e) <= tolerance+rounding {
			fit = append(fit, i)
		}
	}
	slices.SortStableFunc(fit, func(a, b int) int {
		switch d := off(events[a]) - off(events[b]); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	return fit
}
