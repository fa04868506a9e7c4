// Package simulator is an ONVIF camera made of settings, for tests and demos:
// it answers WS-Discovery and the device, media and PTZ services over HTTP,
// checks who signs in, and keeps what it was asked to do. Its streams are
// whatever RTSP addresses it is given.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ErrConfig says that the simulator is configured wrongly.
var ErrConfig = errors.New("ONVIF simulator is configured wrongly")

// Config describes a simulated camera. Only Log is required.
type Config struct {
	Name, Location                        string
	Manufacturer, Model, Firmware, Serial string
	Profiles                              []Profile

	User, Password string        // asked for when User is set
	HTTPDigest     bool          // asks for HTTP Digest in place of a UsernameToken
	ClockAhead     time.Duration // of this machine's clock; a sign-in counts for minutes around it
	TellsClock     time.Duration // and what it tells more than that
	Media2         bool          // has the second media service
	OldServices    bool          // knows GetCapabilities, but not GetServices
	Speaker        bool          // has an audio output
	Host           string        // that its addresses name; empty: its own

	// Interface on which it hears probes sent to Group; none when Group is
	// empty. With port 0 it chooses one: see Group.
	Interface, Group string

	// Answer, if set, changes what is sent for an operation; for discovery it
	// is named "Probe".
	Answer func(operation string, body []byte) []byte

	Log *slog.Logger
}

// Profile is one stream. Stream is its RTSP address.
type Profile struct {
	Token, Name, Source, Codec, Audio, Stream string
	Width, Height, FPS, Kbps                  int
	PTZ                                       bool
}

// Move is a movement that was asked for.
type Move struct {
	Profile         string
	Pan, Tilt, Zoom float64
	Timeout         string // as it came: PT1.5S
	Stop            bool   // or its end
}

// Camera is a running simulated camera.
type Camera struct {
	cfg      Config
	http     *http.Server
	listener net.Listener
	probes   *net.UDPConn // nil without discovery
	running  sync.WaitGroup

	mu        sync.Mutex
	calls     []string // operations, in order
	keyframes []string // profiles
	moves     []Move
	nonces    map[string]bool // that were used to sign in
}

// New starts a camera on 127.0.0.1, which runs until Close.
func New(ctx context.Context, cfg Config) (*Camera, error) {
	if cfg.Log == nil {
		return nil, fmt.Errorf("%w: it needs a logger", ErrConfig)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("ONVIF simulator: %w", err)
	}
	c := &Camera{cfg: cfg, listener: l, nonces: map[string]bool{}}
	if cfg.Group != "" {
		if err := c.hear(); err != nil {
			l.Close()
			return nil, fmt.Errorf("ONVIF simulator: discovery: %w", err)
		}
		c.running.Go(c.answerProbes)
	}
	c.http = &http.Server{Handler: http.HandlerFunc(c.serve), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)}
	c.running.Go(func() { _ = c.http.Serve(l) })
	return c, nil
}

// Host is the host:port of the camera's services.
func (c *Camera) Host() string { return c.listener.Addr().String() }

// Address is the URL of the camera's device service.
func (c *Camera) Address() string { return "http://" + c.Host() + devicePath }

// Calls are the operations it was asked for so far, in order.
func (c *Camera) Calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Keyframes are the profiles of which a keyframe was asked for, in order.
func (c *Camera) Keyframes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.keyframes)
}

// Moves are the movements that were asked for, in order.
func (c *Camera) Moves() []Move {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.moves)
}

// Close ends the camera.
func (c *Camera) Close() {
	_ = c.http.Close()
	if c.probes != nil {
		_ = c.probes.Close()
	}
	c.running.Wait()
}
