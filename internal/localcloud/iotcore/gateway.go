package iotcore

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// maxWebSocketLife is how long AWS keeps one connection over WebSocket.
const maxWebSocketLife = 24 * time.Hour

// gateway feeds the broker connections that come over WebSocket. Who may come
// in is decided by the signature of the request (AWS Signature Version 4), as
// described in "Device communication protocols" of the developer guide.
type gateway struct {
	core     *Core
	inner    net.Listener
	server   *http.Server
	upgrader websocket.Upgrader
	ctx      context.Context //nolint:containedctx // the listener's own life, ended by Close
	cancel   context.CancelFunc

	mu    sync.Mutex
	conns map[*wsConn]struct{}
	wg    sync.WaitGroup

	establish listeners.EstablishFn
}

var _ listeners.Listener = (*gateway)(nil)

func newGateway(c *Core, inner net.Listener, certificate tls.Certificate) *gateway {
	g := &gateway{core: c, inner: &bounded{Listener: inner, room: make(chan struct{}, maxConnections)}, conns: map[*wsConn]struct{}{}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.upgrader = websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		Subprotocols:     []string{"mqtt"},
		// The signature stands in the address: there is nothing that a browser
		// would add by itself to what a foreign page sends.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /mqtt", g.open)
	g.server = &http.Server{
		Handler:           mux,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
		ReadHeaderTimeout: handshakeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(c.log.With("server", "mqtt over websocket").Handler(), slog.LevelInfo),
		BaseContext:       func(net.Listener) context.Context { return g.ctx },
	}
	return g
}

// ID, Address, Protocol and Init are the broker's.
func (g *gateway) ID() string              { return "mqtt-websocket" }
func (g *gateway) Address() string         { return g.inner.Addr().String() }
func (g *gateway) Protocol() string        { return "wss" }
func (g *gateway) Init(*slog.Logger) error { return nil }

// Serve accepts until the gateway is closed.
func (g *gateway) Serve(establish listeners.EstablishFn) {
	g.establish = establish
	if err := g.server.ServeTLS(g.inner, "", ""); !errors.Is(err, http.ErrServerClosed) {
		g.core.log.Error("mqtt over websocket stopped", "error", err)
	}
}

// open upgrades one request and stays until the connection has ended.
func (g *gateway) open(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		return
	}
	defer g.wg.Done()
	signer, err := g.core.cfg.Account.WhoSigned(r)
	if err != nil {
		g.core.log.Warn("mqtt over websocket refused", "remote", r.RemoteAddr, "reason", err)
		dataError(w, http.StatusForbidden, "ForbiddenException", err.Error())
		return
	}
	if websocket.IsWebSocketUpgrade(r) && !slices.Contains(websocket.Subprotocols(r), "mqtt") {
		dataError(w, http.StatusBadRequest, "InvalidRequestException", "ask for the WebSocket subprotocol mqtt")
		return
	}
	ws, err := g.upgrader.Upgrade(w, r, nil)
	if err != nil { // it has answered for itself
		g.core.log.Info("mqtt over websocket refused", "remote", r.RemoteAddr, "reason", err)
		return
	}
	conn := newWSConn(ws)
	g.track(conn)
	defer g.forget(conn)
	defer func() {
		// A hostile packet may cost its sender the connection, nobody else.
		if cause := recover(); cause != nil {
			g.core.log.Error("mqtt connection failed: a packet could not be handled", "remote", r.RemoteAddr, "cause", cause)
		}
	}()
	tooLong := time.AfterFunc(maxWebSocketLife, func() { conn.Close() })
	defer tooLong.Stop()
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout)) // for the CONNECT packet to be there
	client := newClientConn(g.ctx, conn, &signed{account: g.core.cfg.Account, signer: signer})
	defer g.core.connectionEnded(client)
	// Errors of a connection are logged by the hook, which knows the client.
	_ = g.establish(g.ID(), client)
}

// enter counts a request that Close has to wait for.
func (g *gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	g.wg.Add(1)
	return true
}

// track lets Close cut the connection; one that comes after it is cut at once.
func (g *gateway) track(conn *wsConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[conn] = struct{}{}
	if g.ctx.Err() != nil {
		conn.Close()
	}
}

func (g *gateway) forget(conn *wsConn) {
	conn.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, conn)
}

// Close tells the clients, cuts every connection and waits for their
// goroutines.
func (g *gateway) Close(closeClients listeners.CloseFn) {
	_ = g.server.Close()
	closeClients(g.ID())
	g.mu.Lock()
	g.cancel()
	for conn := range g.conns {
		conn.Close()
	}
	g.mu.Unlock()
	g.wg.Wait()
}

// bounded refuses connections beyond its room.
type bounded struct {
	net.Listener
	room chan struct{}
}

// Accept waits for the next connection that there is room for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.room <- struct{}{}:
			return &counted{Conn: conn, done: func() { <-b.room }}, nil
		default:
			conn.Close()
		}
	}
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *counted) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}
