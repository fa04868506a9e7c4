package live

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"porchlight/internal/media"
)

// Role is what a viewer may do.
type Role int

// The roles, each of which may do what those before it may.
const (
	Nobody  Role = iota // may not even watch
	Watcher             // watches and chooses the quality
	Member              // also speaks, moves the camera and sounds the siren
)

// Playout is the range of delays within which viewers are asked to show
// pictures, at most 40 s.
type Playout struct{ Min, Max time.Duration }

// Config is one camera's live view. Camera, Engine, Main and Log are required.
type Config struct {
	Camera string
	Engine *Engine
	Main   *media.Ring
	Sub    *media.Ring // of the camera's smaller stream, nil when there is none
	// AskKeyframe asks the camera for a keyframe, once a second at most. It
	// may take its time. Nil when the camera cannot be asked.
	AskKeyframe func(Quality)
	// Authorize says what a client may do, by the name that signaling gives.
	// Nil lets everyone that signaling lets through watch, and no more.
	Authorize func(client string) Role
	// Commands are what viewers may ask for on the data channel, by type.
	// Ping and quality are always there.
	Commands map[string]Command
	// Audio is the camera's sound as Opus or G.711, made once and shared by
	// all viewers that want it. Nil when there is none: AAC cannot be sent
	// over WebRTC.
	Audio webrtc.TrackLocal
	// MaxViewers may watch at a time; 10 when 0.
	MaxViewers int
	// ConnectWithin is how long a viewer may take to connect; 20 s when 0.
	ConnectWithin time.Duration
	// Playout asks viewers to delay pictures. When it is nil, viewers nearby
	// over a wide link are asked to show pictures as they come, and others to
	// delay them by what a keyframe takes on their link, at most 0.4 s.
	Playout *Playout
	// Left is told of each viewer that has left, with all that it came to. May
	// be nil.
	Left func(ViewerStats)
	Log  *slog.Logger
}

// Master shows one camera to its viewers. It costs nothing while there are
// none. It is safe for concurrent use.
type Master struct {
	cfg           Config
	connectWithin time.Duration
	log           *slog.Logger
	main, sub     *feed         // sub is nil when there is none
	always        chan struct{} // closed, so that it never blocks

	mu      sync.Mutex
	viewers map[*viewer]struct{}
	private bool
	closed  bool
	ctx     context.Context // ends with the master
	end     context.CancelFunc
	running sync.WaitGroup // serves and viewers
	counts  counts
}

type counts struct{ joined, refused, dropped int64 }

// NewMaster makes a camera's live view. Close ends it.
func NewMaster(cfg Config) *Master {
	cfg.MaxViewers = cmp.Or(cfg.MaxViewers, 10)
	ctx, end := context.WithCancel(context.Background())
	m := &Master{
		cfg: cfg, connectWithin: cmp.Or(cfg.ConnectWithin, 20*time.Second), log: cfg.Log.With("camera", cfg.Camera),
		viewers: make(map[*viewer]struct{}), ctx: ctx, end: end, always: make(chan struct{}),
	}
	close(m.always)
	m.main = &feed{ring: cfg.Main, quality: Main, ask: cfg.AskKeyframe, log: m.log}
	if cfg.Sub != nil {
		m.sub = &feed{ring: cfg.Sub, quality: Sub, ask: cfg.AskKeyframe, log: m.log}
	}
	return m
}

// glances says what the streams hold.
func (m *Master) glances() (main, sub glance) {
	main = look(m.main.ring)
	if m.sub != nil {
		sub = look(m.sub.ring)
	}
	return main, sub
}

// role is what a client may do.
func (m *Master) role(client string) Role {
	if m.cfg.Authorize == nil {
		return Watcher
	}
	return m.cfg.Authorize(client)
}

// mayJoin says why nobody may join right now, if so.
func (m *Master) mayJoin() *Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shut()
}

func (m *Master) shut() *Fault {
	switch {
	case m.closed:
		return faultf(CodeClosed, "live view has ended")
	case m.private:
		return faultf(CodePrivate, "the owner has switched live view off for now")
	}
	return nil
}

// admit counts a viewer in, unless there is no room.
func (m *Master) admit(v *viewer) *Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.shut(); f != nil {
		return f
	}
	if len(m.viewers) >= m.cfg.MaxViewers {
		return faultf(CodeFull, "%d viewers are watching, which is the limit; try again when one has left", len(m.viewers))
	}
	m.viewers[v] = struct{}{}
	m.running.Add(1)
	m.counts.joined++
	return nil
}

// dismiss counts a viewer out.
func (m *Master) dismiss(v *viewer, why *Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.viewers, v)
	if why.Code != CodeEnded {
		m.counts.dropped++
	}
	m.running.Done()
}

// SetPrivate drops all viewers at once and lets none in until it is called
// with false: for an owner who wants not to be seen.
func (m *Master) SetPrivate(private bool) {
	m.mu.Lock()
	m.private = private
	f := m.shut()
	viewers := m.present()
	m.mu.Unlock()
	if f == nil {
		return
	}
	for _, v := range viewers {
		v.end(f)
	}
}

// present is called with mu held.
func (m *Master) present() []*viewer {
	viewers := make([]*viewer, 0, len(m.viewers))
	for v := range m.viewers {
		viewers = append(viewers, v)
	}
	return viewers
}

// Close drops all viewers, ends every Serve and waits until nothing of the
// master runs any more.
func (m *Master) Close() {
	m.mu.Lock()
	m.closed = true
	viewers := m.present()
	m.mu.Unlock()
	for _, v := range viewers {
		v.end(faultf(CodeClosed, "live view has ended"))
	}
	m.end()
	m.running.Wait()
	m.main.wait()
	if m.sub != nil {
		m.sub.wait()
	}
}

// Stats is the live view of one camera at a moment.
type Stats struct {
	Viewers []ViewerStats // oldest first
	Joined  int64         // viewers that were let in so far
	Refused int64         // offers that were not
	Dropped int64         // viewers that ended otherwise than by leaving
}

// Stats returns what is going on now.
func (m *Master) Stats() Stats {
	m.mu.Lock()
	viewers := m.present()
	s := Stats{Joined: m.counts.joined, Refused: m.counts.refused, Dropped: m.counts.dropped}
	m.mu.Unlock()
	for _, v := range viewers {
		s.Viewers = append(s.Viewers, v.stats.stats())
	}
	slices.SortFunc(s.Viewers, func(a, b ViewerStats) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Client, b.Client))
	})
	return s
}

func (m *Master) refused() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.refused++
}
