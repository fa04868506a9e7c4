package live

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"porchlight/internal/media"
)

// Timestamps within a burst are this close, in 90 kHz ticks: a decoder shows
// the last picture as soon as it has decoded them all.
const squeezedTicks = 90

// maxSentGap bounds how far apart two pictures are said to be when the camera
// starts its clock over, or another of its streams takes over.
const maxSentGap = 5 * time.Second

// track is one viewer's video: it numbers and dates what the viewer gets, and
// keeps the newest for resending. Only the payloads are shared with others.
// Its media methods are for one goroutine.
type track struct {
	camera string
	bound  chan struct{} // closed once below is set
	once   sync.Once

	writer   webrtc.TrackLocalWriter
	payloads map[media.Codec]uint8
	ssrc     uint32

	header, first rtp.Header // of a unit's packets and of its first
	number        [2]byte    // transport-wide, in both headers
	delayID       uint8      // of the playout delay extension, 0 when not agreed on
	delay         *Playout   // asked for last
	transport     bool       // transport-wide feedback was agreed on

	sequence uint16
	next     uint16 // transport-wide number
	pace     pace
	sent     history
	link     *link

	stream *media.Stream // of the last unit
	base   int64         // sent ticks less the camera's, for stream
	ticks  int64         // of the last unit, as sent
	taken  time.Time     // of the last unit
	any    bool          // anything sent
}

func newTrack(camera string, l *link) *track {
	return &track{
		camera: camera, bound: make(chan struct{}), link: l,
		sequence: uint16(rand.Uint32()), base: int64(rand.Uint32() >> 2),
	}
}

// Bind is called by pion when codecs have been agreed on.
func (t *track) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	types := payloadTypes(ctx.CodecParameters())
	var agreed webrtc.RTPCodecParameters
	for _, c := range ctx.CodecParameters() {
		if p, ok := types[media.H264]; ok && uint8(c.PayloadType) == p {
			agreed = c
			break
		}
		if p, ok := types[media.H265]; ok && uint8(c.PayloadType) == p {
			agreed = c
		}
	}
	if agreed.MimeType == "" {
		return agreed, webrtc.ErrUnsupportedCodec
	}
	t.once.Do(func() {
		t.payloads, t.ssrc, t.writer = types, uint32(ctx.SSRC()), ctx.WriteStream()
		t.header = rtp.Header{Version: 2, SSRC: t.ssrc}
		t.first = t.header
		for _, e := range ctx.HeaderExtensions() {
			switch e.URI {
			case transportCCURI:
				t.transport = t.header.SetExtension(uint8(e.ID), t.number[:]) == nil &&
					t.first.SetExtension(uint8(e.ID), t.number[:]) == nil
			case playoutDelayURI:
				t.delayID = uint8(e.ID)
			}
		}
		close(t.bound)
	})
	return agreed, nil
}

// setDelay asks the viewer to show pictures within a range of delays from now
// on, after Bind.
func (t *track) setDelay(d Playout) {
	if t.delayID == 0 || t.delay != nil && *t.delay == d {
		return
	}
	t.delay = &d
	const step = 10 * time.Millisecond
	e := rtp.PlayoutDelayExtension{MinDelay: uint16(min(d.Min/step, 4095)), MaxDelay: uint16(min(d.Max/step, 4095))}
	if value, err := e.Marshal(); err == nil {
		// The header goes without when it does not fit, never the picture.
		_ = t.first.SetExtension(t.delayID, value)
	}
}

// Unbind is called by pion when the connection ends.
func (t *track) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID, RID, StreamID and Kind are what pion writes into the answer.
func (t *track) ID() string                { return "video" }
func (t *track) RID() string               { return "" }
func (t *track) StreamID() string          { return t.camera }
func (t *track) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeVideo }

// carries reports whether the viewer can decode a codec, after Bind.
func (t *track) carries(c media.Codec) bool {
	_, ok := t.payloads[c]
	return ok
}

// burst dates units so that they end now and begin just before, and returns
// the distance between them in ticks.
func (t *track) burst(units []*unit) (start, step int64) {
	last := units[len(units)-1]
	n := int64(len(units) - 1)
	if !t.any {
		return t.base, squeezedTicks
	}
	end := t.ticks + t.gap(last.taken)
	step = min(max((end-t.ticks)/(n+1), 1), squeezedTicks)
	return max(end-n*step, t.ticks+step), step
}

// gap is how long after the last unit one was taken, in ticks: at least one,
// as timestamps only rise.
func (t *track) gap(taken time.Time) int64 {
	d := min(max(taken.Sub(t.taken), time.Millisecond), maxSentGap)
	return int64(d/time.Microsecond) * media.H264ClockRate / 1_000_000
}

// write sends a unit dated at ticks. Units that follow without a date of
// their own keep their distance from it.
func (t *track) write(u *unit, ticks int64) error {
	t.stream, t.base = u.stream, ticks-u.ticks
	return t.send(u, ticks)
}

// follow sends the unit after the last one.
func (t *track) follow(u *unit) error {
	ticks := u.ticks + t.base
	if !t.any || u.stream != t.stream || ticks <= t.ticks || ticks-t.ticks > int64(maxSentGap/time.Second)*media.H264ClockRate {
		if t.any {
			ticks = t.ticks + t.gap(u.taken)
		} else {
			ticks = t.base
		}
		return t.write(u, ticks)
	}
	return t.send(u, ticks)
}

func (t *track) send(u *unit, ticks int64) error {
	payload, ok := t.payloads[u.stream.Codec]
	if !ok {
		return nil // decided elsewhere; never send what cannot be decoded
	}
	t.any, t.ticks, t.taken = true, ticks, u.taken
	for i, p := range u.payloads {
		at := packetAt{sequence: t.sequence, ticks: uint32(ticks), payloadType: payload, marker: i == len(u.payloads)-1, first: i == 0, payload: p}
		t.sequence++
		t.sent.add(at)
		t.pace.wait()
		if err := t.packet(at); err != nil {
			return err
		}
	}
	return nil
}

// packet writes one packet, be it for the first time or again.
func (t *track) packet(p packetAt) error {
	h := &t.header
	if p.first {
		h = &t.first
	}
	h.SequenceNumber, h.Timestamp, h.PayloadType, h.Marker = p.sequence, p.ticks, p.payloadType, p.marker
	if t.transport {
		binary.BigEndian.PutUint16(t.number[:], t.next)
		t.link.sent(t.next, len(p.payload), time.Now())
		t.next++
	}
	_, err := t.writer.WriteRTP(h, p.payload)
	return err
}
