package playback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
	"porchlight/internal/localcloud/kvs/wire"
)

const maxBlock = 50 << 20

// load reads a stored fragment; the blocks' data stays valid.
func (p *Player) load(arn string, f fragments.Fragment) (*mkv.Header, []mkv.Block, error) {
	file, err := p.cfg.Store.Open(arn, f)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	header, blocks, err := readFragment(file)
	if err != nil {
		err = fmt.Errorf("fragment %s: %w", f.Number, err)
	}
	return header, blocks, err
}

func readFragment(in io.Reader) (header *mkv.Header, blocks []mkv.Block, err error) {
	r := mkv.NewReader(in, maxBlock)
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return header, blocks, nil
		case err != nil:
			return nil, nil, err
		case e.Kind == mkv.Tracks:
			header = e.Header
		case e.Kind == mkv.BlockRead:
			e.Block.Data = bytes.Clone(e.Block.Data)
			blocks = append(blocks, e.Block)
		}
	}
}

// header reads what a fragment says of its tracks.
func (p *Player) header(arn string, f fragments.Fragment) (*mkv.Header, error) {
	file, err := p.cfg.Store.Open(arn, f)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for r := mkv.NewReader(file, maxBlock); ; {
		e, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("fragment %s: %w", f.Number, err)
		}
		if e.Kind == mkv.Tracks {
			return e.Header, nil
		}
	}
}

// samples are the frames of one track in one fragment, ready for MP4.
type samples struct {
	base int64 // decoding time of the first, in ticks of the track after the origin
	list []*fmp4.Sample
}

// newSamples times the frames of a track. shift is added to timecodes, which
// are milliseconds; the fragment plays for length.
func newSamples(t track, blocks []mkv.Block, shift int64, length time.Duration) (samples, error) {
	var out samples
	var pts []int64
	for _, b := range blocks {
		if b.Track != t.Number {
			continue
		}
		if t.Type == mkv.Video && len(pts) == 0 && !lengthPrefixed(b.Data) {
			return out, wire.Error("InvalidMediaFrameException", "frames of track %d are not NAL units with lengths of 4 bytes: the producer must not send Annex B", t.Number)
		}
		data := b.Data
		if t.decode != nil {
			data = t.decode(data)
		}
		pts = append(pts, (b.Timecode+shift)*int64(t.timescale)/1000)
		out.list = append(out.list, &fmp4.Sample{Payload: data, IsNonSyncSample: t.Type == mkv.Video && !b.Key})
	}
	if len(pts) == 0 {
		return out, nil
	}
	switch c := t.codec.(type) {
	case *codecs.LPCM:
		out.audio(pts, func(payload []byte) int64 { return int64(len(payload) / 2 / c.ChannelCount) })
	case *codecs.MPEG4Audio:
		out.audio(pts, func([]byte) int64 { return t.frame })
	default:
		out.video(pts, length.Milliseconds()*int64(t.timescale)/1000)
	}
	if out.base < 0 {
		out.base = 0 // what is asked for lies before the session's range
	}
	return out, nil
}

// video decodes frames in the order they came, at the times they are shown in
// order: where frames are reordered, they are shown earlier or later than that.
func (s *samples) video(pts []int64, length int64) {
	dts := slices.Sorted(slices.Values(pts))
	s.base = dts[0]
	for i, sample := range s.list {
		sample.PTSOffset = int32(pts[i] - dts[i])
		if i+1 < len(dts) {
			sample.Duration = uint32(dts[i+1] - dts[i])
		} else if end := s.base + length; end > dts[i] {
			sample.Duration = uint32(end - dts[i])
		}
	}
}

// audio gives each frame its exact length: timecodes are rounded to
// milliseconds. Only a gap of more than a frame is believed.
func (s *samples) audio(pts []int64, length func(payload []byte) int64) {
	s.base = pts[0]
	at := s.base
	for i, sample := range s.list {
		frame := length(sample.Payload)
		duration := frame
		if i+1 < len(pts) && pts[i+1]-(at+frame) > frame {
			duration = pts[i+1] - at
		}
		sample.Duration = uint32(duration)
		at += duration
	}
}

// lengthPrefixed tells frames whose NAL units have lengths of 4 bytes from those with start codes.
func lengthPrefixed(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		size := uint64(binary.BigEndian.Uint32(b))
		if size == 0 || size > uint64(len(b)-4) {
			return false
		}
		b = b[4+size:]
	}
	return true
}
