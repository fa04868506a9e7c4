// Package page is the camera component's own page on the local network: the
// pictures of each camera with all that its pipeline saw drawn in, and what
// each stage took, for tuning masks and zones and for finding faults; and what
// is recorded, so that it can be seen without the cloud.
//
// Who knows the token sees the home, and the page speaks plain HTTP: it belongs
// on a network that is trusted, or behind a proxy that adds TLS. Nothing is
// drawn or encoded while nobody watches.
package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/annotate"
	"porchlight/internal/config"
	"porchlight/internal/pipeline"
	"porchlight/internal/recording"
)

// ErrListen says that the page cannot be served where the configuration says.
var ErrListen = errors.New("the local page cannot be served")

// The bounds of the server.
const (
	mostViewers     = 8 // of all cameras together
	mostConnections = 64
	headerTime      = 5 * time.Second
	answerTime      = 10 * time.Second // also for one picture of a stream
	idleTime        = time.Minute
	farewellTime    = 2 * time.Second
	mostClips       = 4 // that are cut or sent at a time; more wait
)

// Page serves the cameras that have been added. It is safe for concurrent use.
type Page struct {
	cfg        config.Page
	recordings Recordings // nil: there are none
	clips      chan struct{}
	clipWait   time.Duration // as the constant
	log        *slog.Logger
	gate       *gate
	viewers    atomic.Int32

	mu      sync.Mutex
	cameras []*camera // by id
}

// New returns the page. With an empty cfg.Listen it is off. Without
// recordings, nil, it shows none.
func New(cfg config.Page, recordings Recordings, log *slog.Logger) *Page {
	if library, is := recordings.(*recording.Library); is && library == nil {
		recordings = nil // one that could not be opened
	}
	return &Page{
		cfg: cfg, recordings: recordings, clips: make(chan struct{}, mostClips), clipWait: clipWait, log: log, gate: newGate(cfg.Token, log),
	}
}

// Camera adds a camera and returns what is to be called with each of its
// views, from one goroutine at a time: quick, and never waiting for a viewer.
// The settings are for drawing zones and masks. It returns nil when the page
// is off.
func (p *Page) Camera(id string, settings config.Camera) func(*pipeline.View) {
	if p.cfg.Listen == "" {
		return nil
	}
	c := &camera{id: id, annotator: annotate.New(settings), gone: make(chan struct{}), streams: map[*stream]bool{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cameras = append(p.cameras, c)
	slices.SortFunc(p.cameras, func(a, b *camera) int { return compare(a.id, b.id) })
	return c.view
}

// Remove takes a camera away, and ends the streams of its pictures.
func (p *Page) Remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cameras = slices.DeleteFunc(p.cameras, func(c *camera) bool {
		if c.id == id {
			close(c.gone)
		}
		return c.id == id
	})
}

func (p *Page) all() []*camera {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.cameras)
}

func (p *Page) find(id string) *camera {
	for _, c := range p.all() {
		if c.id == id {
			return c
		}
	}
	return nil
}

// Run serves the page until ctx ends, and then closes all streams. When the
// page is off it returns at once. An error, which wraps ErrListen, is no reason
// to end the component.
func (p *Page) Run(ctx context.Context) error {
	if p.cfg.Listen == "" {
		return nil
	}
	handler, err := p.handler()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.cfg.Listen)
	if err != nil {
		return fmt.Errorf("%w: %w: choose another address or port in page.listen", ErrListen, err)
	}
	return p.serve(ctx, listener, handler)
}

func (p *Page) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends the streams
		ErrorLog:    slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	p.log.Info("local page", "address", "http://"+listener.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(newLimited(listener, mostConnections)) }()
	select {
	case err := <-served:
		return fmt.Errorf("%w: %w", ErrListen, err)
	case <-ctx.Done():
	}
	farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
	defer cancel()
	if err := server.Shutdown(farewell); err != nil {
		_ = server.Close() // who does not go is cut off
	}
	<-served
	return nil
}
