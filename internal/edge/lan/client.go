package lan

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
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
	up  chan *autopaho.ConnectionManager // holds it once there is one

	mu        sync.Mutex
	feeds     map[*feed]func() // what to call when it stands
	connected bool
	number    int // counts connections made and lost
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
	return &Client{cfg: cfg, url: u, up: make(chan *autopaho.ConnectionManager, 1), feeds: map[*feed]func(){}}, nil
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
			feeds, number := c.becomes(true)
			subscribing.Go(func() { c.subscribe(online, m, feeds, number) })
		},
		OnConnectionDown: func() bool {
			c.becomes(false)
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
	c.up <- manager
	<-ctx.Done()
	c.goodbye(online, manager)
	hangUp()
	<-manager.Done()
	subscribing.Wait()
	return nil
}

// goodbye says what the will would, for after an orderly end it is not sent.
func (c *Client) goodbye(ctx context.Context, manager *autopaho.ConnectionManager) {
	c.mu.Lock()
	connected := c.connected
	c.mu.Unlock()
	if !connected {
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

// becomes notes whether there is a connection, and returns who waits for one
// and the connection's number.
func (c *Client) becomes(connected bool) (feeds []*feed, number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected = connected
	c.number++
	return keys(c.feeds), c.number
}

// subscribe makes subscriptions stand, over the connection of that number.
// What the broker refuses is said and asked for again, now and then.
func (c *Client) subscribe(ctx context.Context, manager *autopaho.ConnectionManager, feeds []*feed, number int) {
	for wait := 5 * time.Second; len(feeds) > 0; wait = min(2*wait, 5*time.Minute) {
		var refused []*feed
		for _, f := range feeds {
			ready, current := c.wanted(f, number)
			if !current {
				continue
			}
			_, err := manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: f.filter, QoS: 1}}})
			switch _, current = c.wanted(f, number); {
			case ctx.Err() != nil, !current:
			case err != nil:
				refused = append(refused, f)
				c.cfg.Log.Error("cannot subscribe: see what the broker allows this user", "filter", f.filter, "error", err, "in", wait.String())
			case ready != nil:
				ready()
			}
		}
		if feeds = refused; len(feeds) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// wanted says whether a subscription is still wanted over the connection of
// that number, and what to call when it stands.
func (c *Client) wanted(f *feed, number int) (ready func(), current bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ready, current = c.feeds[f]
	return ready, current && c.connected && c.number == number
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

// manager waits for Run.
func (c *Client) manager(ctx context.Context) (*autopaho.ConnectionManager, error) {
	select {
	case m := <-c.up:
		c.up <- m
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Publish returns once the broker has acknowledged. Without a connection it
// waits for one, at most ten seconds, and fails with ErrOffline.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte, retain bool) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	m, err := c.manager(ctx)
	if err == nil {
		err = m.AwaitConnection(ctx)
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w: %w", topic, ErrOffline, err)
	}
	if _, err := m.Publish(ctx, &paho.Publish{Topic: topic, Payload: payload, QoS: 1, Retain: retain}); err != nil {
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
	c.mu.Lock()
	c.feeds[f] = ready
	connected, number := c.connected, c.number
	c.mu.Unlock()
	var subscribing sync.WaitGroup
	if connected {
		subscribing.Go(func() {
			if m, err := c.manager(ctx); err == nil {
				c.subscribe(ctx, m, []*feed{f}, number)
			}
		})
	}
	f.run(ctx, handle)
	subscribing.Wait()
	c.unsubscribe(context.WithoutCancel(ctx), f)
}

func (c *Client) unsubscribe(ctx context.Context, f *feed) {
	c.mu.Lock()
	delete(c.feeds, f)
	shared := slices.ContainsFunc(keys(c.feeds), func(other *feed) bool { return other.filter == f.filter })
	connected := c.connected
	c.mu.Unlock()
	if shared || !connected {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if m, err := c.manager(ctx); err == nil {
		_, _ = m.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{f.filter}})
	}
}

func keys(feeds map[*feed]func()) (list []*feed) {
	for f := range feeds {
		list = append(list, f)
	}
	return list
}
