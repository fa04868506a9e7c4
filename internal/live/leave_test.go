package live_test

import (
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

// TestVanished: a viewer whose network is gone is given up.
func TestVanished(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	n := newNetwork(t, func(nic vnet.NIC) vnet.NIC { return nic }, func(vnet.Chunk) bool { return !gone.Load() })
	m, w := show(t, live.Config{Engine: n.camera, Main: play(t, small(t)).ring})
	v := newWatcher(t, w, "ann", n.viewer)
	v.watch()
	v.sees(10)
	gone.Store(true)
	require.Eventually(t, func() bool { return len(m.Stats().Viewers) == 0 }, 3*patience, 10*time.Millisecond)
	require.EqualValues(t, 1, m.Stats().Dropped)
}

// TestComingAndGoing: viewers that come and go, some in the middle of joining,
// leave nothing behind.
func TestComingAndGoing(t *testing.T) {
	film := small(t)
	m, w := show(t, live.Config{Main: play(t, film).ring, Sub: play(t, film).ring, ConnectWithin: 5 * time.Second})
	before := runtime.NumGoroutine()
	const viewers = 18
	for n := range viewers {
		v := newWatcher(t, w, fmt.Sprint("viewer-", n), nil)
		switch n % 3 {
		case 0: // watches
			v.watch()
			v.sees(1)
		case 1: // leaves once answered
			v.watch()
		default: // leaves at once
			v.deaf = true
			_, err := v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
			require.NoError(t, err)
			v.offer(nil)
		}
		v.leave()
		require.Eventually(t, func() bool { return len(m.Stats().Viewers) < 8 }, patience, time.Millisecond)
	}
	require.Eventually(t, func() bool { return len(m.Stats().Viewers) == 0 }, patience, time.Millisecond)
	// Only what remembers clients for half a minute is left of them.
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+viewers+5 }, patience, 10*time.Millisecond)
}

// TestRelayOnly: no address of the home is told, and it plays all the same.
func TestRelayOnly(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: "porchlight", LoggerFactory: silent{},
		AuthHandler: func(a *turn.RequestAttributes) (string, []byte, bool) {
			return a.Username, turn.GenerateAuthKey(a.Username, a.Realm, "password"), true
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: socket,
			RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{
				RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1",
			},
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	engine, err := live.NewEngine(live.EngineConfig{Loopback: true, NoMDNS: true, RelayOnly: true, Log: quiet()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })

	film := small(t)
	m, w := show(t, live.Config{Engine: engine, Main: play(t, film).ring})
	w.servers = []webrtc.ICEServer{{URLs: []string{"turn:" + socket.LocalAddr().String() + "?transport=udp"}, Username: "ann", Credential: "password"}}
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(60)
	decodable(t, v, film)
	pair, err := v.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	require.NoError(t, err)
	require.NotEqual(t, webrtc.ICECandidateTypeHost, pair.Remote.Typ)
	require.False(t, m.Stats().Viewers[0].Direct)
}
