package segment

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"porchlight/internal/media"
)

// Scan reads what a file of size bytes holds, without the pictures. It stops
// before the first fragment that is not whole. It fails with ErrDamaged, when
// there is not even a header, or the disk's error.
func Scan(r io.ReaderAt, size int64) (Index, error) {
	index, err := scanHeader(r, size)
	if err != nil {
		return Index{}, err
	}
	for index.Size < size {
		p, err := readPart(r, index.Size, size)
		if isDamage(err) {
			break
		}
		if err != nil {
			return Index{}, err
		}
		index.add(p)
	}
	return index, nil
}

func scanHeader(r io.ReaderAt, size int64) (Index, error) {
	end := int64(0)
	for _, kind := range []string{"ftyp", "moov"} {
		b, err := readBox(r, end, min(size, maxHeader))
		if err != nil {
			return Index{}, err
		}
		if b.kind != kind {
			return Index{}, fmt.Errorf("%w: it begins with %q", ErrDamaged, b.kind)
		}
		end += b.size
	}
	data := make([]byte, end)
	if _, err := r.ReadAt(data, 0); err != nil {
		return Index{}, readError(err)
	}
	var init fmp4.Init
	if err := init.Unmarshal(bytes.NewReader(data)); err != nil {
		return Index{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	index := Index{Size: end}
	for _, t := range init.Tracks {
		var err error
		switch c := t.Codec.(type) {
		case *codecs.H264:
			index.Video, err = streamOf(media.NewH264Packetizer(c.SPS, c.PPS), []byte{5})
		case *codecs.H265:
			index.Video, err = streamOf(media.NewH265Packetizer(c.VPS, c.SPS, c.PPS), []byte{19 << 1, 1})
		case *codecs.MPEG4Audio:
			var config []byte
			if config, err = c.Config.Marshal(); err == nil {
				index.Audio, err = media.NewAACStream(config)
			}
		}
		if err != nil {
			return Index{}, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	if index.Video == nil {
		return Index{}, fmt.Errorf("%w: it has no video", ErrDamaged)
	}
	return index, nil
}

type packetizer interface {
	Packet(au [][]byte, pts time.Duration, at time.Time) (*media.Packet, error)
}

// streamOf returns the stream of a packetizer that knows its parameter sets,
// which it makes with the first keyframe.
func streamOf(p packetizer, keyframe []byte) (*media.Stream, error) {
	key, err := p.Packet([][]byte{keyframe}, 0, time.Time{})
	if err != nil {
		return nil, err
	}
	return key.Stream, nil
}

// add takes in the fragment that comes next.
func (x *Index) add(p part) {
	first, last := p.samples.times(x.rate())
	if p.samples.video[0].key || len(x.GOPs) == 0 {
		x.GOPs = append(x.GOPs, GOP{Start: first, End: first, Offset: p.offset})
	}
	g := &x.GOPs[len(x.GOPs)-1]
	g.Size += p.size
	g.End = max(g.End, last)
	x.Size = p.offset + p.size
}

func (x *Index) rate() int64 {
	if x.Audio == nil {
		return media.H264ClockRate
	}
	return int64(x.Audio.SampleRate)
}
