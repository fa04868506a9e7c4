package playback

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
	"porchlight/internal/localcloud/kvs/wire"
)

// asked finds the fragment a media request names by its number, or by the time
// at which a manifest says it begins.
func (p *Player) asked(r *http.Request, s session) (fragments.Fragment, error) {
	q := r.URL.Query()
	if number := q.Get("FragmentNumber"); number != "" {
		return p.cfg.Store.Get(s.ARN, number)
	}
	ms, err := strconv.ParseInt(q.Get("Time"), 10, 64)
	if err != nil || ms < 0 || ms > 1e15 {
		return fragments.Fragment{}, wire.Invalid("name the fragment with FragmentNumber or Time")
	}
	at := time.UnixMilli(s.Origin + ms)
	found, err := p.cfg.Store.Find(fragments.Query{ARN: s.ARN, Clock: s.Clock, From: at, To: at, Limit: 1})
	if err == nil && len(found) == 0 {
		err = fragments.ErrNoFragment
	}
	if err != nil {
		return fragments.Fragment{}, err
	}
	return found[0], nil
}

// choose returns the track a request names.
func choose(r *http.Request, h *mkv.Header) (track, error) {
	number, err := strconv.ParseUint(r.URL.Query().Get("TrackNumber"), 10, 16)
	if err != nil {
		return track{}, wire.Invalid("TrackNumber is missing")
	}
	t, ok := h.Track(number)
	if !ok {
		return track{}, wire.NotFound("the fragment has no track %d", number)
	}
	return newTrack(t)
}

func (p *Player) initFragment(w http.ResponseWriter, r *http.Request, s session) error {
	f, err := p.asked(r, s)
	if err != nil {
		return err
	}
	header, err := p.header(s.ARN, f)
	if err != nil {
		return err
	}
	t, err := choose(r, header)
	if err != nil {
		return err
	}
	var buf seekablebuffer.Buffer
	err = fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: int(t.Number), TimeScale: t.timescale, Codec: t.codec}}}.Marshal(&buf)
	if err != nil {
		return badPrivate(t.Track, err)
	}
	return sendMedia(w, "video/mp4", buf.Bytes())
}

func (p *Player) mediaFragment(w http.ResponseWriter, r *http.Request, s session) error {
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
	t, err := choose(r, header)
	if err != nil {
		return err
	}
	part, err := s.samples(t, f, blocks)
	if err != nil {
		return err
	}
	sequence, _ := strconv.ParseUint(r.URL.Query().Get("SequenceNumber"), 10, 32) // DASH has none: 0 is as good
	var buf seekablebuffer.Buffer
	err = fmp4.Part{SequenceNumber: uint32(sequence),
		Tracks: []*fmp4.PartTrack{{ID: int(t.Number), BaseTime: uint64(part.base), Samples: part.list}}}.Marshal(&buf)
	if err != nil {
		return err
	}
	return sendMedia(w, "video/mp4", buf.Bytes())
}

// samples times a fragment's frames by the session's clock.
func (s session) samples(t track, f fragments.Fragment, blocks []mkv.Block) (samples, error) {
	return newSamples(t, blocks, s.start(f)-f.Producer.UnixMilli(), f.Length)
}

func sendMedia(w http.ResponseWriter, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = bytes.NewReader(body).WriteTo(w) // a client that has gone needs no answer
	return nil
}
