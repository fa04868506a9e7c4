package lan_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/lan"
)

// foreign is a broker that is not ours, with one user, on an address of its own.
type foreign struct {
	*mqtt.Server
	address string
}

func startForeign(t *testing.T, address string, security *tls.Config) *foreign {
	t.Helper()
	f := &foreign{Server: mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})}
	require.NoError(t, f.AddHook(new(auth.Hook), &auth.Options{Ledger: &auth.Ledger{
		Auth: auth.AuthRules{{Username: "porchlight", Password: hassPassword, Allow: true}},
		ACL:  auth.ACLRules{{Username: "porchlight", Filters: auth.Filters{"forbidden/#": auth.Deny}}},
	}}))
	listener := listeners.NewTCP(listeners.Config{ID: "t", Address: address, TLSConfig: security})
	require.NoError(t, f.AddListener(listener))
	require.NoError(t, f.Serve())
	f.address = listener.Address()
	return f
}

func connect(t *testing.T, settings config.LAN, will *lan.Will) (c *lan.Client, stop func(), log *journal) {
	t.Helper()
	logger, log := newLog(t)
	c, err := lan.NewClient(lan.ClientConfig{Thing: "home", LAN: settings, Will: will, Log: logger})
	require.NoError(t, err)
	return c, run(t, c.Run), log
}

func of(f *foreign) config.LAN {
	return config.LAN{Broker: "mqtt://" + f.address, User: "porchlight", Password: hassPassword}
}

// inline hears at the foreign broker itself.
func inline(t *testing.T, f *foreign, filter string) <-chan got {
	heard := make(chan got, 1000)
	require.NoError(t, f.Subscribe(filter, 1, func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) {
		heard <- got{pk.TopicName, string(pk.Payload)}
	}))
	return heard
}

func TestClientOfAnotherBroker(t *testing.T) {
	f := startForeign(t, "127.0.0.1:0", nil)
	defer f.Close()
	c, _, _ := connect(t, of(f), nil)
	heard, _ := listen(t, c, "devices/+")
	there := inline(t, f, "updates/#")

	require.NoError(t, f.Publish("devices/door", []byte("open"), false, 1))
	require.Equal(t, got{"devices/door", "open"}, await(t, heard))
	require.NoError(t, c.Publish(t.Context(), "updates/door", []byte("close"), true))
	require.Equal(t, got{"updates/door", "close"}, await(t, there))
	late, _ := listen(t, c, "updates/#")
	require.Equal(t, got{"updates/door", "close"}, await(t, late), "retained")
}

func TestClientComesBack(t *testing.T) {
	f := startForeign(t, "127.0.0.1:0", nil)
	c, _, log := connect(t, of(f), nil)
	heard, ready := listen(t, c, "a")
	require.NoError(t, f.Close())
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "connection to the local broker lost") }, patience, 5*time.Millisecond)
	meanwhile := make(chan error, 1)
	go func() { meanwhile <- c.Publish(context.Background(), "b", []byte("waits"), true) }()

	f = startForeign(t, f.address, nil)
	defer f.Close()
	await(t, ready)
	require.NoError(t, f.Publish("a", []byte("again"), false, 1))
	require.Equal(t, got{"a", "again"}, await(t, heard))
	if err := await(t, meanwhile); err != nil { // the machine was very busy
		require.ErrorIs(t, err, lan.ErrOffline)
	}
}

func TestClientIsPatient(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := taken.Addr().String()
	require.NoError(t, taken.Close())
	c, _, log := connect(t, config.LAN{Broker: "mqtt://" + address, User: "porchlight", Password: hassPassword}, nil)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "cannot reach the local broker") }, patience, 5*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Publish(ctx, "a", nil, false), lan.ErrOffline)
	f := startForeign(t, address, nil)
	defer f.Close()
	heard, _ := listen(t, c, "a")
	require.NoError(t, f.Publish("a", []byte("b"), false, 1))
	await(t, heard)
}

func TestClientIsRefused(t *testing.T) {
	f := startForeign(t, "127.0.0.1:0", nil)
	defer f.Close()
	_, _, log := connect(t, config.LAN{Broker: "mqtt://" + f.address, User: "porchlight", Password: kitchenPassword}, nil)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "cannot reach the local broker") }, patience, 5*time.Millisecond)

	c, _, log := connect(t, of(f), nil)
	go c.Subscribe(t.Context(), "forbidden/#", func(string, []byte) {}, nil)
	heard, _ := listen(t, c, "allowed")
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "cannot subscribe") }, patience, 5*time.Millisecond)
	require.NoError(t, f.Publish("allowed", []byte("x"), false, 1))
	await(t, heard)
}

func TestClientWithTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	a.server(t)
	pair, err := tls.LoadX509KeyPair(a.file("broker.pem"), a.file("broker.key"))
	require.NoError(t, err)
	f := startForeign(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	defer f.Close()
	settings := of(f)
	settings.Broker, settings.CA = "mqtts://"+f.address, a.file("ca.pem")
	c, _, _ := connect(t, settings, nil)
	heard, _ := listen(t, c, "a")
	require.NoError(t, f.Publish("a", []byte("b"), false, 1))
	await(t, heard)

	settings.CA = stranger.file("ca.pem")
	_, _, log := connect(t, settings, nil)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "certificate") }, patience, 5*time.Millisecond)

	settings.CA = a.file("missing.pem")
	logger, _ := newLog(t)
	broken, err := lan.NewClient(lan.ClientConfig{Thing: "home", LAN: settings, Log: logger})
	require.NoError(t, err)
	require.ErrorIs(t, broken.Run(t.Context()), lan.ErrTLS)
}

func TestWillOfTheClient(t *testing.T) {
	f := startForeign(t, "127.0.0.1:0", nil)
	defer f.Close()
	heard := inline(t, f, "availability")
	through := relay(t, f.address)
	settings := of(f)
	settings.Broker = "mqtt://" + through.address()
	c, stop, _ := connect(t, settings, &lan.Will{Topic: "availability", Payload: []byte("offline")})
	require.NoError(t, c.Publish(t.Context(), "availability", []byte("online"), true))
	require.Equal(t, got{"availability", "online"}, await(t, heard))
	through.cut() // as when the power fails
	require.Equal(t, got{"availability", "offline"}, await(t, heard))
	require.Eventually(t, func() bool { // a message may be lost with the connection
		return c.Publish(t.Context(), "availability", []byte("online"), true) == nil
	}, patience, 5*time.Millisecond)
	for m := await(t, heard); m.payload != "online"; m = await(t, heard) {
		require.Equal(t, "offline", m.payload)
	}
	stop()
	for m := await(t, heard); m.payload != "offline"; m = await(t, heard) { // said before an orderly end
		require.Equal(t, "online", m.payload, "sent twice over the lost connection")
	}
}

// relayed is a network between a client and a broker that can fail.
type relayed struct {
	listener net.Listener
	conns    chan net.Conn
}

func relay(t *testing.T, to string) *relayed {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relayed{listener, make(chan net.Conn, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			r.conns <- in
			go func() { defer in.Close(); defer out.Close(); _, _ = io.Copy(out, in) }()
			go func() { defer in.Close(); defer out.Close(); _, _ = io.Copy(in, out) }()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done; r.cut() })
	return r
}

func (r *relayed) address() string { return r.listener.Addr().String() }

func (r *relayed) cut() {
	for {
		select {
		case c := <-r.conns:
			c.Close()
		default:
			return
		}
	}
}
