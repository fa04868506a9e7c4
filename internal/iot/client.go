package iot

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	"golang.org/x/net/proxy"
)

// ClientConfig of a Client. All but WebSocket, Will, OnConnect and Now are
// required.
type ClientConfig struct {
	Endpoint string      // host:port
	ClientID string      // the thing name: the policy allows no other
	TLS      *tls.Config // from LoadIdentity; with WebSocket nil means the system's roots
	Log      *slog.Logger

	// WebSocket, where set, connects with AWS credentials and without the
	// certificate.
	WebSocket *WebSocket
	// Will returns, for a new session, the topic and payload that the broker
	// publishes when that session breaks.
	Will func(session string) (topic string, payload []byte)
	// OnConnect is called, in a goroutine of its own, whenever a session is up.
	OnConnect func(ctx context.Context, session string)
	// NewSession makes the ids of sessions.
	NewSession func() string
	Now        func() time.Time // for tests; default time.Now

	retry retryTimes // for tests; zero: defaultTimes
	reach dialFunc   // for tests; nil: the network, or a proxy
}

// Client is an MQTT 5 session that is kept up until its context ends. It is
// safe for concurrent use.
type Client struct {
	cfg     ClientConfig
	retry   retryTimes
	tls     *tls.Config
	leaf    *x509.Certificate // of this device; nil: none
	manager *autopaho.ConnectionManager
	session atomic.Value // string
	subs    *subscriptions
	count   counters
	seed    maphash.Seed
	running sync.WaitGroup

	ctx    context.Context //nolint:containedctx // the client's own life, ended with the manager's
	cancel context.CancelFunc

	mu       sync.Mutex
	link     *link // nil: there is none
	online   bool
	up       chan struct{} // closed while online
	since    time.Time
	connects int64
	lasted   time.Duration // how long the last connection lasted
	trouble  trouble
	expiry   expiry
	strike   uint64 // the message that a connection ended over, by its hash
}

// How long to wait for the broker, and what to let it send.
const (
	keepAlive    = 30 // seconds
	ackTimeout   = 10 * time.Second
	minReconnect = 500 * time.Millisecond
	maxReconnect = 15 * time.Second
	maxPacket    = 160 << 10 // bytes: a payload and its properties
	maxInFlight  = 100       // messages without an acknowledgment
)

// Connect starts connecting in the background and returns at once: being
// offline is normal. The session ends when ctx does; Wait tells when.
func Connect(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.reach == nil {
		cfg.reach = proxy.Dial
	}
	c := &Client{cfg: cfg, retry: cfg.retry, subs: newSubscriptions(), seed: maphash.MakeSeed(), up: make(chan struct{}), since: cfg.Now()}
	if c.retry == (retryTimes{}) {
		c.retry = defaultTimes()
	}
	identity, alpn := cfg.TLS, "x-amzn-mqtt-ca"
	if cfg.WebSocket != nil {
		identity, alpn = withoutCertificate(cfg.TLS), ""
	}
	var err error
	if c.tls, err = forEndpoint(identity, cfg.Endpoint, alpn); err != nil {
		return nil, err
	}
	c.leaf = leafOf(c.tls)
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.checkExpiry()
	if c.manager, err = autopaho.NewConnection(c.ctx, c.settings()); err != nil { //nolint:contextcheck // it is ctx's child
		c.cancel()
		return nil, fmt.Errorf("connect to IoT Core: %w", err)
	}
	c.running.Go(c.keepSubscribed)
	return c, nil
}

func (c *Client) settings() autopaho.ClientConfig {
	scheme := "mqtts"
	if c.cfg.WebSocket != nil {
		scheme = "wss"
	}
	return autopaho.ClientConfig{
		ServerUrls:                    []*url.URL{{Scheme: scheme, Host: c.cfg.Endpoint}},
		AttemptConnection:             c.dial,
		KeepAlive:                     keepAlive,
		CleanStartOnInitialConnection: true,
		ConnectTimeout:                c.retry.ack,
		ReconnectBackoff:              c.pace(),
		ConnectPacketBuilder:          c.buildConnect,
		OnConnectionUp:                c.onUp,
		OnConnectError:                c.onConnectError,
		ClientConfig: paho.ClientConfig{
			ClientID: c.cfg.ClientID,
			// Requests have a shorter limit of their own, see within.
			PacketTimeout:      2 * c.retry.ack,
			Session:            session{State: state.NewInMemory(), client: c},
			OnPublishReceived:  []func(paho.PublishReceived) (bool, error){c.received},
			OnClientError:      c.onError,
			OnServerDisconnect: c.onDisconnect,
		},
	}
}

// onUp must not block.
func (c *Client) onUp(*autopaho.ConnectionManager, *paho.Connack) {
	id, _ := c.session.Load().(string)
	c.cfg.Log.Info("connected to IoT Core", "endpoint", c.cfg.Endpoint, "session", id)
	c.linkUp()
	c.checkExpiry()
	if c.cfg.OnConnect != nil {
		c.running.Go(func() { c.cfg.OnConnect(c.ctx, id) })
	}
}

// buildConnect gives every session an id of its own, and a will that carries
// it, so that a late will of an old session can be told from a new one's.
func (c *Client) buildConnect(connect *paho.Connect, _ *url.URL) (*paho.Connect, error) {
	id := c.cfg.NewSession()
	c.session.Store(id)
	window, largest := uint16(maxInFlight), uint32(maxPacket)
	connect.Properties = &paho.ConnectProperties{ReceiveMaximum: &window, MaximumPacketSize: &largest, RequestProblemInfo: true}
	if c.cfg.Will != nil {
		topic, payload := c.cfg.Will(id)
		connect.WillMessage = &paho.WillMessage{Topic: topic, Payload: payload, QoS: 1}
	}
	return connect, nil
}

// Wait waits, after the context of Connect has ended or Disconnect was called,
// until nothing of the client runs any more, handlers of subscriptions included.
func (c *Client) Wait() {
	<-c.manager.Done()
	c.cancel()
	c.running.Wait()
}

// Disconnect ends the session in an orderly way: the broker drops the will.
func (c *Client) Disconnect(ctx context.Context) error {
	defer c.cancel()
	if err := c.manager.Disconnect(ctx); err != nil {
		return fmt.Errorf("disconnect from IoT Core: %w", err)
	}
	return nil
}
