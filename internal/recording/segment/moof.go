package segment

import (
	"encoding/binary"
	"fmt"

	"porchlight/internal/media"
)

// sample is one sample's place in a file and on its track's timeline.
type sample struct {
	offset   int64
	size     uint32
	duration uint32
	dts      int64 // ticks of the track since the start of the file's timeline
	shown    int32 // ticks after dts
	key      bool
}

// samples are those of a fragment.
type samples struct {
	video, audio []sample
	zero         int64 // of the file's timeline, ticks of 90 kHz since 1970
}

// clock sets the timeline: the picture at the media time was taken at.
func (s *samples) clock(at, mediaTime int64) { s.zero = at - mediaTime }

// shift makes offsets within moof offsets within the file.
func (s *samples) shift(by int64) {
	for _, track := range [][]sample{s.video, s.audio} {
		for i := range track {
			track[i].offset += by
		}
	}
}

// millis is when a picture or sound was taken, in milliseconds since 1970.
func (s *samples) millis(track []sample, i int, rate int64) int64 {
	shown := track[i].dts + int64(track[i].shown)
	if rate == media.H264ClockRate {
		return floor(s.zero+shown, ticksPerMilli)
	}
	return floor(s.zero, ticksPerMilli) + floor(shown*1000, rate)
}

// times is when the first picture was taken, and the latest picture or sound,
// in milliseconds since 1970. There is a picture.
func (s *samples) times(audioRate int64) (first, last int64) {
	first = s.millis(s.video, 0, media.H264ClockRate)
	last = first
	for i := range s.video {
		last = max(last, s.millis(s.video, i, media.H264ClockRate))
	}
	for i := range s.audio {
		last = max(last, s.millis(s.audio, i, audioRate))
	}
	return first, last
}

// floor divides and rounds down.
func floor(a, b int64) int64 {
	if q := a / b; a%b >= 0 {
		return q
	}
	return a/b - 1
}

// fields takes numbers from a box, and zeros once it is used up.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if len(f.b) < n {
		f.b, f.short = nil, true
		return make([]byte, n)
	}
	out := f.b[:n]
	f.b = f.b[n:]
	return out
}

func (f *fields) u32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }

// next takes a box.
func (f *fields) next() (kind string, body *fields) {
	size, kind := f.u32(), string(f.take(4))
	if f.short || size < boxHeader || int64(size) > int64(len(f.b))+boxHeader {
		f.short = true
		return "", &fields{}
	}
	return kind, &fields{b: f.take(int(size) - boxHeader)}
}

// parseMoof reads a moof box with its header, in the one shape that Writer
// gives it. from and size say where its samples have to be, counted from the
// start of the box. Samples of other tracks are left out.
func parseMoof(b []byte, from, size int64) (samples, error) {
	var s samples
	f := &fields{b: b}
	kind, body := f.next()
	if kind != "moof" {
		return s, fmt.Errorf("%w: no moof", ErrDamaged)
	}
	for len(body.b) > 0 && !body.short {
		kind, traf := body.next()
		if kind != "traf" {
			continue
		}
		track, list, err := parseTraf(traf, from, size)
		if err != nil {
			return samples{}, err
		}
		switch track {
		case videoTrack:
			s.video = list
		case audioTrack:
			s.audio = list
		}
	}
	if body.short {
		return samples{}, fmt.Errorf("%w: a box within a fragment is cut short", ErrDamaged)
	}
	return s, nil
}

// Flags of a trun box (ISO/IEC 14496-12, 8.8.8). Its duration and size are
// always there.
const (
	trunAlways  = 0x000301
	trunFlags   = 0x000400
	trunShown   = 0x000800
	notKey      = 1 << 16
	maxBaseTime = 1 << 52
)

func parseTraf(f *fields, from, size int64) (track uint32, list []sample, _ error) {
	var base uint64
	for len(f.b) > 0 && !f.short {
		kind, body := f.next()
		version := body.b
		switch kind {
		case "tfhd":
			body.take(4)
			track = body.u32()
		case "tfdt":
			body.take(4)
			base = binary.BigEndian.Uint64(body.take(8))
		case "trun":
			if list != nil || len(version) == 0 || version[0] != 1 {
				return 0, nil, fmt.Errorf("%w: an unknown kind of trun", ErrDamaged)
			}
			var err error
			if list, err = parseTrun(body, from, size); err != nil {
				return 0, nil, err
			}
		}
		if body.short {
			f.short = true
		}
	}
	if f.short || base > maxBaseTime {
		return 0, nil, fmt.Errorf("%w: a track within a fragment is cut short", ErrDamaged)
	}
	dts := int64(base)
	for i := range list {
		list[i].dts = dts
		dts += int64(list[i].duration)
	}
	return track, list, nil
}

func parseTrun(f *fields, from, size int64) ([]sample, error) {
	flags := f.u32() & 0xffffff
	count := f.u32()
	offset := int64(int32(f.u32()))
	if flags&^(trunFlags|trunShown) != trunAlways || count > maxPerTrack {
		return nil, fmt.Errorf("%w: an unknown kind of trun", ErrDamaged)
	}
	list := make([]sample, 0, min(int(count), len(f.b)/8))
	for range count {
		s := sample{duration: f.u32(), size: f.u32(), offset: offset, key: true}
		if flags&trunFlags != 0 {
			s.key = f.u32()&notKey == 0
		}
		if flags&trunShown != 0 {
			s.shown = int32(f.u32())
		}
		if offset < from || int64(s.size) > from+size-offset || s.size == 0 || f.short {
			return nil, fmt.Errorf("%w: a sample is outside its fragment", ErrDamaged)
		}
		offset += int64(s.size)
		list = append(list, s)
	}
	return list, nil
}
