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
	end    int64 // of the latest packet sent, milliseconds since 1970
	tags   []matroska.Tag
	on     int64     // the connection it was last sent on, 0 for none
	begun  time.Time // being sent on it
	ended  time.Time // being sent on it, zero before
	acked  bool      // anything, on that connection
	blamed int       // how often it ended a connection
	sent   bool      // to its end, at least once
}

func (f *fragment) start() int64 { return f.gops[0].start }

// ledger is the fragments not yet persisted, in the order of sending. What is
// persisted leaves it and can therefore never be sent again.
type ledger []*fragment

// unsent is the first fragment that has not been sent on the connection.
func (l ledger) unsent(connection int64) *fragment {
	for _, f := range l {
		if f.on != connection {
			return f
		}
	}
	return nil
}

func (l ledger) find(timecode, connection int64) *fragment {
	for _, f := range l {
		if f.on == connection && f.start() == timecode {
			return f
		}
	}
	return nil
}

// oldest is the first fragment sent on the connection.
func (l ledger) oldest(connection int64) *fragment {
	for _, f := range l {
		if f.on == connection {
			return f
		}
	}
	return nil
}

func (l *ledger) remove(f *fragment) {
	*l = slices.DeleteFunc(*l, func(o *fragment) bool { return o == f })
}

// cursor is how far new fragments have been taken.
type cursor struct {
	number uint64     // of the ring's GOP taken last
	last   *media.GOP // taken last, from wherever
}

// after is the time up to which all is taken, and its last GOP's start, in
// milliseconds since 1970.
func (c cursor) after() (end, start int64) {
	if c.last == nil {
		return 0, 0
	}
	end, _ = c.last.End()
	return end, c.last.Start
}

func placeOf(g *media.GOP) place { return place{g.Number, g.Start} }
