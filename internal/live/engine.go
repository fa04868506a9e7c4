package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"
)

// EngineConfig is what all live views of one process have in common. Only Log
// is required.
type EngineConfig struct {
	// UDPPort carries the media of all viewers when it is not 0, for
	// firewalls; otherwise each viewer gets a port of its own.
	UDPPort int
	// TCPPort takes viewers whose network lets no UDP through (RFC 6544);
	// none when 0.
	TCPPort int
	// Loopback offers 127.0.0.1 too, for a viewer on the same machine.
	Loopback bool
	// RelayOnly uses TURN servers alone, so that no address of the home is told.
	RelayOnly bool
	// NoMDNS does not look up the names browsers hide their addresses behind.
	NoMDNS bool
	Net    transport.Net // the network, the machine's when nil
	Log    *slog.Logger
}

// Engine is the WebRTC of one process. It is safe for concurrent use.
type Engine struct {
	api          *webrtc.API
	certificates []webrtc.Certificate
	policy       webrtc.ICETransportPolicy
	closers      []func() error
}

// Times after which a silent peer is doubted, and given up. The keep-alive is
// also what keeps a router's port open.
const (
	iceDoubt     = 5 * time.Second
	iceGiveUp    = 15 * time.Second
	iceKeepAlive = 2 * time.Second
)

// NewEngine makes everything that can be made before the first viewer comes.
// It fails when a port is taken. Close releases the ports.
func NewEngine(cfg EngineConfig) (*Engine, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	e := &Engine{certificates: []webrtc.Certificate{*certificate}}
	if cfg.RelayOnly {
		e.policy = webrtc.ICETransportPolicyRelay
	}
	settings := webrtc.SettingEngine{LoggerFactory: logs{cfg.Log}}
	settings.SetICETimeouts(iceDoubt, iceGiveUp, iceKeepAlive)
	settings.SetIncludeLoopbackCandidate(cfg.Loopback)
	settings.SetInterfaceFilter(reachable)
	settings.SetDTLSInsecureSkipHelloVerify(true) // spares a round trip; ICE has proved the address
	settings.SetSCTPMaxReceiveBufferSize(64 << 10)
	if cfg.NoMDNS || cfg.Net != nil {
		settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	}
	if cfg.Net != nil {
		settings.SetNet(cfg.Net)
	}
	if err := e.listen(cfg, &settings); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	codecs, err := mediaEngine()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("register codecs: %w", err), e.Close())
	}
	reports, err := report.NewSenderInterceptor(report.WithSenderLoggerFactory(logs{cfg.Log}), report.SenderUseLatestPacket())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make sender reports: %w", err), e.Close())
	}
	registry := &interceptor.Registry{}
	registry.Add(reports)
	e.api = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(codecs),
		webrtc.WithInterceptorRegistry(registry))
	return e, nil
}

// listen opens the fixed ports.
func (e *Engine) listen(cfg EngineConfig, settings *webrtc.SettingEngine) error {
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if cfg.UDPPort != 0 {
		options := []ice.UDPMuxFromPortOption{
			ice.UDPMuxFromPortWithInterfaceFilter(reachable),
			ice.UDPMuxFromPortWithLogger(logs{cfg.Log}.NewLogger("udp")),
		}
		if cfg.Loopback {
			options = append(options, ice.UDPMuxFromPortWithLoopback())
		}
		mux, err := ice.NewMultiUDPMuxFromPort(cfg.UDPPort, options...)
		if err != nil {
			return fmt.Errorf("open UDP port %d for live view, which another program may have: %w", cfg.UDPPort, err)
		}
		e.closers = append(e.closers, mux.Close)
		settings.SetICEUDPMux(mux)
	}
	if cfg.TCPPort != 0 {
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(cfg.TCPPort)) //nolint:noctx // lives as long as the engine
		if err != nil {
			return fmt.Errorf("open TCP port %d for live view, which another program may have: %w", cfg.TCPPort, err)
		}
		mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: listener, Logger: logs{cfg.Log}.NewLogger("tcp"),
			ReadBufferSize: 8, WriteBufferSize: tcpBuffer,
		})
		e.closers = append(e.closers, mux.Close)
		settings.SetICETCPMux(mux)
		networks = append(networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	settings.SetNetworkTypes(networks)
	return nil
}

// tcpBuffer is what may wait for a viewer that reads slowly over TCP, in
// bytes. What exceeds it is lost, as it would be over UDP.
const tcpBuffer = 1 << 20

// Close releases the ports. Masters must have been closed before.
func (e *Engine) Close() error {
	var errs []error
	for _, c := range e.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// connection makes the next viewer's peer connection.
func (e *Engine) connection(servers []webrtc.ICEServer) (*webrtc.PeerConnection, error) {
	return e.api.NewPeerConnection(webrtc.Configuration{
		ICEServers: servers, ICETransportPolicy: e.policy, Certificates: e.certificates,
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
}

// reachable leaves out the interfaces of containers and virtual machines,
// which no viewer can reach: each would cost every join more candidates.
func reachable(name string) bool {
	for _, prefix := range []string{"docker", "br-", "veth", "virbr", "cni", "flannel", "podman", "lxc"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}
