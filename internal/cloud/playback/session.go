package playback

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	control "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
)

// Protocol of a session.
type Protocol string

// The protocols.
const (
	HLS  Protocol = "hls"
	DASH Protocol = "dash"
)

// The most fragments of a playlist. With fragments of two seconds that is close
// to three hours, of a manifest half an hour.
const (
	mostHLS  = 5000
	mostDASH = 1000
)

func (p Protocol) most() int {
	if p == DASH {
		return mostDASH
	}
	return mostHLS
}

// A session lives as long as its video, twice, within these. Its URL is good
// for whoever has it.
const (
	shortestLife = time.Hour
	longestLife  = 12 * time.Hour // the service's
)

// longestRange is the service's.
const longestRange = 24 * time.Hour

// Session is where video can be played.
type Session struct {
	Protocol Protocol
	URL      string
	Expires  time.Time
	// From and To are of what there is to play. Both are zero when it is what
	// comes in now, and To is when what comes in will be played too.
	From, To time.Time
}

// Play opens a session of what there is in a range, with its gaps left out.
// Errors are those of the package.
func (p *Player) Play(ctx context.Context, camera string, protocol Protocol, r Range) (Session, error) {
	most := protocol.most()
	found, until, err := p.find(ctx, camera, r, most)
	if err != nil {
		return Session{}, err
	}
	if len(found) > most {
		found = found[:most]
	}
	from := found[0].start
	end := last(Range{from, until})
	if furthest := from.Add(longestRange); end.After(furthest) {
		end = furthest
	}
	s, err := p.open(ctx, camera, protocol, session{
		mode: types.HLSPlaybackModeOnDemand, from: from, to: end, most: int64(most),
		life: min(max(2*r.To.Sub(r.From), shortestLife), longestLife),
	})
	if err != nil {
		return Session{}, p.explain(err, r.To)
	}
	s.From, s.To = from, found[len(found)-1].end()
	return s, nil
}

// Replay opens a session that begins at a time in the past and goes on with
// what comes in.
func (p *Player) Replay(ctx context.Context, camera string, protocol Protocol, from time.Time) (Session, error) {
	now := p.cfg.Now()
	found, _, err := p.find(ctx, camera, Range{from, now}, 0)
	if err != nil {
		return Session{}, err
	}
	s, err := p.open(ctx, camera, protocol, session{
		mode: types.HLSPlaybackModeLiveReplay, from: found[0].start, most: int64(protocol.most()), life: shortestLife,
	})
	if err != nil {
		return Session{}, p.explain(err, now)
	}
	s.From = found[0].start
	return s, nil
}

// Live opens a session of what comes in now. It fails with ErrNotYet when
// nothing has come in the last half minute.
func (p *Player) Live(ctx context.Context, camera string, protocol Protocol) (Session, error) {
	s, err := p.open(ctx, camera, protocol, session{mode: types.HLSPlaybackModeLive, life: shortestLife})
	return s, p.explain(err, p.cfg.Now())
}

// session is one to be opened.
type session struct {
	mode     types.HLSPlaybackMode
	from, to time.Time // zero where the mode takes none
	most     int64     // fragments in a playlist; the service's choice when 0
	life     time.Duration
}

func (s session) number() *int64 {
	if s.most == 0 {
		return nil
	}
	return &s.most
}

func (s session) start() *time.Time { return orNil(s.from) }
func (s session) end() *time.Time   { return orNil(s.to) }

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// open asks for a session by the camera's clock, with discontinuities marked
// and each fragment's time told.
func (p *Player) open(ctx context.Context, stream string, protocol Protocol, s session) (Session, error) {
	out := Session{Protocol: protocol, Expires: p.cfg.Now().Add(s.life)}
	var err error
	if protocol == DASH {
		out.URL, err = p.openDASH(ctx, stream, s)
	} else {
		out.URL, err = p.openHLS(ctx, stream, s)
	}
	if err != nil {
		return Session{}, fmt.Errorf("open session of %s: %w", stream, err)
	}
	return out, nil
}

func (p *Player) openHLS(ctx context.Context, stream string, s session) (string, error) {
	in := &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput{
		StreamName: &stream, PlaybackMode: s.mode, ContainerFormat: types.ContainerFormatFragmentedMp4,
		DiscontinuityMode: types.HLSDiscontinuityModeOnDiscontinuity, DisplayFragmentTimestamp: types.HLSDisplayFragmentTimestampAlways,
		Expires: aws.Int32(int32(s.life / time.Second)), MaxMediaPlaylistFragmentResults: s.number(),
		HLSFragmentSelector: &types.HLSFragmentSelector{FragmentSelectorType: types.HLSFragmentSelectorTypeProducerTimestamp},
	}
	if !s.from.IsZero() {
		in.HLSFragmentSelector.TimestampRange = &types.HLSTimestampRange{StartTimestamp: s.start(), EndTimestamp: s.end()}
	}
	out, err := ask(ctx, p, stream, control.APINameGetHlsStreamingSessionUrl, func(at func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetHLSStreamingSessionURLOutput, error) {
		return p.cfg.Media.GetHLSStreamingSessionURL(ctx, in, at)
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.HLSStreamingSessionURL), nil
}

func (p *Player) openDASH(ctx context.Context, stream string, s session) (string, error) {
	in := &kinesisvideoarchivedmedia.GetDASHStreamingSessionURLInput{
		StreamName: &stream, PlaybackMode: types.DASHPlaybackMode(s.mode), // of the same names
		DisplayFragmentTimestamp: types.DASHDisplayFragmentTimestampAlways,
		Expires:                  aws.Int32(int32(s.life / time.Second)), MaxManifestFragmentResults: s.number(),
		DASHFragmentSelector: &types.DASHFragmentSelector{FragmentSelectorType: types.DASHFragmentSelectorTypeProducerTimestamp},
	}
	if !s.from.IsZero() {
		in.DASHFragmentSelector.TimestampRange = &types.DASHTimestampRange{StartTimestamp: s.start(), EndTimestamp: s.end()}
	}
	out, err := ask(ctx, p, stream, control.APINameGetDashStreamingSessionUrl, func(at func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetDASHStreamingSessionURLOutput, error) {
		return p.cfg.Media.GetDASHStreamingSessionURL(ctx, in, at)
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.DASHStreamingSessionURL), nil
}
