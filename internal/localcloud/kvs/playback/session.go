package playback

import (
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

// Playback modes.
const (
	modeLive     = "LIVE"
	modeReplay   = "LIVE_REPLAY"
	modeOnDemand = "ON_DEMAND"
)

// session is what a session token seals. Times are milliseconds since 1970.
type session struct {
	ARN      string          `json:"a"`
	DASH     bool            `json:"d,omitempty"`
	Mode     string          `json:"m"`
	Clock    fragments.Clock `json:"c"`
	From     int64           `json:"f,omitempty"`
	To       int64           `json:"t,omitempty"`
	Max      int             `json:"n"` // fragments in a playlist
	Breaks   string          `json:"b,omitempty"`
	ShowTime bool            `json:"s,omitempty"`
	ShowName bool            `json:"x,omitempty"` // fragment numbers in a manifest
	TS       bool            `json:"p,omitempty"`
	Origin   int64           `json:"o"` // what media times count from
	Created  int64           `json:"z"`
	Expires  int64           `json:"e"`

	token string
}

// start is a fragment's start in milliseconds after the session's origin.
func (s session) start(f fragments.Fragment) int64 { return f.Start(s.Clock).UnixMilli() - s.Origin }

type sessionRequest struct {
	wire.StreamRef
	PlaybackMode                    string
	HLSFragmentSelector             *selector
	DASHFragmentSelector            *selector
	ContainerFormat                 string
	DiscontinuityMode               string
	DisplayFragmentTimestamp        string
	DisplayFragmentNumber           string
	Expires                         *int
	MaxMediaPlaylistFragmentResults *int
	MaxManifestFragmentResults      *int
}

type hlsAnswer struct{ HLSStreamingSessionURL string }

func (p *Player) openHLS(_ *http.Request, in sessionRequest) (hlsAnswer, error) {
	s, err := p.newSession(in, in.HLSFragmentSelector, in.MaxMediaPlaylistFragmentResults)
	return hlsAnswer{p.cfg.Endpoint + "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=" + s.token}, err
}

type dashAnswer struct{ DASHStreamingSessionURL string }

func (p *Player) openDASH(_ *http.Request, in sessionRequest) (dashAnswer, error) {
	in.ContainerFormat, in.DiscontinuityMode = "", ""
	s, err := p.newSession(in, in.DASHFragmentSelector, in.MaxManifestFragmentResults)
	if err != nil {
		return dashAnswer{}, err
	}
	s.DASH = true
	s.token, err = p.seal(s)
	return dashAnswer{p.cfg.Endpoint + "/dash/v1/getDASHManifest.mpd?SessionToken=" + s.token}, err
}

// newSession checks a request and that there is something to play.
func (p *Player) newSession(in sessionRequest, sel *selector, most *int) (s session, err error) {
	stream, err := p.recorded(in.StreamRef)
	if err != nil {
		return s, err
	}
	now := p.cfg.Now()
	s = session{ARN: stream.ARN, Mode: in.PlaybackMode, Created: now.UnixMilli(), ShowTime: in.DisplayFragmentTimestamp == "ALWAYS",
		ShowName: in.DisplayFragmentNumber == "ALWAYS"}
	if s.Mode == "" {
		s.Mode = modeLive
	}
	if err := s.choose(in); err != nil {
		return s, err
	}
	if err := s.bound(sel); err != nil {
		return s, err
	}
	if s.Breaks == "" {
		s.Breaks = "NEVER"
		if s.Clock == fragments.ServerTime {
			s.Breaks = "ALWAYS"
		}
	}
	if s.Max, err = number("the most fragments in a playlist", most, map[bool]int{true: 1000, false: 5}[s.Mode == modeOnDemand], 1, 5000); err != nil {
		return s, err
	}
	life, err := number("Expires", in.Expires, 300, 300, 43200)
	if err != nil {
		return s, err
	}
	s.Expires = now.Add(time.Duration(life) * time.Second).UnixMilli()
	first, err := p.first(s, now)
	if err != nil {
		return s, err
	}
	header, err := p.header(stream.ARN, first)
	if err != nil {
		return s, err
	}
	if _, err := playable(header, false); err != nil {
		return s, err
	}
	s.Origin = first.Start(s.Clock).Add(-first.Early).UnixMilli()
	s.token, err = p.seal(s)
	return s, err
}

// choose checks what is picked from a list.
func (s *session) choose(in sessionRequest) error {
	for _, c := range []struct{ name, value, allowed string }{
		{"PlaybackMode", s.Mode, "LIVE LIVE_REPLAY ON_DEMAND"},
		{"ContainerFormat", in.ContainerFormat, "FRAGMENTED_MP4 MPEG_TS"},
		{"DiscontinuityMode", in.DiscontinuityMode, "ALWAYS NEVER ON_DISCONTINUITY"},
		{"DisplayFragmentTimestamp", in.DisplayFragmentTimestamp, "ALWAYS NEVER"},
		{"DisplayFragmentNumber", in.DisplayFragmentNumber, "ALWAYS NEVER"},
	} {
		if c.value != "" && (strings.Contains(c.value, " ") || !strings.Contains(" "+c.allowed+" ", " "+c.value+" ")) {
			return wire.Invalid("%s is %q: want one of %s", c.name, c.value, c.allowed)
		}
	}
	s.TS, s.Breaks = in.ContainerFormat == "MPEG_TS", in.DiscontinuityMode
	return nil
}

// bound takes over the fragment selector.
func (s *session) bound(sel *selector) (err error) {
	if sel == nil {
		if s.Clock = fragments.ServerTime; s.Mode != modeLive {
			return wire.Invalid("%s needs a fragment selector with a TimestampRange", s.Mode)
		}
		return nil
	}
	if s.Clock, err = sel.clock(fragments.ServerTime); err != nil {
		return err
	}
	if s.Mode == modeLive {
		if sel.TimestampRange != nil {
			return wire.Invalid("LIVE takes no TimestampRange: ask for LIVE_REPLAY or ON_DEMAND")
		}
		return nil
	}
	if s.Mode == modeReplay && sel.TimestampRange != nil && sel.TimestampRange.EndTimestamp == nil && sel.TimestampRange.StartTimestamp != nil {
		s.From = sel.TimestampRange.StartTimestamp.UnixMilli()
		return nil
	}
	from, to, err := sel.bounds()
	if err != nil {
		return err
	}
	if s.Mode == modeOnDemand && to.Sub(from) > 24*time.Hour {
		return wire.Invalid("the range is longer than 24 hours")
	}
	s.From, s.To = from.UnixMilli(), to.UnixMilli()
	return nil
}

// number reads an optional number.
func number(name string, given *int, byDefault, least, most int) (int, error) {
	if given == nil {
		return byDefault, nil
	}
	if *given < least || *given > most {
		return 0, wire.Invalid("%s is %d: want %d to %d", name, *given, least, most)
	}
	return *given, nil
}

// query selects the session's fragments: those that start in its range. One that
// only reaches into it is left out, as the service's reference says.
func (s session) query(limit int) fragments.Query {
	q := fragments.Query{ARN: s.ARN, Clock: s.Clock, Limit: limit}
	if s.From != 0 {
		q.From = time.UnixMilli(s.From)
	}
	if s.To != 0 {
		q.To = time.UnixMilli(s.To)
	}
	return q
}

// recent is how old the newest fragment of a live stream may be.
const recent = 30 * time.Second

// first finds the fragment that a session begins with.
func (p *Player) first(s session, now time.Time) (fragments.Fragment, error) {
	if s.Mode != modeLive {
		found, err := p.cfg.Store.Find(s.query(1))
		if err == nil && len(found) == 0 {
			err = wire.NotFound("no fragment was found in the requested range")
		}
		if err != nil {
			return fragments.Fragment{}, err
		}
		return found[0], nil
	}
	newest, err := p.cfg.Store.Latest(s.ARN, fragments.ServerTime, 1, false)
	if err == nil && (len(newest) == 0 || now.Sub(newest[0].Server.Add(newest[0].Length)) > recent) {
		err = wire.NotFound("no fragment came in the last %s: the stream is not live", recent)
	}
	if err != nil {
		return fragments.Fragment{}, err
	}
	found, err := p.cfg.Store.Latest(s.ARN, s.Clock, s.Max, false)
	if err != nil {
		return fragments.Fragment{}, err
	}
	return found[0], nil
}
