package live

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// Join is how long a viewer took to join, by phase: each is the time since its
// offer came, 0 while it has not been reached.
type Join struct {
	Answered  time.Duration // the answer was sent
	ICE       time.Duration // a way to the viewer was found
	DTLS      time.Duration // keys were agreed on
	FirstRTP  time.Duration // the first packet was sent
	Keyframe  time.Duration // all of the first keyframe has arrived
	Undamaged bool          // and the viewer had not to ask for another
}

// ViewerStats is one viewer at a moment.
type ViewerStats struct {
	Client   string
	Since    time.Time // of its offer
	Join     Join
	On       Quality // "" while nothing is sent
	Direct   bool    // neither relay nor translated addresses
	Bits     float64 // sent a second, of late
	Bytes    int64   // payloads sent
	Units    int64   // access units sent
	Resent   int64   // packets
	Lost     int     // units that the viewer was too slow for
	Loss     float64 // part of the packets lost on the way, of late
	RTT      time.Duration
	Width    float64 // of the link, bits a second; 0 while unknown
	Queue    time.Duration
	Pictures int // times it asked for a keyframe
	Switches int // from one stream to the other
}

// tally counts for one viewer. It is safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	now   ViewerStats
	meter meter
	keyed bool   // the first keyframe has been sent
	last  uint16 // sequence number of its last packet
}

func (t *tally) phase(set func(j *Join, at time.Duration)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	set(&t.now.Join, time.Since(t.now.Since))
}

func once(d *time.Duration, at time.Duration) {
	if *d == 0 {
		*d = at
	}
}

// sent counts a unit and reports whether it is the first keyframe.
func (t *tally) sent(u *unit) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	once(&t.now.Join.FirstRTP, time.Since(t.now.Since))
	t.now.Units++
	t.now.Bytes += int64(u.bytes)
	t.meter.add(time.Now(), u.bytes)
	if u.key && !t.keyed {
		t.keyed = true
		return true
	}
	return false
}

func (t *tally) firstKey(last uint16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = last
}

func (t *tally) keyArrived() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keyed && t.now.Join.Keyframe == 0 {
		t.now.Join.Keyframe = time.Since(t.now.Since)
		t.now.Join.Undamaged = t.now.Pictures == 0
	}
}

func (t *tally) reported(r rtcp.ReceptionReport) {
	t.mu.Lock()
	arrived := t.keyed && int16(uint16(r.LastSequenceNumber)-t.last) >= 0
	t.mu.Unlock()
	if arrived {
		t.keyArrived()
	}
}

func (t *tally) pictureLost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Pictures++
}

func (t *tally) resent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Resent++
}

func (t *tally) switched() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Switches++
}

func (t *tally) on(q Quality) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.On = q
}

func (t *tally) path(direct bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Direct = direct
}

func (t *tally) link(l *link, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Loss, t.now.RTT, t.now.Width, t.now.Queue, t.now.Lost = l.loss(), l.rtt, l.width, l.standing(), lost
}

func (t *tally) stats() ViewerStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.now
	s.Bits = t.meter.bits(time.Now())
	return s
}

// meter measures a rate over the last second or two.
type meter struct {
	began       time.Time
	now, before int // bytes
}

func (m *meter) add(at time.Time, n int) {
	m.roll(at)
	m.now += n
}

func (m *meter) roll(at time.Time) {
	switch age := at.Sub(m.began); {
	case age >= 2*time.Second:
		m.began, m.now, m.before = at, 0, 0
	case age >= time.Second:
		m.began, m.now, m.before = m.began.Add(time.Second), 0, m.now
	}
}

// bits is the rate in bits a second.
func (m *meter) bits(at time.Time) float64 {
	m.roll(at)
	return float64(m.now+m.before) * 8 / (time.Second + at.Sub(m.began)).Seconds()
}
