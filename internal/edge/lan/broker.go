package lan

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"porchlight/internal/config"
)

// Errors of the package; match them with errors.Is.
var (
	// ErrTLS is wrapped when the files of certificates cannot be used.
	ErrTLS = errors.New("certificate of the local network")
	// ErrExposed means that everyone on the network could connect.
	ErrExposed = errors.New("the broker has no users and is not on loopback")
	// ErrOffline means that the broker could not be reached in time.
	ErrOffline = errors.New("the broker cannot be reached")
)

// BrokerConfig of a Broker. All but OnListen are required.
type BrokerConfig struct {
	Thing  string
	LAN    config.LAN
	Prefix string // of Home Assistant's discovery topics
	Log    *slog.Logger
	// OnListen is called with the address each time it begins to listen.
	OnListen func(address string)
}

// Broker is an MQTT broker for the home's other devices.
type Broker struct {
	cfg    BrokerConfig
	server *mqtt.Server
	hook   *hook
	nextID atomic.Int64
}

// NewBroker makes a broker. It can be published and subscribed to at once; Run
// opens it to others.
func NewBroker(cfg BrokerConfig) (*Broker, error) {
	cfg.Log = cfg.Log.With("broker", "lan")
	b := &Broker{cfg: cfg, hook: newHook(cfg)}
	b.server = mqtt.New(&mqtt.Options{
		// The broker logs whole packets, passwords included; the hook logs instead.
		Logger:       slog.New(slog.DiscardHandler),
		InlineClient: true,
		// Its statistics are not served: subscriptions to $SYS are refused.
		SysTopicResendInterval: 24 * 60 * 60,
		Capabilities: &mqtt.Capabilities{
			MaximumClients:             maxConnections,
			MaximumClientWritesPending: maxPending,
			MaximumPacketSize:          maxFrame + packetRoom,
			ReceiveMaximum:             maxInFlight,
			MaximumInflight:            maxPending,
			MinimumProtocolVersion:     3,
			MaximumQos:                 2,
			RetainAvailable:            1,
			WildcardSubAvailable:       1,
			SubIDAvailable:             1,
		},
	})
	b.hook.broker = b.server
	if err := b.server.AddHook(b.hook, nil); err != nil {
		return nil, fmt.Errorf("local broker: %w", err)
	}
	return b, nil
}

// Run serves clients until ctx ends. When it cannot listen, because another
// program has the port or a certificate is missing, it says so and tries again.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("local broker: %w", err)
	}
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, time.Minute) {
		err := b.listen(ctx)
		if err == nil {
			break
		}
		b.cfg.Log.Error("cannot listen for devices, will try again", "listen", b.cfg.LAN.Listen, "error", err, "in", wait.String())
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	<-ctx.Done()
	return b.server.Close()
}

// listen has the broker serve whoever connects, until it is closed.
func (b *Broker) listen(ctx context.Context) error {
	security, err := serverTLS(b.cfg.LAN)
	if err != nil {
		return err
	}
	inner, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.cfg.LAN.Listen)
	if err != nil {
		return err
	}
	ip := inner.Addr().(*net.TCPAddr).IP
	if len(b.cfg.LAN.Users) == 0 && !ip.IsLoopback() {
		inner.Close()
		return fmt.Errorf("%w: name users, or listen on 127.0.0.1", ErrExposed)
	}
	l := newListener(inner, security, b.hook.ended, b.cfg.Log)
	if err := b.server.AddListener(l); err != nil {
		inner.Close()
		return err
	}
	b.server.Listeners.Serve(l.ID(), b.server.EstablishConnection)
	if security == nil && !ip.IsLoopback() {
		b.cfg.Log.Warn("passwords and messages cross the network in the clear: name lan.certificate and lan.private_key for TLS", "listen", l.Address())
	}
	b.cfg.Log.Info("listening for devices", "listen", l.Address(), "tls", security != nil, "users", len(b.cfg.LAN.Users))
	if b.cfg.OnListen != nil {
		b.cfg.OnListen(l.Address())
	}
	return nil
}

// serverTLS returns nil where no certificate is named.
func serverTLS(l config.LAN) (*tls.Config, error) {
	if l.Certificate == "" {
		return nil, nil //nolint:nilnil // no certificate is no fault
	}
	pair, err := tls.LoadX509KeyPair(l.Certificate, l.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %s with %s: %w", ErrTLS, l.Certificate, l.PrivateKey, err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if l.CA != "" {
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
		if cfg.ClientCAs, err = loadPool(l.CA); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

func loadPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: %s holds no PEM certificate", ErrTLS, file)
	}
	return pool, nil
}

// Publish hands a message to the subscribers, and keeps it for later ones if
// retain. An empty retained message ends the keeping.
func (b *Broker) Publish(ctx context.Context, topic string, payload []byte, retain bool) error {
	if ctx.Err() != nil {
		return fmt.Errorf("publish %s: %w", topic, ctx.Err())
	}
	if err := b.server.Publish(topic, payload, retain, 1); err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	return nil
}

// Subscribe calls handle, from one goroutine, for every message that filter
// matches, until ctx ends; it returns then. It calls ready once the
// subscription stands.
func (b *Broker) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) {
	f, id := newFeed(filter, b.cfg.Log), int(b.nextID.Add(1))
	if err := b.server.Subscribe(filter, id, func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) {
		f.put(pk.TopicName, pk.Payload)
	}); err != nil {
		b.cfg.Log.Error("cannot subscribe", "filter", filter, "error", err)
		<-ctx.Done()
		return
	}
	defer func() { _ = b.server.Unsubscribe(filter, id) }()
	if ready != nil {
		ready()
	}
	f.run(ctx, handle)
}
