package live

import "time"

// A large keyframe or a whole GOP leaves in such steps, which come to
// 300 Mbit/s: sent in one go it would overflow the viewer's socket, whose
// 200 KB hold about 90 packets.
const (
	stride      = 32
	stridePause = time.Millisecond
)

// pace holds a sender up for a moment after each stride.
type pace struct {
	count int
	began time.Time // of the stride
}

// wait is called before each packet.
func (p *pace) wait() {
	now := time.Now()
	if now.Sub(p.began) > stridePause {
		p.began, p.count = now, 0
	}
	if p.count++; p.count > stride {
		time.Sleep(stridePause)
		p.began, p.count = time.Now(), 1
	}
}
