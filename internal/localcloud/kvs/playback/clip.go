package playback

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
	"porchlight/internal/localcloud/kvs/wire"
)

const (
	maxClipFragments = 200
	maxClipBytes     = 100 << 20
	// maxGap is the longest pause between fragments that stays in a clip.
	maxGap = time.Second
)

type clipRequest struct {
	wire.StreamRef
	ClipFragmentSelector *selector
}

// getClip answers with an MP4 file of the fragments that start in a range.
func (p *Player) getClip(w http.ResponseWriter, r *http.Request) error {
	var in clipRequest
	if err := wire.Decode(r, &in); err != nil {
		return err
	}
	stream, err := p.recorded(in.StreamRef)
	if err != nil {
		return err
	}
	if in.ClipFragmentSelector == nil {
		return wire.Invalid("ClipFragmentSelector is missing")
	}
	clock, err := in.ClipFragmentSelector.clock("")
	if err == nil && clock == "" {
		err = wire.Invalid("FragmentSelectorType is missing")
	}
	if err != nil {
		return err
	}
	from, to, err := in.ClipFragmentSelector.bounds()
	if err != nil {
		return err
	}
	found, err := p.cfg.Store.Find(fragments.Query{ARN: stream.ARN, Clock: clock, From: from, To: to, Limit: maxClipFragments + 1})
	if err != nil {
		return err
	}
	if err := clippable(found); err != nil {
		return err
	}
	release, err := p.hold(r)
	if err != nil {
		return err
	}
	defer release()
	clip, err := p.clip(stream.ARN, clock, found)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "video/mp4")
	if err := clip.Marshal(w); err != nil {
		return p.breakOff(err)
	}
	return nil
}

// clippable holds fragments to the limits of a clip.
func clippable(found []fragments.Fragment) error {
	if len(found) == 0 {
		return wire.NotFound("no fragment was found in the requested range")
	}
	var size int64
	for _, f := range found {
		size += f.Bytes
		if f.Codec != found[0].Codec {
			return wire.Error("InvalidCodecPrivateDataException",
				"the codec changes at %s: ask for a clip before it or from it on", f.Producer.Format(time.RFC3339Nano))
		}
	}
	if len(found) > maxClipFragments || size > maxClipBytes {
		return wire.Error("ClientLimitExceededException", "the range holds more than %d fragments or %d bytes: ask for a shorter one",
			maxClipFragments, maxClipBytes)
	}
	return nil
}

// clip puts fragments one after another. What was not recorded between them is left out.
func (p *Player) clip(arn string, clock fragments.Clock, found []fragments.Fragment) (*pmp4.Presentation, error) {
	var tracks []track
	var out []*pmp4.Track
	var ends []int64                    // of what is in each track so far, in its ticks
	at := found[0].Early.Milliseconds() // where the next fragment begins
	for i, f := range found {
		header, blocks, err := p.load(arn, f)
		if err != nil {
			return nil, err
		}
		if tracks == nil {
			if tracks, err = playable(header, true); err != nil {
				return nil, err
			}
			for _, t := range tracks {
				out = append(out, &pmp4.Track{ID: int(t.Number), TimeScale: t.timescale, Codec: t.codec})
			}
			ends = make([]int64, len(tracks))
		}
		for n, t := range tracks {
			part, err := newSamples(t, blocks, at-f.Producer.UnixMilli(), f.Length)
			if err != nil {
				return nil, err
			}
			appendSamples(out[n], part, t.Type == mkv.Audio, &ends[n])
		}
		if i+1 == len(found) {
			break
		}
		if gap := found[i+1].Start(clock).Sub(f.Start(clock).Add(f.Length)); gap.Abs() <= maxGap {
			at += f.Length.Milliseconds() + gap.Milliseconds()
			continue
		}
		for n, t := range tracks { // a pause: on from where the longest track ends
			at = max(at, ends[n]*1000/int64(t.timescale)+1+found[i+1].Early.Milliseconds())
		}
	}
	out = slices.DeleteFunc(out, func(t *pmp4.Track) bool { return len(t.Samples) == 0 })
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: the fragments have no frames", mkv.ErrInvalid)
	}
	return &pmp4.Presentation{Tracks: out}, nil
}

// appendSamples continues a track. What is missing since its last sample makes
// that one longer; what overlaps with it makes it shorter, and of sound drops frames.
func appendSamples(t *pmp4.Track, part samples, sound bool, end *int64) {
	if len(part.list) == 0 {
		return
	}
	gap := part.base - *end
	for n := len(t.Samples); n > 0 && gap != 0; n = len(t.Samples) {
		last := t.Samples[n-1]
		was := int64(last.Duration)
		if sound && was+gap <= 0 && n > 1 {
			t.Samples = t.Samples[:n-1]
			*end -= was
			gap += was
			continue
		}
		last.Duration = uint32(max(was+gap, 1))
		*end += int64(last.Duration) - was
		break
	}
	if len(t.Samples) == 0 {
		t.TimeOffset = int32(gap)
		*end += gap
	}
	for _, s := range part.list {
		payload := s.Payload
		t.Samples = append(t.Samples, &pmp4.Sample{Duration: s.Duration, PTSOffset: s.PTSOffset, IsNonSyncSample: s.IsNonSyncSample,
			PayloadSize: uint32(len(payload)), GetPayload: func() ([]byte, error) { return payload, nil }})
		*end += int64(s.Duration)
	}
}
