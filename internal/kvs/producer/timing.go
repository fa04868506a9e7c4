package producer

import (
	"cmp"
	"time"
)

// Timing are the durations of a producer. Zero ones have defaults, which suit
// the limits of the service
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/limits.html).
type Timing struct {
	Shortest   time.Duration // a fragment; shorter GOPs are joined; 0.8 s, so that GOPs of a second are not
	Connection time.Duration // is replaced after this; 38 min, as the service ends it at about 45
	Linger     time.Duration // the connection waits this long for the next event; 15 s
	Stall      time.Duration // without progress the connection is dead; 4 s
	Persist    time.Duration // from the end of a fragment; 30 s
	Silence    time.Duration // a camera without packets ends its fragment after this; 10 s
	Tail       time.Duration // an event's last GOP is sent this far beyond its end; 3 s
	Grace      time.Duration // an event that has ended can still be extended; 10 s
	Finish     time.Duration // waiting for the last acknowledgements; 10 s
	RetryMin   time.Duration // 250 ms
	RetryMax   time.Duration // 30 s
	RetrySlow  time.Duration // for what only a person can cure; 1 min
	Reach      time.Duration // what left the ring no longer ago than this is sent with what is live; 1 min
	Late       time.Duration // the older recording may be behind by this; 15 s
	Turn       time.Duration // the past waits this long for what is live to end, then gets a tenth of it; 5 min
	Save       time.Duration // between two writes of the state file; 1 s
	Settle     time.Duration // after a restart, until the service is asked what it holds; 2 s
	Pace       time.Duration // in which at most maxBurst fragments begin; 1 s
}

// maxBurst is how many fragments may begin in Timing.Pace.
const maxBurst = 5

func (t Timing) withDefaults() Timing {
	return Timing{
		Shortest:   cmp.Or(t.Shortest, 800*time.Millisecond),
		Connection: cmp.Or(t.Connection, 38*time.Minute),
		Linger:     cmp.Or(t.Linger, 15*time.Second),
		Stall:      cmp.Or(t.Stall, 4*time.Second),
		Persist:    cmp.Or(t.Persist, 30*time.Second),
		Silence:    cmp.Or(t.Silence, 10*time.Second),
		Tail:       cmp.Or(t.Tail, 3*time.Second),
		Grace:      cmp.Or(t.Grace, 10*time.Second),
		Finish:     cmp.Or(t.Finish, 10*time.Second),
		RetryMin:   cmp.Or(t.RetryMin, 250*time.Millisecond),
		RetryMax:   cmp.Or(t.RetryMax, 30*time.Second),
		RetrySlow:  cmp.Or(t.RetrySlow, time.Minute),
		Reach:      cmp.Or(t.Reach, time.Minute),
		Late:       cmp.Or(t.Late, 15*time.Second),
		Turn:       cmp.Or(t.Turn, 5*time.Minute),
		Save:       cmp.Or(t.Save, time.Second),
		Settle:     cmp.Or(t.Settle, 2*time.Second),
		Pace:       cmp.Or(t.Pace, time.Second),
	}
}
