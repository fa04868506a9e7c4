package capture

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"

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
	shown       func() // if set, is called with every packet of video
	muted       string // why there is no sound, as told
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
	ctx, cancel := context.WithCancel(ctx)
	bus, end := s.cover(ctx, nil)
	defer end()
	var decoding sync.WaitGroup
	defer decoding.Wait()
	defer cancel()
	reader := bus.Subscribe(decoderQueue)
	defer reader.Close()
	decoding.Go(func() { (&liveDecoder{cfg: s.cfg, player: p, packets: reader}).run(ctx) })
	return s.keep(ctx, bus, p.states)
}

// keep connects again and again until ctx ends.
func (s *rtspSource) keep(ctx context.Context, bus *media.Bus, states *states) error {
	retry := backoff{min: s.cfg.retryMin, max: s.cfg.retryMax}
	for {
		began := time.Now()
		err := s.connect(ctx, bus, states)
		s.lost.flush()
		s.large.flush()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		states.lose(err)
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
	track, err := findVideo(desc)
	if err != nil {
		return err
	}
	if _, err := client.Setup(desc.BaseURL, track.media, 0, 0); err != nil {
		return s.explain(err)
	}
	// Over TCP all tracks are received by one goroutine.
	out, alive := &weave{bus: bus}, make(chan struct{}, 1)
	var sync *lipSync
	if s.cfg.Audio && s.cfg.Packets != nil {
		sync = newLipSync()
		s.listen(client, desc, out, sync)
	}
	client.OnPacketRTP(track.media, track.format, s.receiver(client, track, out, sync, func() {
		select {
		case alive <- struct{}{}:
		default:
		}
	}))
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
