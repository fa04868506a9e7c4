package signaling_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/signaling"
)

// relayed asks for relay credentials.
func (w *world) relayed(t *testing.T, arn string) (username, password string) {
	t.Helper()
	_, answer := w.post(t, w.keys.Admin(), "/v1/get-ice-server-config", `{"ChannelARN":"`+arn+`"}`)
	server := answer["IceServerList"].([]any)[0].(map[string]any)
	return server["Username"].(string), server["Password"].(string)
}

// through is a client of the relay.
func (w *world) through(t *testing.T, network, username, password string) *turn.Client {
	t.Helper()
	var conn net.PacketConn
	if network == "tcp" {
		inner, err := net.Dial("tcp", w.service.RelayAddress())
		require.NoError(t, err)
		conn = turn.NewSTUNConn(inner)
	} else {
		var err error
		conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(t, err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: w.service.RelayAddress(), TURNServerAddr: w.service.RelayAddress(), Conn: conn,
		Username: username, Password: password, Realm: "kinesisvideo"})
	require.NoError(t, err)
	require.NoError(t, c.Listen())
	t.Cleanup(func() {
		c.Close()
		conn.Close()
	})
	return c
}

func TestRelay(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			w := start(t, t.TempDir(), func(c *signaling.Config) { c.Relay = "127.0.0.1:0" })
			user, password := w.relayed(t, w.create(t, "porch"))
			relayed, err := w.through(t, network, user, password).Allocate()
			require.NoError(t, err)
			defer relayed.Close()
			peer, err := net.ListenPacket("udp4", "127.0.0.1:0")
			require.NoError(t, err)
			defer peer.Close()
			// Datagrams may be lost: each side repeats until it hears.
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, 100)
				for {
					n, from, err := peer.ReadFrom(buf)
					if err != nil {
						return
					}
					_, _ = peer.WriteTo([]byte(strings.ToUpper(string(buf[:n]))), from)
				}
			}()
			require.Eventually(t, func() bool {
				if _, err := relayed.WriteTo([]byte("ring"), peer.LocalAddr()); err != nil {
					return false
				}
				_ = relayed.SetReadDeadline(time.Now().Add(time.Second))
				buf := make([]byte, 100)
				n, from, err := relayed.ReadFrom(buf)
				return err == nil && string(buf[:n]) == "RING" && from.String() == peer.LocalAddr().String()
			}, patience, time.Millisecond)
			peer.Close()
			<-done
		})
	}
}

func TestRelayRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := start(t, t.TempDir(), func(c *signaling.Config) {
		c.Relay, c.Now = "127.0.0.1:0", func() time.Time { return now }
		c.Limits.Allocations = 2
	})
	arn := w.create(t, "porch")
	user, password := w.relayed(t, arn)
	for name, wrong := range map[string][2]string{
		"wrong password": {user, "x"},
		"made up":        {fmt.Sprintf("%d:aaaa:bbbb", now.Add(time.Hour).Unix()), password},
		"expired":        {fmt.Sprintf("%d:aaaa:bbbb", now.Add(-time.Second).Unix()), password},
		"life longer":    {"9" + user, password},
		"nonsense":       {"anna", "anna"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.through(t, "udp", wrong[0], wrong[1]).Allocate()
			require.Error(t, err)
		})
	}
	first, err := w.through(t, "udp", user, password).Allocate()
	require.NoError(t, err)
	_, err = first.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9})
	require.Error(t, err, "the relay reaches this machine alone")
	second, err := w.through(t, "tcp", user, password).Allocate()
	require.NoError(t, err)
	_, err = w.through(t, "udp", user, password).Allocate()
	require.Error(t, err, "a channel has two allocations")
	user, password = w.relayed(t, w.create(t, "attic"))
	other, err := w.through(t, "udp", user, password).Allocate()
	require.NoError(t, err, "which is none of another's business")
	for _, c := range []net.PacketConn{first, second, other} {
		c.Close()
	}
}

// Garbage, and connections that stay open, end with the service.
func TestRelayIsLeftNothingBehind(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), func(c *signaling.Config) { c.Relay = "127.0.0.1:0" })
	for _, network := range []string{"udp", "tcp"} {
		conn, err := net.Dial(network, w.service.RelayAddress())
		require.NoError(t, err)
		defer conn.Close()
		for _, raw := range []string{"", "x", strings.Repeat("\x00", 1400), "\x00\x03\xff\xff\x21\x12\xa4\x42" + strings.Repeat("a", 12), strings.Repeat("\x40", 2000)} {
			_, _ = conn.Write([]byte(raw))
		}
	}
	user, password := w.relayed(t, w.create(t, "porch"))
	relayed, err := w.through(t, "udp", user, password).Allocate()
	require.NoError(t, err)
	defer relayed.Close()
	w.stop()
	_, err = net.Dial("tcp", w.service.RelayAddress())
	require.Error(t, err)
}

func TestRelayPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	w := start(t, t.TempDir(), nil)
	_, err = signaling.Open(t.Context(), signaling.Config{Dir: t.TempDir(), Region: region, AccountID: account, Endpoint: w.server.URL, Relay: taken.Addr().String(), Logger: w.logs.Logger()})
	require.ErrorIs(t, err, signaling.ErrRelay)
}
