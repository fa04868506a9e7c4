package producer

import (
	"slices"
	"sort"
)

// smallestHole is less than any fragment lasts, and more than there is between
// the pictures of most cameras, in milliseconds.
const smallestHole = 500

// stretch is a time from one millisecond since 1970 to another, both included.
type stretch struct{ from, to int64 }

func (s stretch) length() int64 { return s.to - s.from + 1 }

// times is a set of moments: stretches in order, with holes between them.
type times []stretch

// add adds a stretch. It closes holes that are too small for a fragment.
func (t *times) add(from, to int64) {
	if to < from {
		return
	}
	all := *t
	i := sort.Search(len(all), func(i int) bool { return all[i].to+smallestHole >= from })
	j := i
	for ; j < len(all) && all[j].from-smallestHole <= to; j++ {
		from, to = min(from, all[j].from), max(to, all[j].to)
	}
	*t = slices.Replace(all, i, j, stretch{from, to})
}

func (t times) has(at int64) bool {
	i := sort.Search(len(t), func(i int) bool { return t[i].to >= at })
	return i < len(t) && t[i].from <= at
}

// holes are the parts of a stretch that are not in the set.
func (t times) holes(of stretch) (out []stretch) {
	at := of.from
	for i := sort.Search(len(t), func(i int) bool { return t[i].to >= of.from }); i < len(t) && t[i].from <= of.to; i++ {
		if t[i].from > at {
			out = append(out, stretch{at, t[i].from - 1})
		}
		at = t[i].to + 1
	}
	if at <= of.to {
		out = append(out, stretch{at, of.to})
	}
	return out
}

// before is the last moment of the set before at, 0 when there is none.
func (t times) before(at int64) int64 {
	i := sort.Search(len(t), func(i int) bool { return t[i].to >= at })
	if i == 0 {
		return 0
	}
	return t[i-1].to
}

// bound drops the oldest stretches beyond a number of them.
func (t *times) bound(n int) {
	if extra := len(*t) - n; extra > 0 {
		*t = slices.Delete(*t, 0, extra)
	}
}
