package lan

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"porchlight/internal/config"
)

// Will is the message that someone else's broker publishes, retained, when the
// connection to it breaks.
type Will struct {
	Topic   string
	Payload []byte
}

// ClientConfig of a Client. All but Will are required.
type ClientConfig struct {
	Thing string // part of the client id
	LAN   config.LAN
	Will  *Will
	Log   *slog.Logger
}

// Client is a connection to someone else's broker that is kept up. The broker
// must speak MQTT 5, as Mosquitto 2 and EMQX do.
type Client struct {
	cfg ClientConfig
	url *url.URL

	mu      sync.Mutex
	feeds   map[*feed]func() // what to call when it stands
	link    *link            // nil: there is no connection
	changed chan struct{}    // closed when the link comes
}

// link is one connection.
type link struct {
	manager *autopaho.ConnectionManager
	lost    chan struct{} // closed when it is
}

// How long to wait for the broker.
const (
	keepAlive    = 30 // seconds
	ackTimeout   = 10 * time.Second
	minReconnect = 500 * time.Millisecond
	maxReconnect = time.Minute
)

// NewClient makes a client; Run connects it.
func NewClient(cfg ClientConfig) (*Client, error) {
	u, err := url.Parse(cfg.LAN.Broker)
	if err != nil {
		return nil, errors.New("lan.broker: want an address like mqtt://192.168.1.9:1883")
	}
	cfg.Log = cfg.Log.With("broker", u.Host)
	return &Client{cfg: cfg, url: u, feeds: map[*feed]func(){}, changed: make(chan struct{})}, nil
}

// Run keeps the connection up until ctx ends; it fails when the files of
// certificates cannot be used.
func (c *Client) Run(ctx context.Context) error {
	security, err := clientTLS(c.cfg.LAN)
	if err != nil {
		return err
	}
	// The connection outlives ctx a little, to say goodbye.
	online, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	var subscribing sync.WaitGroup
	settings := autopaho.ClientConfig{
		ServerUrls: []*url.URL{c.url}, TlsCfg: security, KeepAlive: keepAlive, CleanStartOnInitialConnection: true,
		ConnectTimeout:   ackTimeout,
		ReconnectBackoff: autopaho.NewExponentialBackoff(minReconnect, maxReconnect, time.Second, 1.5),
		ConnectUsername:  c.cfg.LAN.User, ConnectPassword: []byte(c.cfg.LAN.Password),
		ConnectPacketBuilder: func(connect *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			largest, inFlight := uint32(maxFrame+packetRoom), uint16(maxInFlight)
			connect.Properties = &paho.ConnectProperties{MaximumPacketSize: &largest, ReceiveMaximum: &inFlight}
			return connect, nil
		},
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) {
			c.cfg.Log.Info("connected to the local broker")
			l, feeds := c.connected(m)
			subscribing.Go(func() { c.subscribe(online, l, feeds) })
		},
		OnConnectionDown: func() bool {
			c.disconnected()
			if ctx.Err() == nil {
				c.cfg.Log.Warn("connection to the local broker lost, connecting again")
			}
			return true
		},
		OnConnectError: func(err error) {
			if ctx.Err() == nil {
				c.cfg.Log.Warn("cannot reach the local broker, will try again", "error", err)
			}
		},
		ClientConfig: paho.ClientConfig{
			ClientID: "porchlight-" + c.cfg.Thing, PacketTimeout: ackTimeout,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.received},
		},
	}
	if w := c.cfg.Will; w != nil {
		settings.WillMessage = &paho.WillMessage{Topic: w.Topic, Payload: w.Payload, QoS: 1, Retain: true}
	}
	manager, err := autopaho.NewConnection(online, settings)
	if err != nil {
		return fmt.Errorf("connect to the local broker: %w", err)
	}
	<-ctx.Done()
	c.goodbye(online, manager)
	hangUp()
	<-manager.Done()
	subscribing.Wait()
	return nil
}

// goodbye says what the will would, for after an orderly end it is not sent.
func (c *Client) goodbye(ctx context.Context, manager *autopaho.ConnectionManager) {
	if l, _ := c.present(); l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if w := c.cfg.Will; w != nil {
		if _, err := manager.Publish(ctx, &paho.Publish{Topic: w.Topic, Payload: w.Payload, QoS: 1, Retain: true}); err != nil {
			c.cfg.Log.Warn("cannot tell the local broker that this device goes offline", "error", err)
			return // so that the broker sends the will
		}
	}
	if err := manager.Disconnect(ctx); err != nil {
		c.cfg.Log.Warn("cannot disconnect from the local broker", "error", err)
	}
}

func clientTLS(l config.LAN) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(l.Certificate, l.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("%w: %s with %s: %w", ErrTLS, l.Certificate, l.PrivateKey, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if l.CA != "" {
		pool, err := loadPool(l.CA)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = pool
	}
	return cfg, nil
}

// received never blocks: acknowledgments come the same way.
func (c *Client) received(m paho.PublishReceived) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.feeds {
		if covers(f.filter, m.Packet.Topic) {
			f.put(m.Packet.Topic, m.Packet.Payload)
		}
	}
	return true, nil
}

// Publish returns once the broker has acknowledged. Without a connection it
// waits for one, at most ten seconds, and fails with ErrOffline; so it does
// when the connection is lost meanwhile, and then the broker may have the
// message or not.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte, retain bool) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	l, err := c.await(ctx)
	if err != nil {
		return fmt.Errorf("publish %s: %w: %w", topic, ErrOffline, err)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-l.lost: // no acknowledgment comes any more
			cancel()
		case <-done:
		}
	}()
	_, err = l.manager.Publish(ctx, &paho.Publish{Topic: topic, Payload: payload, QoS: 1, Retain: retain})
	if err != nil && l.isLost() {
		return fmt.Errorf("publish %s: %w: %w", topic, ErrOffline, err)
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	return nil
}

// Subscribe calls handle, from one goroutine, for every message that filter
// matches, until ctx ends; it returns then. It calls ready each time the
// subscription stands: at first, and after each time the connection was lost.
// Over a lost connection messages are lost, those retained excepted.
func (c *Client) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) {
	f := newFeed(filter, c.cfg.Log)
	l := c.add(f, ready)
	var subscribing sync.WaitGroup
	if l != nil {
		subscribing.Go(func() { c.subscribe(ctx, l, []*feed{f}) })
	}
	f.run(ctx, handle)
	subscribing.Wait()
	c.unsubscribe(context.WithoutCancel(ctx), f)
}
