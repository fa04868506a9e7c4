package signaling

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxUnread bounds the messages that wait to be received.
const maxUnread = 256

// Config describes one client. Those below Log have defaults.
type Config struct {
	Channel     string // name
	Region      string
	Directory   Directory
	Credentials aws.CredentialsProvider // asked before every connection; Invalidate is called if it has that
	Log         *slog.Logger

	ClientID string // of a viewer, which keeps it when it connects again; made up when empty
	TLS      *tls.Config
	Timing   Timing
	Rates    Rates
}

// State says how a client is.
type State string

// States of a client.
const (
	Stopped    State = "stopped"
	Connecting State = "connecting"
	Connected  State = "connected"
	StandingBy State = "standing by" // another has taken its place
)

// Stats counts what a client has done.
type Stats struct {
	State     State
	Since     time.Time // of the state
	Fault     error     // why it is not connected; nil while it is, or before it has tried
	Connects  int64     // connections that came about
	Replaced  int64     // times that another took this client's place
	Lost      int64     // connections that ended unforeseen
	Received  int64     // messages
	Sent      int64     // messages
	Discarded int64     // messages of the service that could not be read or that nobody received
}

// Client is a master or a viewer of one channel. Its methods may be called
// from any goroutine; Run does the work.
type Client struct {
	cfg    Config
	role   Role
	timing Timing
	log    *slog.Logger
	tls    *tls.Config
	http   *http.Client

	ice      *iceCache
	renewICE chan struct{}
	sdp      *pace
	paths    *pace // of candidates
	in       chan Message

	mu      sync.Mutex
	inbox   *inbox
	current *conn         // that messages can be sent on; nil when there is none
	changed chan struct{} // closed when current changes
	stats   Stats
}

// NewMaster returns the client of a camera.
func NewMaster(cfg Config) *Client {
	cfg.ClientID = ""
	return newClient(cfg, Master)
}

// NewViewer returns the client of someone who watches.
func NewViewer(cfg Config) *Client {
	if cfg.ClientID == "" {
		var random [8]byte
		_, _ = rand.Read(random[:]) // crypto/rand.Read never fails
		cfg.ClientID = "viewer-" + hex.EncodeToString(random[:])
	}
	return newClient(cfg, Viewer)
}

func newClient(cfg Config, role Role) *Client {
	rates := cfg.Rates.withDefaults()
	c := &Client{
		cfg: cfg, role: role, timing: cfg.Timing.withDefaults(),
		log:      cfg.Log.With("channel", cfg.Channel, "role", string(role)),
		tls:      cfg.TLS,
		ice:      newICECache(),
		renewICE: make(chan struct{}, 1),
		sdp:      &pace{rate: rates.SDP},
		paths:    &pace{rate: rates.Candidate},
		in:       make(chan Message, maxUnread),
		inbox:    newInbox(),
		changed:  make(chan struct{}),
		stats:    Stats{State: Stopped, Since: time.Now()},
	}
	if c.tls == nil {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.tls = c.tls.Clone()
	c.tls.NextProtos = []string{"http/1.1"} // WebSocket has no other
	if c.tls.ClientSessionCache == nil {
		c.tls.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	// One request every few minutes is not worth a connection kept open.
	c.http = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.tls, DisableKeepAlives: true}}
	return c
}

// ClientID is the viewer's id; empty for a master.
func (c *Client) ClientID() string { return c.cfg.ClientID }

// Stats returns how the client is.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Receive waits for the next message. Candidates come after the offer or
// answer that they belong to. It fails when ctx ends, and never because a
// connection does.
func (c *Client) Receive(ctx context.Context) (Message, error) {
	select {
	case m := <-c.in:
		return m, nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}

// Send hands a message to the service, waiting for a connection if there is
// none. That it returns without an error does not mean that it has arrived:
// the service says nothing about that. It fails with ErrMessage,
// ErrNotConnected or when ctx ends.
func (c *Client) Send(ctx context.Context, m Message) error {
	raw, err := encode(m, c.role)
	if err != nil {
		return err
	}
	p := c.sdp
	if m.Kind == Candidate {
		p = c.paths
	}
	if err := p.wait(ctx); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, c.timing.Send)
	defer cancel()
	for {
		on, err := c.connection(waiting)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: a message could not be sent within %s", ErrNotConnected, c.timing.Send)
		}
		if on.write(raw) == nil {
			c.count(func(s *Stats) { s.Sent++ })
			return nil
		}
		c.drop(on)
	}
}

// connection waits for one to send on.
func (c *Client) connection(ctx context.Context) (*conn, error) {
	for {
		c.mu.Lock()
		current, changed := c.current, c.changed
		c.mu.Unlock()
		if current != nil {
			return current, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// use makes a connection the one to send on.
func (c *Client) use(on *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = on
	c.announce()
}

// drop takes a connection out of use.
func (c *Client) drop(on *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == on {
		c.current = nil
		c.announce()
	}
}

// announce is called with mu held.
func (c *Client) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) count(do func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(&c.stats)
}

func (c *Client) state(s State) {
	c.count(func(stats *Stats) {
		if stats.State != s {
			stats.State, stats.Since = s, time.Now()
		}
		if s == Connected {
			stats.Fault = nil
		}
	})
}

// take puts a message of the service where it belongs.
func (c *Client) take(m Message) {
	switch m.Kind {
	case RenewICE:
		c.ice.forget()
		select {
		case c.renewICE <- struct{}{}:
		default:
		}
	case Refused:
		c.log.Warn("a signaling message was not taken", "reason", m.Reason)
	}
	c.mu.Lock()
	ready := c.inbox.add(m, time.Now())
	c.stats.Received++
	c.mu.Unlock()
	for _, m := range ready {
		select {
		case c.in <- m:
		default:
			c.count(func(s *Stats) { s.Discarded++ })
			c.log.Warn("a signaling message is discarded: nobody takes them", "kind", m.Kind)
		}
	}
}
