package truth

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// String is for people, like "person 6.3–19.5 s".
func (e Event) String() string {
	labels := strings.Join(slices.Sorted(slices.Values(e.Labels)), "+")
	if labels == "" {
		labels = "without a label"
	}
	return fmt.Sprintf("%s %.1f–%.1f s", labels, e.Start, e.End)
}

// Details tells people, a line for each, which happenings were told, missed
// and how nearly, and which events are extra.
func (r Result) Details() string {
	var b strings.Builder
	for _, p := range r.Matched {
		fmt.Fprintf(&b, "told    %v: %s\n", p.Happening, p.errors())
	}
	for _, h := range r.Missed {
		fmt.Fprintf(&b, "missed  %v: %s\n", h, r.nearest(h))
	}
	for _, e := range r.Extra {
		fmt.Fprintf(&b, "extra   %v%s\n", e, r.covered(e))
	}
	for _, p := range r.Unsure {
		fmt.Fprintf(&b, "unsure  %v: %s; counts neither for nor against\n", p.Happening, p.errors())
	}
	c := r.Counts()
	fmt.Fprintf(&b, "%d told, %d missed, %d extra: precision %.3f, recall %.3f (%.1f s off at most)\n",
		c.Matched, c.Missed, c.Extra, r.Precision(), r.Recall(), r.Tolerance)
	return b.String()
}

func (p Pair) errors() string {
	return fmt.Sprintf("starts %s, ends %s", lateness(p.StartError()), lateness(p.EndError()))
}

func lateness(seconds float64) string {
	switch tenths := math.Round(seconds * 10); {
	case tenths > 0:
		return fmt.Sprintf("%.1f s late", seconds)
	case tenths < 0:
		return fmt.Sprintf("%.1f s early", -seconds)
	}
	return "on time"
}

// nearest names the event that overlaps the happening most, and what is wrong
// with it.
func (r Result) nearest(h Happening) string {
	best, most := Event{}, 0.0
	for _, e := range r.events {
		if both := math.Min(h.End, e.End) - math.Max(h.Start, e.Start); both > most {
			best, most = e, both
		}
	}
	switch {
	case most == 0:
		return "no event in all that time"
	case !slices.ContainsFunc(best.Labels, h.Has):
		return fmt.Sprintf("event %v has another label", best)
	}
	return fmt.Sprintf("event %v %s", best, Pair{h, best}.errors())
}

// covered names the happenings during which an extra event lasted.
func (r Result) covered(e Event) string {
	var all []string
	for _, p := range r.Matched {
		all = overlapping(all, p.Happening, e)
	}
	for _, h := range r.Missed {
		all = overlapping(all, h, e)
	}
	if len(all) == 0 {
		return ": nothing happens then"
	}
	return ": during " + strings.Join(all, ", ")
}

func overlapping(all []string, h Happening, e Event) []string {
	if h.Start < e.End && e.Start < h.End {
		return append(all, h.String())
	}
	return all
}
