package signaling

import (
	"cmp"
	"time"
)

// Limits of the service. Zero values are those of AWS
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-limits.html).
type Limits struct {
	Channels    int           // of the account; 1000, which is less than at AWS
	Viewers     int           // connected to one channel; 10
	Life        time.Duration // of a connection; 1 h
	Grace       time.Duration // from GO_AWAY to the end of the life; 1 min
	Idle        time.Duration // without a message, pings do not count; 10 min
	Payload     int           // characters of a message's payload; 10,000
	Connects    float64       // to one channel, a second, in each role; 3
	SDP         float64       // offers and answers on a connection, a second; 5
	Candidates  float64       // on a connection, a second; 20
	ICE         float64       // GetIceServerConfig for one channel, a second; 5
	Credentials time.Duration // of the relay; 5 min
	Allocations int           // of the relay, for one channel; 50
	Retained    int           // messages kept for a client that is not there; 100
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Channels:    cmp.Or(l.Channels, 1000),
		Viewers:     cmp.Or(l.Viewers, 10),
		Life:        cmp.Or(l.Life, time.Hour),
		Grace:       cmp.Or(l.Grace, time.Minute),
		Idle:        cmp.Or(l.Idle, 10*time.Minute),
		Payload:     cmp.Or(l.Payload, 10_000),
		Connects:    cmp.Or(l.Connects, 3),
		SDP:         cmp.Or(l.SDP, 5),
		Candidates:  cmp.Or(l.Candidates, 20),
		ICE:         cmp.Or(l.ICE, 5),
		Credentials: cmp.Or(l.Credentials, 5*time.Minute),
		Allocations: cmp.Or(l.Allocations, 50),
		Retained:    cmp.Or(l.Retained, 100),
	}
}

// bucket lets so many through a second, and as many at once as two seconds'
// worth, so that a client that keeps to the limit never meets it.
type bucket struct {
	rate, level float64
	at          time.Time
}

func newBucket(rate float64, now time.Time) *bucket { return &bucket{rate, 2 * rate, now} }

func (b *bucket) take(now time.Time) bool {
	b.level = min(b.level+b.rate*max(0, now.Sub(b.at).Seconds()), 2*b.rate)
	b.at = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}

// full tells that nothing has been taken for a while.
func (b *bucket) full(now time.Time) bool {
	return b.level+b.rate*now.Sub(b.at).Seconds() >= 2*b.rate
}
