package segment

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"porchlight/internal/media"
)

// parts reads the fragments of a GOP without the pictures.
func (x *Index) parts(r io.ReaderAt, g GOP) ([]part, error) {
	var parts []part
	for at := g.Offset; at < g.Offset+g.Size; {
		p, err := readPart(r, at, g.Offset+g.Size)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
		at += p.size
	}
	return parts, nil
}

// Read returns a GOP of the file that x is the index of, as it was recorded.
// It fails with ErrDamaged or the disk's error.
func (x *Index) Read(r io.ReaderAt, g GOP) (*media.GOP, error) {
	if g.Size > maxGOP {
		return nil, fmt.Errorf("%w: a GOP of %d bytes", ErrDamaged, g.Size)
	}
	parts, err := x.parts(r, g)
	if err != nil {
		return nil, err
	}
	data := make([]byte, g.Size)
	if _, err := r.ReadAt(data, g.Offset); err != nil {
		return nil, readError(err)
	}
	var video, audio []media.Sample
	for _, p := range parts {
		for i, s := range p.samples.video {
			at := s.offset - g.Offset
			sample, err := x.picture(data[at:at+int64(s.size)], p.samples, i)
			if err != nil {
				return nil, err
			}
			video = append(video, sample)
		}
		for i, s := range p.samples.audio {
			if x.Audio != nil {
				at := s.offset - g.Offset
				audio = append(audio, x.sound(data[at:at+int64(s.size)], p.samples, i))
			}
		}
	}
	return media.NewGOP(x.Video, x.Audio, merge(video, audio)), nil
}

func (x *Index) picture(data []byte, s samples, i int) (media.Sample, error) {
	units, err := split(data)
	if err != nil {
		return media.Sample{}, err
	}
	at := s.video[i]
	if at.key {
		sets := [][]byte{x.Video.SPS, x.Video.PPS}
		if x.Video.Codec == media.H265 {
			sets = slices.Insert(sets, 0, x.Video.VPS)
		}
		units = slices.Concat(sets, units)
	}
	shown := at.dts + int64(at.shown)
	return media.Sample{At: s.millis(s.video, i, media.H264ClockRate), Packet: &media.Packet{
		Stream: x.Video, PTS: media.Ticks(shown, media.H264ClockRate), Time: wall(s.zero + shown), Key: at.key, AU: units,
	}}, nil
}

func (x *Index) sound(data []byte, s samples, i int) media.Sample {
	pts := media.Ticks(s.audio[i].dts, int(x.rate()))
	return media.Sample{At: s.millis(s.audio, i, x.rate()), Packet: &media.Packet{
		Stream: x.Audio, PTS: pts, Time: wall(s.zero).Add(pts), AU: [][]byte{data},
	}}
}

// split parts a picture into NAL units, which stay where they are.
func split(data []byte) ([][]byte, error) {
	var units [][]byte
	for len(data) > 0 {
		if len(data) < 4 {
			return nil, fmt.Errorf("%w: a picture is cut short", ErrDamaged)
		}
		n := binary.BigEndian.Uint32(data)
		data = data[4:]
		if n == 0 || int64(n) > int64(len(data)) {
			return nil, fmt.Errorf("%w: a picture is cut short", ErrDamaged)
		}
		units = append(units, data[:n:n])
		data = data[n:]
	}
	return units, nil
}

// merge puts sound between the pictures, in the order of decoding, by when it
// was heard. The first is the keyframe.
func merge(video, audio []media.Sample) []media.Sample {
	out := make([]media.Sample, 0, len(video)+len(audio))
	for i, v := range video {
		for i > 0 && len(audio) > 0 && audio[0].At < v.At {
			out, audio = append(out, audio[0]), audio[1:]
		}
		out = append(out, v)
	}
	return append(out, audio...)
}
