// Package iottest is a broker for tests of devices: TLS with client
// certificates, MQTT 5, and whatever faults a test asks for.
package iottest

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"
)

// Message is what a client published.
type Message struct {
	Client, Topic string
	Payload       []byte
}

// Broker is a broker that can go away and come back under the same address. Its
// functions, which may be nil, are set before the first connection.
type Broker struct {
	*Authority
	// Arrived is called for every message, before it is acknowledged; another
	// code than packets.CodeSuccess refuses it.
	Arrived func(Message) packets.Code
	// MaySubscribe decides filters.
	MaySubscribe func(client *mqtt.Client, filter string) bool
	// Asked is told the filters of every SUBSCRIBE, before it is decided.
	Asked func(client *mqtt.Client, filters []string)
	// Left is told the filters of every UNSUBSCRIBE.
	Left func(filters []string)
	// MayConnect decides clients.
	MayConnect func(client *mqtt.Client) packets.Code

	listener net.Listener
	tls      *tls.Config
	accepted sync.WaitGroup
	active   sync.WaitGroup // connections of the present server

	mu     sync.Mutex
	server *mqtt.Server // nil: down
	conns  map[net.Conn]struct{}
	alpn   []string
}

// New makes a broker that is down; edit may change its TLS settings.
func New(t testing.TB, edit func(*tls.Config)) *Broker {
	t.Helper()
	authority := NewAuthority(t)
	b := &Broker{
		Authority: authority, conns: map[net.Conn]struct{}{},
		tls: &tls.Config{
			Certificates: []tls.Certificate{authority.Issue("localhost", nil)}, ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: authority.Pool(), MinVersion: tls.VersionTLS12, NextProtos: []string{"x-amzn-mqtt-ca"},
		},
	}
	if edit != nil {
		edit(b.tls)
	}
	var err error
	b.listener, err = net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	require.NoError(t, err)
	b.accepted.Go(b.serve)
	t.Cleanup(func() {
		b.listener.Close()
		b.Down()
		b.accepted.Wait()
	})
	return b
}

// Certificate changes what the broker shows, before the first connection.
func (b *Broker) Certificate(pair tls.Certificate) { b.tls.Certificates = []tls.Certificate{pair} }

// Addr returns host:port, the same whether it is up or down.
func (b *Broker) Addr() string { return b.listener.Addr().String() }

// Identity returns the TLS settings of a client.
func (b *Broker) Identity(name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{b.Issue(name, nil)}, RootCAs: b.Pool(), MinVersion: tls.VersionTLS12}
}

// Up starts a broker that knows nothing of the one before.
func (b *Broker) Up() {
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler), InlineClient: true, SysTopicResendInterval: 24 * 60 * 60})
	server.Options.Capabilities.MaximumQos = 1
	server.Options.Capabilities.MaximumPacketSize = 149504 // as IoT Core
	require.NoError(b.t, server.AddHook(&hook{broker: b}, nil))
	require.NoError(b.t, server.Serve())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.server = server
}

// Down cuts every connection without a word. No function of the broker may call
// it.
func (b *Broker) Down() {
	b.mu.Lock()
	server := b.server
	b.server = nil
	for conn := range b.conns {
		conn.Close()
	}
	b.mu.Unlock()
	b.active.Wait()
	if server != nil {
		_ = server.Close()
	}
}

// Cut ends every connection and stays up.
func (b *Broker) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.conns {
		conn.Close()
	}
}

// Send publishes to the clients.
func (b *Broker) Send(topic string, payload []byte) {
	b.mu.Lock()
	server := b.server
	b.mu.Unlock()
	require.NoError(b.t, server.Publish(topic, payload, false, 1))
}

// Kick ends the connection of a client with a reason.
func (b *Broker) Kick(client string, code packets.Code) {
	b.mu.Lock()
	server := b.server
	b.mu.Unlock()
	if cl, ok := server.Clients.Get(client); ok {
		_ = server.DisconnectClient(cl, code)
	}
}

// ALPN returns the protocols that connections have agreed on.
func (b *Broker) ALPN() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.alpn)
}

func (b *Broker) serve() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.accepted.Go(func() { b.handle(conn) })
	}
}

const patience = 20 * time.Second

func (b *Broker) handle(raw net.Conn) {
	defer raw.Close()
	if !b.enter(raw) {
		return
	}
	defer b.leave(raw)
	conn := tls.Server(raw, b.tls)
	if err := conn.Handshake(); err != nil { //nolint:noctx // ends with the connection
		// The client may be sending already: closed at once, the connection would
		// be reset and the alert with it.
		_ = raw.SetDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, raw)
		return
	}
	b.mu.Lock()
	b.alpn = append(b.alpn, conn.ConnectionState().NegotiatedProtocol)
	b.mu.Unlock()
	b.Establish(conn)
}

// Establish serves a connection that came by another way.
func (b *Broker) Establish(conn net.Conn) {
	if !b.enter(conn) {
		return
	}
	defer b.leave(conn)
	b.mu.Lock()
	server := b.server
	b.mu.Unlock()
	if server != nil {
		_ = server.EstablishConnection("test", conn)
	}
}

func (b *Broker) enter(conn net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return false
	}
	b.conns[conn] = struct{}{}
	b.active.Add(1)
	return true
}

func (b *Broker) leave(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, conn)
	b.active.Done()
}

type hook struct {
	mqtt.HookBase
	broker *Broker
}

func (h *hook) ID() string { return "test" }

func (h *hook) Provides(b byte) bool {
	return slices.Contains([]byte{mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnSubscribe, mqtt.OnUnsubscribe, mqtt.OnSessionEstablished}, b)
}

// OnSessionEstablished turns off what the broker does when a client's window is
// full: it takes a lock twice (NextImmediate), and hangs when another waits for
// it in between.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	cl.State.Inflight.ResetSendQuota(0)
}

func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (h *hook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	if h.broker.MayConnect == nil {
		return nil
	}
	code := h.broker.MayConnect(cl)
	if code == packets.CodeSuccess {
		return nil
	}
	h.broker.mu.Lock()
	server := h.broker.server
	h.broker.mu.Unlock()
	return errors.Join(errors.New("refused"), server.SendConnack(cl, code, false, nil))
}

func (h *hook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if h.broker.Asked != nil {
		h.broker.Asked(cl, filters(pk))
	}
	return pk
}

func (h *hook) OnUnsubscribe(_ *mqtt.Client, pk packets.Packet) packets.Packet {
	if h.broker.Left != nil {
		h.broker.Left(filters(pk))
	}
	return pk
}

func filters(pk packets.Packet) (names []string) {
	for _, f := range pk.Filters {
		names = append(names, f.Filter)
	}
	return names
}

// OnACLCheck is asked about filters, and about topics when they are delivered.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	return write || h.broker.MaySubscribe == nil || h.broker.MaySubscribe(cl, topic)
}

func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline || h.broker.Arrived == nil {
		return pk, nil
	}
	m := Message{Client: cl.ID, Topic: pk.TopicName, Payload: slices.Clone(pk.Payload)}
	if code := h.broker.Arrived(m); code != packets.CodeSuccess {
		return pk, code
	}
	return pk, nil
}
