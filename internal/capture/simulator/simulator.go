// Package simulator is an RTSP camera made of a video file, for tests, demos
// and benchmarks: it loops the file as H.264 in real time, can ask for a
// password, and can die and come back.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/pion/rtp"
)

// ErrConfig says that the simulator is configured wrongly.
var ErrConfig = errors.New("camera simulator is configured wrongly")

// Config describes a simulated camera. Only File and Log are required.
type Config struct {
	File string  // video file, any format ffmpeg reads
	Addr string  // host:port to listen on, 127.0.0.1:0 when empty
	FPS  float64 // frames of the file a second at most, 0 for all

	// MaxWidth scales wider files down, in pixels; 0 is never.
	MaxWidth int

	KeyInterval time.Duration // between keyframes; 1 s when 0

	// Encoder is ffmpeg's options for libx264 in place of the default ones,
	// which cost little time and make baseline video without B-frames.
	Encoder []string

	H265  bool  // the video, in place of H.264; Encoder is then for libx265
	Sound Sound // of the file, as which it is sent

	User, Password string // asked for when User is set

	Log *slog.Logger

	// FrameSent, if set, is told of every frame before it goes out: its index in
	// the clip from 0, the round from 0, and the moment at which the camera
	// "took" it, which RTCP sender reports carry too. A busy machine sends it
	// a little later than that. It must not block.
	FrameSent func(index, loop int, at time.Time)

	// SoundSent is FrameSent for frames of sound.
	SoundSent func(frame []byte, at time.Time)
}

// Camera is a running simulated camera.
type Camera struct {
	cfg    Config
	clip   *clip
	encode func(nals [][]byte) ([]*rtp.Packet, error)
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	addr   string  // fixed once listening
	server *server // nil while killed
}

// New encodes the file, starts to listen and plays until Close. ctx bounds
// only the encoding.
func New(ctx context.Context, cfg Config) (*Camera, error) {
	if cfg.File == "" || cfg.Log == nil {
		return nil, fmt.Errorf("%w: it needs a file and a logger", ErrConfig)
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	clip, err := loadClip(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c := &Camera{cfg: cfg, clip: clip, addr: cfg.Addr}
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("camera simulator: %w", err)
	}
	if err := c.restore(ctx); err != nil {
		return nil, err
	}
	playing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	c.done.Go(func() { c.play(playing) })
	return c, nil
}

// prepare makes the parts that turn access units into RTP packets.
func (c *Camera) prepare() error {
	if c.cfg.H265 {
		encoder := &rtph265.Encoder{PayloadType: payloadType}
		c.encode = encoder.Encode
		return encoder.Init()
	}
	encoder := &rtph264.Encoder{PayloadType: payloadType, PacketizationMode: 1}
	c.encode = encoder.Encode
	return encoder.Init()
}

// Frames is the number of frames in one round of the clip.
func (c *Camera) Frames() int { return len(c.clip.units) }

// URL is the camera's address, with user and password if it asks for them.
func (c *Camera) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := url.URL{Scheme: "rtsp", Host: c.addr, Path: "/" + streamPath}
	if c.cfg.User != "" {
		u.User = url.UserPassword(c.cfg.User, c.cfg.Password)
	}
	return u.String()
}

// Kill breaks all connections and refuses new ones, as if the camera had lost
// power. Its clip plays on unseen.
func (c *Camera) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		c.server.close()
		c.server = nil
	}
}

// Restore undoes Kill, at the same address.
func (c *Camera) Restore() error { return c.restore(context.Background()) }

func (c *Camera) restore(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		return nil
	}
	s, err := listen(ctx, c.addr, c.cfg, c.clip)
	if err != nil {
		return err
	}
	c.server = s
	if host, _, err := net.SplitHostPort(c.addr); err == nil {
		_, port, _ := net.SplitHostPort(s.address())
		c.addr = net.JoinHostPort(host, port)
	}
	return nil
}

// Close ends the camera.
func (c *Camera) Close() {
	c.cancel()
	c.done.Wait()
	c.Kill()
}

// play sends the clip over and over, timestamps running on.
func (c *Camera) play(ctx context.Context) {
	start := time.Now()
	sounds := soundSender{cam: c}
	for loop := 0; ; loop++ {
		round := time.Duration(loop) * c.clip.length
		for i, unit := range c.clip.units {
			offset := round + unit.pts
			timer := time.NewTimer(time.Until(start.Add(offset)))
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			c.send(i, loop, offset, start.Add(offset), unit)
			sounds.until(start, round, unit.pts)
		}
	}
}

func (c *Camera) send(index, loop int, offset time.Duration, at time.Time, unit unit) {
	packets, err := c.encode(unit.nals)
	if err != nil {
		c.cfg.Log.Error("camera simulator cannot packetize", "error", err)
		return
	}
	// Before the first packet: whoever has received the frame was told of it.
	if c.cfg.FrameSent != nil {
		c.cfg.FrameSent(index, loop, at)
	}
	c.mu.Lock()
	if c.server != nil {
		for _, p := range packets {
			p.Timestamp = uint32(offset.Nanoseconds() * 9 / 100_000) // 90 kHz
			if err := c.server.write(c.server.track, p, at); err != nil {
				c.cfg.Log.Debug("camera simulator cannot send", "error", err)
			}
		}
	}
	c.mu.Unlock()
}
