package live

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/stretchr/testify/require"
)

// path is a way to a viewer as it would be: so wide, with a queue in front,
// whose feedback comes as browsers send it.
type path struct {
	link   *link
	now    time.Time
	next   uint16
	width  float64 // bits a second
	free   time.Time
	report rtcp.TransportLayerCC
	last   int64 // ticks of 250 µs
}

func newPath(width float64) *path {
	return &path{link: &link{}, now: time.Unix(1_790_000_000, 0), width: width}
}

// train sends packets back to back and reports on them.
func (p *path) train(n int, lost func(i int) bool) {
	const size = 1130 // 1200 with headers
	p.report = rtcp.TransportLayerCC{BaseSequenceNumber: p.next, PacketStatusCount: uint16(n)}
	first := true
	var symbols []uint16
	for i := range n {
		p.link.sent(p.next, size, p.now)
		p.next++
		if p.free.Before(p.now) {
			p.free = p.now
		}
		p.free = p.free.Add(time.Duration(float64(size+overhead) * 8 / p.width * float64(time.Second)))
		if lost != nil && lost(i) {
			symbols = append(symbols, rtcp.TypeTCCPacketNotReceived)
			continue
		}
		at := p.free.Add(7*time.Millisecond).UnixMicro() / 250
		if first {
			p.report.ReferenceTime = uint32(at / 256 & 0xffffff)
			p.last, first = at/256*256, false
		}
		p.report.RecvDeltas = append(p.report.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedLargeDelta, Delta: (at - p.last) * 250})
		p.last = at
		symbols = append(symbols, rtcp.TypeTCCPacketReceivedLargeDelta)
	}
	p.report.PacketChunks = []rtcp.PacketStatusChunk{&rtcp.StatusVectorChunk{SymbolList: symbols}}
	p.link.feedback(&p.report, p.now)
}

func TestWidth(t *testing.T) {
	for _, width := range []float64{500e3, 5e6, 50e6} {
		p := newPath(width)
		for range 20 {
			p.train(20, nil)
			p.now = p.now.Add(2 * time.Second)
		}
		require.InEpsilon(t, width, p.link.width, 0.15)
		require.Less(t, p.link.standing(), 5*time.Millisecond)
		require.Zero(t, p.link.loss())
	}
	// Few packets say nothing.
	p := newPath(5e6)
	for range 20 {
		p.train(trainPackets-1, nil)
		p.now = p.now.Add(time.Second)
	}
	require.Zero(t, p.link.width)
}

// TestStandingQueue: a keyframe's queue goes away, one of too much does not.
func TestStandingQueue(t *testing.T) {
	p := newPath(5e6)
	send := func(packets int) { // at 25 pictures a second, for four seconds
		for range 100 {
			p.train(packets, nil)
			p.now = p.now.Add(40 * time.Millisecond)
		}
	}
	send(15) // 3.6 Mbit/s
	require.Less(t, p.link.standing(), 5*time.Millisecond)
	p.train(150, nil) // 288 ms
	require.Less(t, p.link.standing(), 5*time.Millisecond)
	send(15)
	require.Less(t, p.link.standing(), 5*time.Millisecond)
	send(25) // 6 Mbit/s
	require.Greater(t, p.link.standing(), tooLong)
	p.now = p.now.Add(2 * time.Second)
	send(2)
	require.Less(t, p.link.standing(), 5*time.Millisecond)
}

func TestLossOfTheLink(t *testing.T) {
	p := newPath(5e6)
	for range 100 {
		p.train(15, func(i int) bool { return i%5 == 0 })
		p.now = p.now.Add(40 * time.Millisecond)
	}
	require.InDelta(t, 0.2, p.link.loss(), 0.01)
	for range 300 {
		p.train(15, nil)
		p.now = p.now.Add(40 * time.Millisecond)
	}
	require.Less(t, p.link.loss(), 0.01)
}

// FuzzFeedback: reports are untrusted.
func FuzzFeedback(f *testing.F) {
	p := newPath(5e6)
	p.train(20, func(i int) bool { return i == 3 })
	p.report.Header = rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 20}
	if data, err := p.report.Marshal(); err == nil {
		f.Add(data)
	}
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &link{}
		now := time.Unix(1_790_000_000, 0)
		for n := range uint16(100) {
			l.sent(n, 1000, now)
		}
		packets, err := rtcp.Unmarshal(data)
		if err != nil {
			return
		}
		for _, p := range packets {
			if cc, ok := p.(*rtcp.TransportLayerCC); ok {
				l.feedback(cc, now)
			}
		}
		require.GreaterOrEqual(t, l.loss(), 0.0)
		require.GreaterOrEqual(t, l.standing(), time.Duration(0))
	})
}
