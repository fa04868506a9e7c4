package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"porchlight/internal/media"
)

// decoderQueue is how many packets the decoder may fall behind before it
// skips to the next keyframe: about four seconds.
const decoderQueue = 120

// rtspSource is an RTSP camera. Its connection and its decoder meet only on
// the packet bus, so that neither's faults touch the other.
type rtspSource struct {
	cfg Config
	url *base.URL

	lost, large *tally // RTP packets; access units
}

func newRTSPSource(cfg Config, u *base.URL) *rtspSource {
	return &rtspSource{
		cfg: cfg, url: u,
		lost: &tally{tell: func(n uint64) {
			cfg.Log.Warn("packets lost on the way from the camera; check its network", "lost", n)
		}},
		large: largeTally(&cfg),
	}
}

// largeTally counts access units that are too large.
func largeTally(cfg *Config) *tally {
	return &tally{tell: func(n uint64) {
		cfg.Log.Warn("access units left out because they are too large; lower the camera's bit rate",
			"access_units", n, "limit_bytes", media.MaxAccessUnit)
	}}
}

func (s *rtspSource) live() bool { return true }

func (s *rtspSource) play(ctx context.Context, p *player) error {
	bus := s.cfg.Packets
	if bus == nil {
		bus = &media.Bus{}
	}
	ctx, cancel := context.WithCancel(ctx)
	var decoding sync.WaitGroup
	defer decoding.Wait()
	defer cancel()
	reader := bus.Subscribe(decoderQueue)
	defer reader.Close()
	decoding.Go(func() { (&liveDecoder{cfg: s.cfg, player: p, packets: reader}).run(ctx) })

	retry := backoff{min: s.cfg.retryMin, max: s.cfg.retryMax}
	for {
		began := time.Now()
		err := s.connect(ctx, bus, p.states)
		s.lost.flush()
		s.large.flush()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.states.lose(err)
		if time.Since(began) > s.cfg.retryMax {
			retry.reset()
		}
		wait := retry.delay()
		s.cfg.Log.Debug("camera is tried again", "after", wait.Round(time.Millisecond))
		sleep(ctx, wait)
	}
}

// connect plays one connection until it fails.
func (s *rtspSource) connect(ctx context.Context, bus *media.Bus, states *states) error {
	tcp := gortsplib.ProtocolTCP
	client := &gortsplib.Client{
		Scheme:       s.url.Scheme,
		Host:         s.url.Host,
		Protocol:     &tcp,
		ReadTimeout:  s.cfg.Timeout,
		WriteTimeout: s.cfg.Timeout,
		UserAgent:    "porchlight",
		OnDecodeError: func(err error) {
			s.cfg.Log.Debug("damaged packet", "error", Redact(err.Error()))
		},
		OnPacketsLost: s.lost.add,
	}
	if err := client.Start(); err != nil {
		return s.explain(err)
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, client.Close)
	defer stop()

	desc, _, err := client.Describe(s.url)
	if err != nil {
		return s.explain(err)
	}
	var h264 *format.H264
	track := desc.FindFormat(&h264)
	if track == nil {
		return fmt.Errorf("%w; it offers %s: choose H.264 in the camera's video settings", ErrNoVideoTrack, offered(desc))
	}
	if _, err := client.Setup(desc.BaseURL, track, 0, 0); err != nil {
		return s.explain(err)
	}
	alive := make(chan struct{}, 1)
	receive, err := s.receiver(client, track, h264, bus, alive)
	if err != nil {
		return err
	}
	client.OnPacketRTP(track, h264, receive)
	states.regain()
	if _, err := client.Play(nil); err != nil {
		return s.explain(err)
	}
	s.cfg.Log.Info("connected to camera", "url", Redact(s.cfg.URL))
	return s.watch(client, alive)
}

// watch waits until the connection fails or brings no access unit for the
// timeout, be it one that cannot be decoded yet: some keyframes are far apart.
func (s *rtspSource) watch(client *gortsplib.Client, alive <-chan struct{}) error {
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	silence := time.NewTimer(s.cfg.Timeout)
	defer silence.Stop()
	for {
		select {
		case err := <-ended:
			return s.explain(err)
		case <-alive:
			silence.Reset(s.cfg.Timeout)
		case <-silence.C:
			client.Close()
			<-ended
			return fmt.Errorf("%w for %s; check the camera and its network", ErrStalled, s.cfg.Timeout)
		}
	}
}

// receiver returns the function that turns RTP packets into packets on the bus.
func (s *rtspSource) receiver(client *gortsplib.Client, track *description.Media, f *format.H264,
	bus *media.Bus, alive chan<- struct{},
) (func(*rtp.Packet), error) {
	units, err := f.CreateDecoder()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoVideoTrack, err)
	}
	packets := media.NewH264Packetizer(f.SPS, f.PPS)
	clock := &wallClock{log: s.cfg.Log}
	return func(pkt *rtp.Packet) {
		now := time.Now()
		// The library has to see every packet, or it never finds the time base.
		ticks, timed := client.PacketPTS(track, pkt)
		reported, _ := client.PacketNTP(track, pkt)
		au, err := units.Decode(pkt)
		if err != nil || !timed {
			return // normal between the packets of one access unit
		}
		select {
		case alive <- struct{}{}:
		default:
		}
		pts := media.Ticks(ticks, media.H264ClockRate)
		p, err := packets.Packet(au, pts, clock.at(pts, now, reported))
		if err != nil {
			if errors.Is(err, media.ErrTooLarge) {
				s.large.add(1)
			}
			return
		}
		bus.Publish(p)
	}, nil
}

// offered lists what a camera offers instead of H.264.
func offered(desc *description.Session) string {
	var names []string
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			name, _, _ := strings.Cut(f.RTPMap(), "/")
			names = append(names, cmp.Or(name, fmt.Sprintf("payload type %d", f.PayloadType())))
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
