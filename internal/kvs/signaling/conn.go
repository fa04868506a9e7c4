package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"porchlight/internal/backoff"
)

const writeTimeout = 10 * time.Second

// conn is one connection to the service.
type conn struct {
	ws     *websocket.Conn
	began  time.Time
	active atomic.Int64 // when a message last passed, Unix nanoseconds
	away   chan struct{}
	gone   chan struct{} // closed when nothing more is read
	err    error         // why, once gone

	writing sync.Mutex
}

// dial connects. It fails with ErrRefused when the service says no.
func (c *Client) dial(ctx context.Context, renew bool) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*c.timing.Handshake) // for all of its steps
	defer cancel()
	at, err := c.cfg.Directory.Endpoints(ctx, c.cfg.Channel, c.role, renew)
	if err != nil {
		return nil, err
	}
	creds, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: credentials: %w", ErrConnection, err)
	}
	address, err := Presign(ctx, at, c.cfg.ClientID, c.cfg.Region, creds, time.Now())
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.tls, HandshakeTimeout: c.timing.Handshake}
	ws, resp, err := dialer.DialContext(ctx, address, http.Header{"User-Agent": {"porchlight"}})
	if resp != nil {
		defer resp.Body.Close() // a few bytes that are there already
	}
	if errors.Is(err, websocket.ErrBadHandshake) && resp != nil {
		return nil, rejection(resp, "connecting")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: connecting: %w", ErrConnection, err)
	}
	on := &conn{ws: ws, began: time.Now(), away: make(chan struct{}, 1), gone: make(chan struct{})}
	on.active.Store(on.began.UnixNano())
	return on, nil
}

// refusal is an answer of the service that is a no.
type refusal struct {
	error
	status int
	kind   string
}

func (r *refusal) Unwrap() error { return r.error }

// rejection reads why a request was refused.
func rejection(resp *http.Response, doing string) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxReason))
	kind := resp.Header.Get("x-amzn-ErrorType")
	if kind == "" {
		kind = resp.Header.Get("x-amz-ErrorType")
	}
	kind, _, _ = strings.Cut(kind, ":") // a URL may follow
	text := fmt.Sprintf("%s: %d %s %s", doing, resp.StatusCode, kind, strings.TrimSpace(string(body)))
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		text += "; the role needs kinesisvideo:ConnectAsMaster or ConnectAsViewer and GetIceServerConfig on this channel, and this machine's clock must be right"
	}
	return &refusal{fmt.Errorf("%w: %s", ErrRefused, text), resp.StatusCode, kind}
}

// write sends one message.
func (on *conn) write(raw []byte) error {
	on.writing.Lock()
	defer on.writing.Unlock()
	err := on.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		err = on.ws.WriteMessage(websocket.TextMessage, raw)
	}
	if err != nil {
		_ = on.ws.Close() // half a message may be on its way
		return err
	}
	on.active.Store(time.Now().UnixNano())
	return nil
}

// read takes messages in until the connection ends.
func (c *Client) read(on *conn) {
	defer close(on.gone)
	on.ws.SetReadLimit(maxFrame)
	alive := func() error { return on.ws.SetReadDeadline(time.Now().Add(c.timing.Silence)) }
	on.ws.SetPongHandler(func(string) error { return alive() })
	for {
		if on.err = alive(); on.err != nil {
			return
		}
		_, raw, err := on.ws.ReadMessage()
		if err != nil {
			on.err = err
			return
		}
		if len(raw) == 0 {
			continue // which the service sends now and then
		}
		on.active.Store(time.Now().UnixNano())
		m, err := parse(raw)
		switch {
		case err != nil:
			c.count(func(s *Stats) { s.Discarded++ })
			c.log.Debug("a message of the signaling service is not understood", "error", err, "bytes", len(raw))
		case m.Kind == goAway:
			select {
			case on.away <- struct{}{}:
			default:
			}
		default:
			c.take(m)
		}
	}
}

// errPlanned ends a connection that is to be replaced at once.
var errPlanned = errors.New("planned")

// attend keeps a connection until it ends and says why: errPlanned, the end of
// ctx, ErrReplaced or ErrConnection.
func (c *Client) attend(ctx context.Context, on *conn) error {
	var reading sync.WaitGroup
	reading.Go(func() { c.read(on) })
	defer func() {
		_ = on.ws.Close()
		reading.Wait()
	}()
	c.use(on)
	defer c.drop(on)
	ping := time.NewTicker(c.timing.Ping)
	defer ping.Stop()
	life := time.NewTimer(c.timing.Life - backoff.Jitter(c.timing.Life/10)/2)
	defer life.Stop()
	idle := time.NewTimer(c.timing.Idle)
	defer idle.Stop()
	for {
		select {
		case <-on.gone:
			return on.reason()
		case <-ctx.Done():
			c.part(on)
			return ctx.Err()
		case <-life.C:
			c.part(on)
			return errPlanned
		case <-on.away:
			c.part(on)
			return errPlanned
		case <-idle.C:
			left := c.timing.Idle - time.Since(time.Unix(0, on.active.Load()))
			if left <= 0 {
				c.part(on)
				return errPlanned
			}
			idle.Reset(left)
		case <-ping.C:
			_ = on.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.timing.Ping)) // what fails here, fails there too
		}
	}
}

// part ends a connection in order: nothing new is sent, and what the service
// has sent is still taken in.
func (c *Client) part(on *conn) {
	c.drop(on)
	deadline := time.Now().Add(c.timing.Close)
	_ = on.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), deadline)
	timer := time.NewTimer(c.timing.Close)
	defer timer.Stop()
	select {
	case <-on.gone:
	case <-timer.C:
	}
}

// reason says why a connection ended that nobody here has ended. A service
// that goes away says so; one that ends a sound connection has given its place
// to another.
func (on *conn) reason() error {
	var closed *websocket.CloseError
	if !errors.As(on.err, &closed) {
		return fmt.Errorf("%w: %w", ErrConnection, on.err)
	}
	if closed.Code == websocket.CloseNormalClosure || closed.Code >= 4000 {
		return fmt.Errorf("%w: %w", ErrReplaced, on.err)
	}
	return fmt.Errorf("%w: %w", ErrConnection, on.err)
}
