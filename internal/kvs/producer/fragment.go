package producer

import (
	"slices"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
)

// place says where a GOP can be found again: in the ring by its number, else
// in the older recording by its time.
type place struct {
	number uint64
	start  int64 // milliseconds since 1970
}

// fragment is what Kinesis Video Streams stores as one: one GOP, or as many
// short ones as make up the shortest fragment. It holds no video.
type fragment struct {
	gops   []place
	whole  bool  // no GOP will be added
	end    int64 // of the latest packet known, milliseconds since 1970
	tags   []matroska.Tag
	on     int64     // the connection it was last sent on, 0 for none
	begun  time.Time // being sent on it
	ended  time.Time // being sent on it, zero before
	acked  bool      // anything, on that connection
	blamed int       // how often it ended a connection
	sent   bool      // to its end, at least once
	since  time.Time // its video cannot be found
	again  time.Time // when to look for it
}

func (f *fragment) start() int64 { return f.gops[0].start }

func (f *fragment) covers() stretch { return stretch{f.start(), max(f.start(), f.end)} }

// ledger is the fragments not yet persisted, in the order of sending. What is
// persisted leaves it and can therefore never be sent again.
type ledger []*fragment

func (l ledger) find(timecode, connection int64) *fragment {
	for _, f := range l {
		if f.on == connection && f.start() == timecode {
			return f
		}
	}
	return nil
}

// oldest is the first fragment sent on the connection, on which times rise.
func (l ledger) oldest(connection int64) (first *fragment) {
	for _, f := range l {
		if f.on == connection && (first == nil || f.start() < first.start()) {
			first = f
		}
	}
	return first
}

// touches reports whether a fragment shows some of a stretch.
func (l ledger) touches(s stretch) bool {
	return slices.ContainsFunc(l, func(f *fragment) bool {
		c := f.covers()
		return c.from <= s.to && c.to >= s.from
	})
}

func (l *ledger) remove(f *fragment) {
	*l = slices.DeleteFunc(*l, func(o *fragment) bool { return o == f })
}

func placeOf(g *media.GOP) place { return place{g.Number, g.Start} }
