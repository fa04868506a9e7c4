package playback

import (
	"log/slog"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

const (
	// maxHeavy bounds the requests that hold media in memory at one time.
	maxHeavy = 4
	// DefaultMediaIdle is how long GetMedia waits for a fragment: longer than any lasts.
	DefaultMediaIdle = 30 * time.Second
)

// Config wires the player. Store, Endpoint and Logger must be given.
type Config struct {
	Store     *fragments.Store
	Endpoint  string        // base URL of session URLs
	FFmpeg    string        // program that makes images; found in PATH when empty
	MediaIdle time.Duration // DefaultMediaIdle when 0
	Now       func() time.Time
	Logger    *slog.Logger
}

// Player answers what is asked of recordings.
type Player struct {
	cfg      Config
	secret   []byte
	heavy    chan struct{}
	stopping chan struct{}
	stop     sync.Once
	sessions *http.ServeMux

	mu    sync.Mutex
	lives map[string]*live // by session token
	reads map[string]int   // open GetMedia requests by stream ARN
}

// New returns a player.
func New(cfg Config) (*Player, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MediaIdle == 0 {
		cfg.MediaIdle = DefaultMediaIdle
	}
	if cfg.FFmpeg == "" {
		cfg.FFmpeg = "ffmpeg"
	}
	secret, err := cfg.Store.Secret("sessions")
	if err != nil {
		return nil, err
	}
	p := &Player{cfg: cfg, secret: secret, heavy: make(chan struct{}, maxHeavy), stopping: make(chan struct{}),
		lives: map[string]*live{}, reads: map[string]int{}}
	p.sessions = http.NewServeMux()
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request, session) error{
		"/hls/v1/getHLSMasterPlaylist.m3u8": p.hlsMaster,
		"/hls/v1/getHLSMediaPlaylist.m3u8":  p.hlsMedia,
		"/hls/v1/getMP4InitFragment.mp4":    p.initFragment,
		"/hls/v1/getMP4MediaFragment.mp4":   p.mediaFragment,
		"/hls/v1/getTSFragment.ts":          p.tsFragment,
		"/dash/v1/getDASHManifest.mpd":      p.dashManifest,
		"/dash/v1/getMP4InitFragment.mp4":   p.initFragment,
		"/dash/v1/getMP4MediaFragment.mp4":  p.mediaFragment,
	} {
		p.sessions.Handle("GET "+path, p.inSession(serve))
	}
	return p, nil
}

// HasFFmpeg tells whether images can be made.
func (p *Player) HasFFmpeg() bool {
	_, err := exec.LookPath(p.cfg.FFmpeg)
	return err == nil
}

// Stop ends all GetMedia requests.
func (p *Player) Stop() { p.stop.Do(func() { close(p.stopping) }) }

// ServeHTTP answers requests of streaming sessions.
func (p *Player) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.sessions.ServeHTTP(w, r) }

// Operations are the signed operations by path.
func (p *Player) Operations() map[string]http.Handler {
	log := p.cfg.Logger
	return map[string]http.Handler{
		"/listFragments":              wire.Handler(log, p.listFragments),
		"/getHLSStreamingSessionURL":  wire.Handler(log, p.openHLS),
		"/getDASHStreamingSessionURL": wire.Handler(log, p.openDASH),
		"/getImages":                  wire.Handler(log, p.getImages),
		"/getClip":                    p.failing(p.getClip),
		"/getMediaForFragmentList":    p.failing(p.getMediaForFragmentList),
		"/getMedia":                   p.failing(p.getMedia),
	}
}

// failing answers with the error of a handler that writes its own answer.
func (p *Player) failing(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			wire.Fail(w, p.cfg.Logger, err)
		}
	})
}

// hold waits for a place among the requests that take memory.
func (p *Player) hold(r *http.Request) (release func(), err error) {
	select {
	case p.heavy <- struct{}{}:
		return func() { <-p.heavy }, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// timeRange is how all operations bound a selection.
type timeRange struct{ StartTimestamp, EndTimestamp *wire.Time }

// selector is how all operations select fragments.
type selector struct {
	FragmentSelectorType string
	TimestampRange       *timeRange
}

// clock checks the selector's type; an empty one is the default given.
func (s selector) clock(byDefault fragments.Clock) (fragments.Clock, error) {
	switch c := fragments.Clock(s.FragmentSelectorType); c {
	case "":
		return byDefault, nil
	case fragments.ProducerTime, fragments.ServerTime:
		return c, nil
	}
	return "", wire.Invalid("FragmentSelectorType is %q: want PRODUCER_TIMESTAMP or SERVER_TIMESTAMP", s.FragmentSelectorType)
}

// bounds returns the range; both ends are there when err is nil.
func (s selector) bounds() (from, to time.Time, err error) {
	if s.TimestampRange == nil || s.TimestampRange.StartTimestamp == nil || s.TimestampRange.EndTimestamp == nil {
		return from, to, wire.Invalid("TimestampRange needs StartTimestamp and EndTimestamp")
	}
	from, to = s.TimestampRange.StartTimestamp.Time, s.TimestampRange.EndTimestamp.Time
	if !to.After(from) {
		return from, to, wire.Invalid("EndTimestamp must be after StartTimestamp")
	}
	return from, to, nil
}

var errNoRetention = wire.Error("NoDataRetentionException", "the stream keeps no data: raise its retention with UpdateDataRetention")

// recorded finds a stream that keeps data.
func (p *Player) recorded(ref wire.StreamRef) (fragments.Stream, error) {
	stream, err := ref.Find(p.cfg.Store)
	if err == nil && stream.RetentionHours == 0 {
		err = errNoRetention
	}
	return stream, err
}
