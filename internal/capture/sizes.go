package capture

import (
	"slices"
	"time"
)

// What a spike in the sizes of packets is.
const (
	sizeSpan   = 200 * time.Millisecond // over which sizes are averaged
	sizeRing   = 150                    // averages remembered: half a minute of rest
	sizeLearn  = 15                     // averages that have to be known first
	sizeDelay  = 10                     // averages wait so many others before they are learned
	sizeSpread = 2.25                   // a spike's distance from the median, in times that of the ninth decile
	sizeShare  = 0.2                    // the spread is at least this part of the median
	sizeFloor  = 40                     // and at least so many bytes
)

// sizes learns how large the pictures between keyframes are while nothing
// happens, and tells when they clearly grow.
//
// An encoder spends bytes on what has changed since the last picture. The
// quiet level is the median of half a minute, and its ninth decile tells how
// much the encoder's rate control, a pattern of P and B pictures or a clock
// in the picture make sizes swing: neither is moved by the rare large
// picture, as mean and deviation would be. Averaging over a time instead of a
// number of pictures makes cameras of any rate alike.
type sizes struct {
	recent  []sample // the last sizeSpan, keyframes left out
	now     time.Duration
	ring    []float64 // averages, bytes a picture
	next    int       // oldest in a full ring
	taken   time.Duration
	waiting []float64 // newest averages, dropped when something was seen with them
	limit   float64   // bytes a picture, 0 until learned
}

type sample struct {
	pts   time.Duration
	bytes int
}

// add takes in a picture that is no keyframe and reports whether sizes are
// above the quiet level. busy says that something is known to happen, so that
// this is no rest to learn from.
func (s *sizes) add(pts time.Duration, bytes int, busy bool) bool {
	s.now = max(s.now, pts) // B pictures come after later ones
	s.recent = append(s.recent, sample{s.now, bytes})
	for s.recent[0].pts <= s.now-sizeSpan {
		s.recent = s.recent[1:]
	}
	sum := 0
	for _, r := range s.recent {
		sum += r.bytes
	}
	mean := float64(sum) / float64(len(s.recent))
	spike := s.limit > 0 && mean > s.limit
	if s.now-s.taken >= sizeSpan {
		s.taken = s.now
		s.learn(mean, busy)
	}
	return spike
}

// learn adds an average to the ring, once it has proved to be one of rest, and
// draws the limit anew.
func (s *sizes) learn(mean float64, busy bool) {
	if busy {
		s.waiting = nil
		return
	}
	if s.limit > 0 {
		s.waiting = append(s.waiting, mean)
		if len(s.waiting) <= sizeDelay {
			return
		}
		mean, s.waiting = s.waiting[0], s.waiting[1:]
	}
	if len(s.ring) < sizeRing {
		s.ring = append(s.ring, mean)
	} else {
		s.ring[s.next] = mean
		s.next = (s.next + 1) % sizeRing
	}
	if len(s.ring) < sizeLearn {
		return
	}
	sorted := slices.Sorted(slices.Values(s.ring))
	median, ninth := sorted[len(sorted)/2], sorted[len(sorted)*9/10]
	s.limit = median + sizeSpread*max(ninth-median, sizeShare*median, sizeFloor)
}
