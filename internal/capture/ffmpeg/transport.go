package ffmpeg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// The tracks of a child's transport stream.
const (
	videoPID = 0x100
	audioPID = videoPID + 1
)

const (
	tsPacket  = 188
	tsSync    = 0x47
	tsClock   = 90000
	tsWrap    = 1 << 33  // timestamps have so many values
	maxUnit   = 16 << 20 // bytes of an access unit; larger ones are left out
	aacLength = 1024     // samples of an AAC frame
	pesHeader = 14       // bytes of one with a timestamp, at least
)

// ErrTransport says that a child's packets cannot be understood.
var ErrTransport = errors.New("transport stream is damaged")

// Unit is what a child's packets are made of: one access unit of video, or
// some frames of sound.
type Unit struct {
	PTS    time.Duration // as the child's input says
	NALs   [][]byte      // of video, without start codes
	Frames [][]byte      // of sound, raw AAC
	Config []byte        // of sound: its AudioSpecificConfig
	Each   time.Duration // of sound: how long a frame is
}

// Units reads the MPEG transport stream (ISO/IEC 13818-1, 2.4.3) that a child
// writes. A general reader would hold back the picture until it has seen the
// sound, which may begin minutes later, and keep all until then.
type Units struct {
	r            *bufio.Reader
	video, audio pes
	last         int64 // timestamp, in ticks, that the next is near to
	ended        bool
	ready        []Unit
}

// pes collects one packetized elementary stream packet of a track.
type pes struct {
	data    []byte
	started bool
	tooMuch bool
}

// NewUnits reads units whose first timestamp is within half a day of start:
// a transport stream counts 26 hours and then begins anew.
func NewUnits(r io.Reader, start time.Duration) *Units {
	return &Units{r: bufio.NewReaderSize(r, 64<<10), last: toTicks(start + packetOffset)}
}

func toTicks(d time.Duration) int64 {
	return int64(d/time.Second)*tsClock + int64(d%time.Second)*tsClock/int64(time.Second)
}

func fromTicks(n int64) time.Duration {
	return time.Duration(n/tsClock)*time.Second + time.Duration(n%tsClock)*time.Second/tsClock
}

// Next returns the next unit, io.EOF after the last, or ErrTransport. What is
// damaged in itself is left out.
func (u *Units) Next() (Unit, error) {
	for len(u.ready) == 0 {
		if u.ended {
			return Unit{}, io.EOF
		}
		packet, err := u.r.Peek(tsPacket)
		switch {
		case errors.Is(err, io.EOF):
			u.ended = true
			u.finish(&u.video, true)
			u.finish(&u.audio, false)
			continue
		case err != nil:
			return Unit{}, err
		case packet[0] != tsSync:
			return Unit{}, fmt.Errorf("%w: a packet begins with %#x", ErrTransport, packet[0])
		}
		u.take(packet)
		_, _ = u.r.Discard(tsPacket) // peeked, so it is there
	}
	unit := u.ready[0]
	u.ready = u.ready[1:]
	return unit, nil
}

// take takes in one transport stream packet.
func (u *Units) take(p []byte) {
	var track *pes
	pid := int(p[1]&0x1f)<<8 | int(p[2])
	switch pid {
	case videoPID:
		track = &u.video
	case audioPID:
		track = &u.audio
	default:
		return // tables, which say what is known
	}
	payload := p[4:]
	if p[3]&0x20 != 0 { // after an adaptation field
		payload = payload[min(1+int(payload[0]), len(payload)):]
	}
	if p[3]&0x10 == 0 {
		return
	}
	if p[1]&0x40 != 0 { // a unit begins
		u.finish(track, pid == videoPID)
		track.started = true
	}
	switch {
	case !track.started:
	case len(track.data)+len(payload) > maxUnit:
		track.tooMuch = true
	default:
		track.data = append(track.data, payload...)
	}
	// The length tells the end of a unit before the next one begins.
	if d := track.data; len(d) >= 6 && !track.tooMuch {
		if n := int(d[4])<<8 | int(d[5]); n > 0 && len(d) >= 6+n {
			u.finish(track, pid == videoPID)
		}
	}
}

// finish makes a unit of what a track has collected.
func (u *Units) finish(track *pes, video bool) {
	data, good := track.data, track.started && !track.tooMuch
	*track = pes{}
	if !good || len(data) < pesHeader || !bytes.HasPrefix(data, []byte{0, 0, 1}) {
		return
	}
	if n := 6 + (int(data[4])<<8 | int(data[5])); n > 6 && n < len(data) {
		data = data[:n]
	}
	if len(data) < pesHeader || data[7]&0x80 == 0 || len(data) <= 9+int(data[8]) {
		return // without a timestamp, or empty
	}
	body := 9 + int(data[8])
	pts := u.unwrap(int64(data[9]>>1&7)<<30 | int64(data[10])<<22 | int64(data[11]>>1)<<15 | int64(data[12])<<7 | int64(data[13]>>1))
	unit := Unit{PTS: fromTicks(pts) - packetOffset}
	if video {
		var au h264.AnnexB // of H.265 too
		if au.Unmarshal(data[body:]) != nil {
			return
		}
		unit.NALs = au
	} else if !unit.sound(data[body:]) {
		return
	}
	u.ready = append(u.ready, unit)
}

// unwrap returns the full timestamp of which 33 bits are given.
func (u *Units) unwrap(ticks int64) int64 {
	diff := (ticks - u.last) & (tsWrap - 1)
	if diff >= tsWrap/2 {
		diff -= tsWrap
	}
	u.last += diff
	return u.last
}

// sound reads frames of AAC, each after an ADTS header.
func (unit *Unit) sound(data []byte) bool {
	var frames mpeg4audio.ADTSPackets
	if frames.Unmarshal(data) != nil || len(frames) == 0 {
		return false
	}
	first := frames[0]
	config := mpeg4audio.AudioSpecificConfig{Type: first.Type, SampleRate: first.SampleRate, ChannelConfig: first.ChannelConfig}
	var err error
	if unit.Config, err = config.Marshal(); err != nil || first.SampleRate <= 0 {
		return false
	}
	unit.Each = aacLength * time.Second / time.Duration(first.SampleRate)
	for _, f := range frames {
		unit.Frames = append(unit.Frames, f.AU)
	}
	return true
}
