package playback

import (
	"bytes"
	"net/http"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"

	"porchlight/internal/localcloud/kvs/wire"
)

// tsFragment answers with a fragment as an MPEG transport stream, all tracks in one.
func (p *Player) tsFragment(w http.ResponseWriter, r *http.Request, s session) error {
	release, err := p.hold(r)
	if err != nil {
		return err
	}
	defer release()
	f, err := p.asked(r, s)
	if err != nil {
		return err
	}
	header, blocks, err := p.load(s.ARN, f)
	if err != nil {
		return err
	}
	tracks, err := playable(header, false)
	if err != nil {
		return err
	}
	var frames []tsFrame
	var out []*mpegts.Track
	for _, t := range tracks {
		part, err := s.samples(t, f, blocks)
		if err != nil {
			return err
		}
		next, track := tsFrames(t, part)
		frames, out = mergeFrames(frames, next), append(out, track)
	}
	var buf bytes.Buffer
	ts := &mpegts.Writer{W: &buf, Tracks: out}
	if err := ts.Initialize(); err != nil {
		return err
	}
	for _, frame := range frames {
		if err := frame.write(ts); err != nil {
			return wire.Error("InvalidMediaFrameException", "a frame of fragment %s cannot be played: %v", f.Number, err)
		}
	}
	return sendMedia(w, "video/mp2t", buf.Bytes())
}

// tsFrame is one frame on its way into a transport stream; dts is in units of 90 kHz.
type tsFrame struct {
	dts   int64
	write func(*mpegts.Writer) error
}

// tsLead keeps decoding times above the clock reference, which runs ahead of them.
const tsLead = 90000

func tsFrames(t track, part samples) ([]tsFrame, *mpegts.Track) {
	out := &mpegts.Track{}
	var write func(pts, dts int64, key bool, payload []byte) func(*mpegts.Writer) error
	switch c := t.codec.(type) {
	case *codecs.H264:
		out.Codec = &tscodecs.H264{}
		write = func(pts, dts int64, key bool, payload []byte) func(*mpegts.Writer) error {
			return func(w *mpegts.Writer) error {
				au, err := units(payload, key, c.SPS, c.PPS)
				if err != nil {
					return err
				}
				return w.WriteH264(out, pts, dts, au)
			}
		}
	case *codecs.H265:
		out.Codec = &tscodecs.H265{}
		write = func(pts, dts int64, key bool, payload []byte) func(*mpegts.Writer) error {
			return func(w *mpegts.Writer) error {
				au, err := units(payload, key, c.VPS, c.SPS, c.PPS)
				if err != nil {
					return err
				}
				return w.WriteH265(out, pts, dts, au)
			}
		}
	case *codecs.MPEG4Audio:
		out.Codec = &tscodecs.MPEG4Audio{Config: c.Config}
		write = func(pts, _ int64, _ bool, payload []byte) func(*mpegts.Writer) error {
			return func(w *mpegts.Writer) error { return w.WriteMPEG4Audio(out, pts, [][]byte{payload}) }
		}
	}
	// Frames shown before they are decoded, by our count, make all decode earlier.
	var early int64
	for _, sample := range part.list {
		early = min(early, int64(sample.PTSOffset))
	}
	var frames []tsFrame
	at := part.base
	for _, sample := range part.list {
		scale := func(ticks int64) int64 { return ticks*90000/int64(t.timescale) + tsLead }
		dts, pts := scale(at+early), scale(at+int64(sample.PTSOffset))
		frames = append(frames, tsFrame{dts, write(pts, dts, !sample.IsNonSyncSample, sample.Payload)})
		at += int64(sample.Duration)
	}
	return frames, out
}

// units takes a frame apart, with the parameter sets before a key frame.
func units(payload []byte, key bool, parameters ...[]byte) ([][]byte, error) {
	var au h264.AVCC
	if err := au.Unmarshal(payload); err != nil {
		return nil, err
	}
	if key {
		return append(parameters, au...), nil
	}
	return au, nil
}

// mergeFrames merges by decoding time.
func mergeFrames(a, b []tsFrame) []tsFrame {
	out := make([]tsFrame, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].dts < a[0].dts {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}
