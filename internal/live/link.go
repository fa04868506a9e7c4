package live

import (
	"time"

	"github.com/pion/rtcp"
)

// link judges the way to one viewer by the transport-wide feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01): which packets arrived,
// and when.
//
// A congestion controller such as GCC follows the rate an encoder can be set
// to. Here there is no encoder, only two streams, of which the smaller says
// nothing about the room for the larger; what counts is whether the larger
// would fit. So link measures two things. The width: packets sent back to
// back, as every keyframe is, arrive spread out by the narrowest part of the
// way. And the queue: the least delay of late beyond the least ever is what
// stands in front of that part even between keyframes.
//
// It is not safe for concurrent use.
type link struct {
	sentAt [linkHistory]sentPacket

	width   float64 // bits a second, smoothed; 0 while unknown
	trains  int
	train   train
	base    floor         // of the one-way delay, whose origin is arbitrary
	queue   floor         // of the one-way delay of late
	arrived int           // packets that feedback was about, decaying
	lost    int           // of them
	rtt     time.Duration // from receiver reports
	remb    float64       // bits a second, 0 while unknown
	heard   time.Time     // the last transport-wide feedback
	counted time.Time     // when arrived and lost were last halved
	origin  time.Time     // of the one-way delay
	watch   uint16        // the number to look out for
	watched bool          // it has arrived
}

const linkHistory = 4096

type sentPacket struct {
	number uint16
	size   int32 // 0 when unused or already reported
	at     time.Time
}

// overhead is about what RTP, SRTP, UDP and IP add to a payload, in bytes.
const overhead = 70

func (l *link) sent(number uint16, size int, now time.Time) {
	if l.origin.IsZero() {
		l.origin = now
	}
	l.sentAt[number%linkHistory] = sentPacket{number: number, size: int32(size + overhead), at: now}
}

// feedback takes in one report. Reports are untrusted: whatever they say, the
// work is bounded by the 65535 packets one can be about.
func (l *link) feedback(cc *rtcp.TransportLayerCC, now time.Time) {
	l.heard = now
	arrival := time.Duration(cc.ReferenceTime) * 64 * time.Millisecond
	number, left, delta := cc.BaseSequenceNumber, int(cc.PacketStatusCount), 0
	status := func(symbol uint16) {
		if left--; left < 0 {
			return
		}
		p := &l.sentAt[number%linkHistory]
		known := p.number == number && p.size > 0
		number++
		if symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta {
			if delta >= len(cc.RecvDeltas) {
				left = 0
				return
			}
			arrival += time.Duration(cc.RecvDeltas[delta].Delta) * time.Microsecond
			delta++
			if known {
				l.arrive(*p, arrival)
				p.size = 0
			}
		} else if known {
			// It may yet be reported as arrived, so it stays known.
			l.lost++
			l.arrived++
		}
	}
	for _, chunk := range cc.PacketChunks {
		switch c := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				if status(c.PacketStatusSymbol); left <= 0 {
					break
				}
			}
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList {
				status(s)
			}
		}
	}
	l.endTrain()
	if now.Sub(l.counted) > time.Second {
		l.counted, l.arrived, l.lost = now, l.arrived/2, l.lost/2
	}
}

func (l *link) arrive(p sentPacket, arrival time.Duration) {
	l.arrived++
	delay := arrival - p.at.Sub(l.origin)
	if p.number == l.watch {
		l.watched = true
	}
	l.base.add(delay, p.at, baseWindow)
	l.queue.add(delay, p.at, queueWindow)
	l.train.add(l, p, arrival)
}

const (
	baseWindow  = time.Minute // over which clocks drift little
	queueWindow = time.Second // longer than a keyframe takes
)

// standing is how long the queue has been all through the last second or so.
func (l *link) standing() time.Duration {
	if !l.base.known || !l.queue.known {
		return 0
	}
	return max(l.queue.least()-l.base.least(), 0)
}

// loss is the part of packets lost of late.
func (l *link) loss() float64 {
	if l.arrived < 20 {
		return 0
	}
	return float64(l.lost) / float64(l.arrived)
}

// train is packets sent back to back.
type train struct {
	sent        time.Time // the last of them
	first, last time.Duration
	bytes       int // after the first
	packets     int
}

// A train that tells the width has so many packets, sent so close.
const (
	trainPackets = 6
	trainGap     = time.Millisecond
	tccTick      = 250 * time.Microsecond // resolution of arrival times
)

func (t *train) add(l *link, p sentPacket, arrival time.Duration) {
	if t.packets > 0 && (p.at.Sub(t.sent) > trainGap || p.at.Before(t.sent) || arrival < t.last) {
		l.endTrain()
	}
	if t.packets == 0 {
		t.first, t.bytes = arrival, 0
	} else {
		t.bytes += int(p.size)
	}
	t.packets++
	t.sent, t.last = p.at, arrival
}

// endTrain takes the width from the train, if it is long enough.
func (l *link) endTrain() {
	t := l.train
	l.train = train{}
	if t.packets < trainPackets {
		return
	}
	width := float64(t.bytes) * 8 / max(t.last-t.first, tccTick).Seconds()
	l.trains++
	if l.width == 0 {
		l.width = width
		return
	}
	// Falls are believed at once, rises by and by: a network that lets a few
	// packets through quickly still shapes the many.
	if width < l.width {
		l.width += (width - l.width) / 2
	} else {
		l.width += (min(width, 4*l.width) - l.width) / 4
	}
}

// floor is the least value within about a window.
type floor struct {
	known       bool
	now, before time.Duration
	began       time.Time
}

func (f *floor) add(d time.Duration, at time.Time, window time.Duration) {
	switch {
	case !f.known:
		*f = floor{known: true, now: d, before: d, began: at}
	case at.Sub(f.began) > window/2:
		f.before, f.now, f.began = f.now, d, at
	default:
		f.now = min(f.now, d)
	}
}

func (f *floor) least() time.Duration { return min(f.now, f.before) }

// reported takes in the loss of a receiver report, from viewers that give no
// transport-wide feedback.
func (l *link) reported(loss float64) {
	const weight = 100
	l.arrived, l.lost = weight+l.arrived/2, int(loss*weight)+l.lost/2
}
