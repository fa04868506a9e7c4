package live_test

import (
	"net"
	"testing"
	"time"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

// network is a virtual one between a camera and a viewer. What filter makes is
// in front of the viewer.
type network struct {
	camera *live.Engine
	viewer *webrtc.API
}

func newNetwork(t testing.TB, filter func(vnet.NIC) vnet.NIC, pass ...vnet.ChunkFilter) network {
	t.Helper()
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: silent{}, QueueSize: 10_000})
	require.NoError(t, err)
	for _, f := range pass {
		router.AddChunkFilter(f)
	}
	camera, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.1"}})
	require.NoError(t, err)
	viewer, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.2"}})
	require.NoError(t, err)
	require.NoError(t, router.AddNet(camera))
	require.NoError(t, router.AddNet(filter(viewer)))
	require.NoError(t, router.Start())
	t.Cleanup(func() { require.NoError(t, router.Stop()) })
	engine, err := live.NewEngine(live.EngineConfig{Net: camera, Log: quiet()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return network{camera: engine, viewer: viewerAPI(t, func(s *webrtc.SettingEngine) {
		s.SetIncludeLoopbackCandidate(false)
		s.SetNet(viewer)
	})}
}

// TestLoss: what a poor network loses is sent again, and no picture is missed.
func TestLoss(t *testing.T) {
	t.Parallel()
	film := small(t)
	n := newNetwork(t, func(nic vnet.NIC) vnet.NIC {
		lossy, err := vnet.NewLossFilter(nic, 3, vnet.WithShuffleLossHandler(100), vnet.WithLossSeed(1))
		require.NoError(t, err)
		return lossy
	})
	m, w := show(t, live.Config{Engine: n.camera, Main: play(t, film).ring})
	v := newWatcher(t, w, "ann", n.viewer)
	v.watch()
	v.sees(200)
	s := m.Stats().Viewers[0]
	require.Positive(t, s.Resent)
	t.Logf("resent %d, loss %.3f, asked for keyframes %d", s.Resent, s.Loss, s.Pictures)
}

// TestThinLink: a link that becomes too narrow for the main stream gets the
// substream, and the main stream again when it has become wider.
func TestThinLink(t *testing.T) {
	t.Parallel()
	film := clip(t, "640x480", "25", "8", "-g", "50", "-b:v", "1500k", "-maxrate", "1500k", "-bufsize", "1500k")
	half := clip(t, "160x120", "10", "8", "-g", "20", "-b:v", "100k")
	const wide, narrow = 50_000_000, 600_000
	queue := vnet.NewTBFQueue(wide, 3000, 1<<20)
	n := newNetwork(t, func(nic vnet.NIC) vnet.NIC {
		q, err := vnet.NewQueue(nic, queue)
		require.NoError(t, err)
		t.Cleanup(func() { q.Close() })
		return q
	})
	m, w := show(t, live.Config{Engine: n.camera, Main: play(t, film).ring, Sub: play(t, half).ring})
	v := newWatcher(t, w, "ann", n.viewer)
	v.watch()
	on := func(q live.Quality) {
		t.Helper()
		require.Eventually(t, func() bool {
			s := m.Stats().Viewers
			return len(s) == 1 && s[0].On == q
		}, 3*patience, 5*time.Millisecond, "%s: %+v", q, m.Stats())
		s := m.Stats().Viewers[0]
		t.Logf("on %s: width %.1f Mbit/s, queue %s, loss %.3f", q, s.Width/1e6, s.Queue, s.Loss)
	}
	on(live.Main)
	queue.SetRate(narrow)
	on(live.Sub)
	queue.SetRate(wide)
	on(live.Main)
	decodable(t, v, half, film)
}

// TestFixedPorts: viewers share one port, and those without UDP come by TCP.
func TestFixedPorts(t *testing.T) {
	udp, tcp := freePort(t, "udp"), freePort(t, "tcp")
	engine, err := live.NewEngine(live.EngineConfig{UDPPort: udp, TCPPort: tcp, Loopback: true, NoMDNS: true, Log: quiet()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	_, err = live.NewEngine(live.EngineConfig{UDPPort: udp, Loopback: true, NoMDNS: true, Log: quiet()})
	require.ErrorContains(t, err, "which another program may have")

	film := small(t)
	_, w := show(t, live.Config{Engine: engine, Main: play(t, film).ring})
	for _, name := range []string{"ann", "bob"} {
		v := newWatcher(t, w, name, nil)
		v.watch()
		v.sees(30)
		decodable(t, v, film)
		pair, err := v.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		require.NoError(t, err)
		require.EqualValues(t, udp, pair.Remote.Port)
	}
	v := newWatcher(t, w, "tcp", viewerAPI(t, func(s *webrtc.SettingEngine) {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}))
	v.watch()
	v.sees(60)
	decodable(t, v, film)
}

// freePort is one that nobody listens on just now.
func freePort(t testing.TB, network string) int {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
