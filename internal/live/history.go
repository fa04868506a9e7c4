package live

import "time"

// packetAt is an RTP packet as one viewer got it.
type packetAt struct {
	sequence      uint16
	ticks         uint32
	payloadType   uint8
	marker, first bool
	payload       []byte
	again         int8 // how often it has been resent
	at            time.Time
}

// kept is how many packets can be resent: two to three seconds of a main
// stream. Their payloads are shared, so they cost next to nothing.
const kept = 1024

// Bounds of resending, so that no viewer can have more sent than its link
// would need to repair itself.
const (
	maxAgain      = 4
	resendEvery   = 8 * time.Millisecond // one packet
	maxResendRate = 400                  // packets a second
)

// history is the newest packets of a viewer.
type history struct {
	packets [kept]packetAt
	filled  int
	second  time.Time
	count   int // resent in that second
}

func (h *history) add(p packetAt) {
	h.packets[p.sequence%kept] = p
	h.filled = min(h.filled+1, kept)
}

// again returns a packet that has been lost, if it may be sent once more.
func (h *history) again(sequence uint16, now time.Time) (packetAt, bool) {
	p := &h.packets[sequence%kept]
	if h.filled == 0 || p.payload == nil || p.sequence != sequence || p.again >= maxAgain || now.Sub(p.at) < resendEvery {
		return packetAt{}, false
	}
	if now.Sub(h.second) >= time.Second {
		h.second, h.count = now, 0
	}
	if h.count >= maxResendRate {
		return packetAt{}, false
	}
	h.count++
	p.again++
	p.at = now
	return *p, true
}
