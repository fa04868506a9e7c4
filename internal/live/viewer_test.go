package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

// wire is signaling within the process.
type wire struct {
	in      chan live.Message
	servers []webrtc.ICEServer

	mu  sync.Mutex
	out map[string]func(live.Message)
}

func newWire() *wire {
	return &wire{in: make(chan live.Message, 1024), out: make(map[string]func(live.Message))}
}

func (w *wire) Receive(ctx context.Context) (live.Message, error) {
	select {
	case m, ok := <-w.in:
		if !ok {
			return m, io.EOF
		}
		return m, nil
	case <-ctx.Done():
		return live.Message{}, ctx.Err()
	}
}

func (w *wire) Send(_ context.Context, m live.Message) error {
	w.mu.Lock()
	to := w.out[m.Client]
	w.mu.Unlock()
	if to == nil {
		return errors.New("no such client")
	}
	to(m)
	return nil
}

func (w *wire) ICEServers(context.Context) ([]webrtc.ICEServer, error) { return w.servers, nil }

func (w *wire) listen(client string, to func(live.Message)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out[client] = to
}

// show serves a camera until the test ends.
func show(t testing.TB, cfg live.Config, over ...*wire) (*live.Master, *wire) {
	t.Helper()
	if cfg.Engine == nil {
		engine, err := live.NewEngine(live.EngineConfig{Loopback: true, NoMDNS: true, Log: quiet()})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, engine.Close()) })
		cfg.Engine = engine
	}
	if cfg.Log == nil {
		cfg.Log = quiet()
	}
	cfg.Camera = "porch.door"
	m := live.NewMaster(cfg)
	w := newWire()
	if len(over) > 0 {
		w = over[0]
	}
	var done sync.WaitGroup
	done.Go(func() { require.ErrorIs(t, m.Serve(context.Background(), w), live.ErrClosed) })
	t.Cleanup(func() { m.Close(); done.Wait() })
	return m, w
}

// watcher is a viewer made of pion.
type watcher struct {
	t      testing.TB
	name   string
	wire   *wire
	pc     *webrtc.PeerConnection
	data   *webrtc.DataChannel
	answer chan webrtc.SessionDescription
	deaf   bool // hears no answer
	gone   atomic.Bool
	opened chan struct{}
	texts  chan string

	mu      sync.Mutex
	units   [][][]byte
	stamps  []uint32 // RTP times of units
	packets int
	media   uint32 // SSRC
	early   []webrtc.ICECandidateInit
	remote  bool
}

// viewerAPI is what a pion viewer is made with.
func viewerAPI(t testing.TB, change func(*webrtc.SettingEngine)) *webrtc.API {
	t.Helper()
	var m webrtc.MediaEngine
	require.NoError(t, m.RegisterDefaultCodecs())
	for _, uri := range []string{"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"} {
		require.NoError(t, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	return viewerWith(t, &m, change)
}

func viewerWith(t testing.TB, m *webrtc.MediaEngine, change func(*webrtc.SettingEngine)) *webrtc.API {
	t.Helper()
	i := newRegistry(t, m)
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(1)
	// As browsers have it: pion's own would turn down what is sent again after
	// a keyframe.
	s.SetSRTPReplayProtectionWindow(1024)
	s.LoggerFactory = silent{}
	if change != nil {
		change(&s)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(i))
}

// newWatcher makes a viewer that has not offered yet.
func newWatcher(t testing.TB, w *wire, name string, api *webrtc.API) *watcher {
	t.Helper()
	if api == nil {
		api = viewerAPI(t, nil)
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{ICEServers: w.servers})
	require.NoError(t, err)
	v := &watcher{
		t: t, name: name, wire: w, pc: pc,
		answer: make(chan webrtc.SessionDescription, 4), opened: make(chan struct{}), texts: make(chan string, 1024),
	}
	t.Cleanup(v.leave)
	w.listen(name, v.receive)
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			v.send(live.Candidate, c.ToJSON())
		}
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { v.read(track) })
	v.data, err = pc.CreateDataChannel("kvsDataChannel", nil)
	require.NoError(t, err)
	v.data.OnOpen(func() { close(v.opened) })
	v.data.OnMessage(func(m webrtc.DataChannelMessage) { v.texts <- string(m.Data) })
	return v
}

func (v *watcher) leave() {
	v.gone.Store(true)
	require.NoError(v.t, v.pc.GracefulClose())
}

func (v *watcher) send(kind live.Kind, payload any) {
	data, err := json.Marshal(payload)
	require.NoError(v.t, err)
	v.wire.in <- live.Message{Client: v.name, Kind: kind, Payload: data}
}

// offer asks to watch.
func (v *watcher) offer(options *webrtc.OfferOptions) {
	v.t.Helper()
	offer, err := v.pc.CreateOffer(options)
	require.NoError(v.t, err)
	require.NoError(v.t, v.pc.SetLocalDescription(offer))
	v.mu.Lock()
	v.remote = false
	v.mu.Unlock()
	v.send(live.Offer, offer)
}

// watch asks for video and waits for the answer.
func (v *watcher) watch() webrtc.SessionDescription {
	v.t.Helper()
	_, err := v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	require.NoError(v.t, err)
	v.offer(nil)
	return v.answered()
}

func (v *watcher) answered() webrtc.SessionDescription {
	v.t.Helper()
	select {
	case a := <-v.answer:
		return a
	case <-time.After(patience):
		require.FailNow(v.t, "no answer")
		panic("unreachable")
	}
}

// still fails the test unless the viewer has left meanwhile.
func (v *watcher) still(err error) {
	if !v.gone.Load() {
		require.NoError(v.t, err)
	}
}

func (v *watcher) receive(m live.Message) {
	switch m.Kind {
	case live.Answer:
		if v.deaf {
			return
		}
		var a webrtc.SessionDescription
		require.NoError(v.t, json.Unmarshal(m.Payload, &a))
		v.still(v.pc.SetRemoteDescription(a))
		v.mu.Lock()
		early := v.early
		v.remote, v.early = true, nil
		v.mu.Unlock()
		for _, c := range early {
			v.still(v.pc.AddICECandidate(c))
		}
		v.answer <- a
	case live.Candidate:
		var c webrtc.ICECandidateInit
		require.NoError(v.t, json.Unmarshal(m.Payload, &c))
		v.mu.Lock()
		if !v.remote {
			v.early = append(v.early, c)
			v.mu.Unlock()
			return
		}
		v.mu.Unlock()
		v.still(v.pc.AddICECandidate(c))
	}
}

// read puts access units together again, waiting for what is sent again.
func (v *watcher) read(track *webrtc.TrackRemote) {
	v.mu.Lock()
	v.media = uint32(track.SSRC())
	v.mu.Unlock()
	var decoder rtph264.Decoder
	decoder.PacketizationMode = 1
	require.NoError(v.t, decoder.Init())
	take := func(p *rtp.Packet) {
		au, err := decoder.Decode(p)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.packets++
		if err == nil && p.Marker {
			v.units = append(v.units, au)
			v.stamps = append(v.stamps, p.Timestamp)
		}
	}
	early, next, begun := make(map[uint16]*rtp.Packet), uint16(0), false
	for {
		p, _, err := track.ReadRTP()
		switch {
		case err != nil:
			return
		case !begun:
			next, begun = p.SequenceNumber, true
		}
		early[p.SequenceNumber] = p
		for p, ok := early[next]; ok; p, ok = early[next] {
			take(p)
			delete(early, next)
			next++
		}
	}
}

// got is how many access units have arrived.
func (v *watcher) got() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.units)
}

// received is how many packets have arrived.
func (v *watcher) received() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.packets
}

// sees waits until n access units have arrived.
func (v *watcher) sees(n int) {
	v.t.Helper()
	require.Eventually(v.t, func() bool { return v.got() >= n }, patience, time.Millisecond, "%s has not seen %d pictures", v.name, n)
}

// asks for a keyframe.
func (v *watcher) asks() {
	v.mu.Lock()
	ssrc := v.media
	v.mu.Unlock()
	require.NoError(v.t, v.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}))
}

// ask sends a text on the data channel.
func (v *watcher) ask(text string) {
	v.t.Helper()
	select {
	case <-v.opened:
	case <-time.After(patience):
		require.FailNow(v.t, "no data channel")
	}
	require.NoError(v.t, v.data.SendText(text))
}

// replied is the next reply on the data channel.
func (v *watcher) replied() string { return v.told(`"type":"reply"`) }

// told is the next text on the data channel that holds what.
func (v *watcher) told(what string) string {
	v.t.Helper()
	for {
		select {
		case text := <-v.texts:
			if strings.Contains(text, what) {
				return text
			}
		case <-time.After(patience):
			require.FailNow(v.t, "nothing said", what)
		}
	}
}
