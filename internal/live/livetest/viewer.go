// Package livetest watches cameras as the software of a viewer does: through
// their signaling channels, with an implementation of WebRTC beside. Tests and
// measurements use it.
package livetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"porchlight/internal/kvs/signaling"
)

// Phases are how long a viewer has taken to join, each since it was made, 0
// while it has not been reached.
type Phases struct {
	Offered   time.Duration // signaling was connected and the offer sent
	Answered  time.Duration // the answer came
	Connected time.Duration // keys were agreed on
	Packet    time.Duration // the first packet of video came
	Picture   time.Duration // the first keyframe was whole
}

// Config of a viewer.
type Config struct {
	Signaling signaling.Config
	RelayOnly bool // through TURN alone
}

// Viewer is one that watches. Its methods may be called from any goroutine.
type Viewer struct {
	line *signaling.Client
	pc   *webrtc.PeerConnection
	data *webrtc.DataChannel
	born time.Time

	stop    context.CancelFunc
	running sync.WaitGroup
	opened  chan struct{}
	texts   chan string

	mu       sync.Mutex
	phases   Phases
	refusal  string
	video    []byte
	pictures int
	answered bool
	early    []webrtc.ICECandidateInit
}

// New begins to watch. Close ends it.
func New(ctx context.Context, cfg Config) (*Viewer, error) {
	v := &Viewer{born: time.Now(), line: signaling.NewViewer(cfg.Signaling), opened: make(chan struct{}), texts: make(chan string, 256)}
	ctx, v.stop = context.WithCancel(context.WithoutCancel(ctx))
	v.running.Go(func() { _ = v.line.Run(ctx) }) // ends with ctx alone
	if err := v.connect(ctx, cfg); err != nil {
		v.Close()
		return nil, err
	}
	v.running.Go(func() { v.hear(ctx) })
	return v, nil
}

func (v *Viewer) connect(ctx context.Context, cfg Config) error {
	servers, err := v.line.ICEServers(ctx)
	if err != nil {
		return fmt.Errorf("ask for ICE servers: %w", err)
	}
	settings := webrtc.Configuration{}
	for _, s := range servers {
		settings.ICEServers = append(settings.ICEServers, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	if cfg.RelayOnly {
		settings.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	api, err := newAPI()
	if err != nil {
		return err
	}
	if v.pc, err = api.NewPeerConnection(settings); err != nil {
		return err
	}
	if v.data, err = v.pc.CreateDataChannel("kvsDataChannel", nil); err != nil {
		return err
	}
	v.data.OnOpen(func() { close(v.opened) })
	v.data.OnMessage(func(m webrtc.DataChannelMessage) {
		select {
		case v.texts <- string(m.Data):
		default: // nobody reads them
		}
	})
	v.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			v.reached(func(p *Phases) *time.Duration { return &p.Connected })
		}
	})
	v.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { v.read(track) })
	_, err = v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	if err != nil {
		return err
	}
	return v.offer(ctx)
}

// newAPI makes what asks for lost packets again and reports when what arrived.
func newAPI() (*webrtc.API, error) {
	var codecs webrtc.MediaEngine
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(&codecs, registry); err != nil {
		return nil, err
	}
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.LoggerFactory = silent{}
	return webrtc.NewAPI(webrtc.WithMediaEngine(&codecs), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings)), nil
}

// offer sends the offer, then candidates as they are found.
func (v *Viewer) offer(ctx context.Context) error {
	offer, err := v.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	found := make(chan webrtc.ICECandidateInit, 64)
	v.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			select {
			case found <- c.ToJSON():
			default: // there are enough
			}
		}
	})
	if err := v.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	v.running.Go(func() {
		if v.say(ctx, signaling.Offer, offer) != nil {
			return
		}
		v.reached(func(p *Phases) *time.Duration { return &p.Offered })
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-found:
				if v.say(ctx, signaling.Candidate, c) != nil {
					return
				}
			}
		}
	})
	return nil
}

func (v *Viewer) say(ctx context.Context, kind signaling.Kind, what any) error {
	payload, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return v.line.Send(ctx, signaling.Message{Kind: kind, Payload: payload})
}

func (v *Viewer) reached(phase func(*Phases) *time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if at := phase(&v.phases); *at == 0 {
		*at = time.Since(v.born)
	}
}

// Close ends watching.
func (v *Viewer) Close() {
	v.stop()
	if v.pc != nil {
		_ = v.pc.GracefulClose()
	}
	v.running.Wait()
}
