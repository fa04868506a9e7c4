package simulator

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"porchlight/internal/capture/ffmpeg"
)

// Sound says as what a camera sends its sound.
type Sound string

// The kinds of sound. The empty one is none.
const (
	NoSound Sound = ""
	AAC     Sound = "aac"  // at 16 kHz, mono
	G711    Sound = "pcma" // A-law
)

const (
	soundPayload = payloadType + 1
	aacRate      = 16000
	g711Frame    = 160 // samples: 20 ms
)

// sound is a file's sound as RTP packets, in order.
type sound struct {
	format format.Format
	rate   int // ticks a second
	frames [][]byte
	each   int // ticks
	packet func(frame []byte) ([]*rtp.Packet, error)
}

func loadSound(ctx context.Context, cfg Config) (*sound, error) {
	args := append([]string{"-hide_banner", "-nostdin", "-v", "error"}, ffmpeg.FileInput(cfg.File)...)
	args = append(args, "-map", "0:a:0", "-ac", "1")
	if cfg.Sound == G711 {
		args = append(args, "-c:a", "pcm_alaw", "-ar", "8000", "-f", "alaw", "pipe:1")
	} else {
		args = append(args, "-c:a", "aac", "-ar", fmt.Sprint(aacRate), "-f", "adts", "pipe:1")
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("encode the sound of %s: %w: %s", cfg.File, err, errs.String())
	}
	if cfg.Sound == G711 {
		return g711Sound(out)
	}
	return aacSound(out)
}

func aacSound(adts []byte) (*sound, error) {
	var packets mpeg4audio.ADTSPackets
	if err := packets.Unmarshal(adts); err != nil {
		return nil, fmt.Errorf("encode sound: %w", err)
	}
	f := &format.MPEG4Audio{
		PayloadTyp: soundPayload, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
		Config: &mpeg4audio.AudioSpecificConfig{
			Type: packets[0].Type, SampleRate: packets[0].SampleRate, ChannelConfig: packets[0].ChannelConfig,
		},
	}
	encoder, err := f.CreateEncoder()
	if err != nil {
		return nil, err
	}
	s := &sound{format: f, rate: aacRate, each: 1024, packet: func(frame []byte) ([]*rtp.Packet, error) {
		return encoder.Encode([][]byte{frame})
	}}
	for _, p := range packets {
		s.frames = append(s.frames, p.AU)
	}
	return s, nil
}

func g711Sound(samples []byte) (*sound, error) {
	f := &format.G711{PayloadTyp: 8, MULaw: false, SampleRate: 8000, ChannelCount: 1}
	encoder, err := f.CreateEncoder()
	if err != nil {
		return nil, err
	}
	s := &sound{format: f, rate: 8000, each: g711Frame, packet: encoder.Encode}
	for ; len(samples) >= g711Frame; samples = samples[g711Frame:] {
		s.frames = append(s.frames, samples[:g711Frame])
	}
	return s, nil
}

// soundSender sends the sound that goes with the pictures.
type soundSender struct {
	cam  *Camera
	next int // frame of this round
	last time.Duration
}

// until sends what is heard in a round, which began at round, up to pts.
func (s *soundSender) until(start time.Time, round, pts time.Duration) {
	c := s.cam
	if c.clip.sound == nil {
		return
	}
	if pts < s.last {
		s.next = 0 // a new round
	}
	s.last = pts
	each := time.Duration(c.clip.sound.each) * time.Second / time.Duration(c.clip.sound.rate)
	for ; s.next < len(c.clip.sound.frames) && time.Duration(s.next)*each <= pts; s.next++ {
		offset := round + time.Duration(s.next)*each
		c.sendSound(c.clip.sound.frames[s.next], offset, start.Add(offset))
	}
}

func (c *Camera) sendSound(frame []byte, offset time.Duration, at time.Time) {
	packets, err := c.clip.sound.packet(frame)
	if err != nil {
		c.cfg.Log.Error("camera simulator cannot packetize sound", "error", err)
		return
	}
	if c.cfg.SoundSent != nil {
		c.cfg.SoundSent(frame, at)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return
	}
	for _, p := range packets {
		p.Timestamp = uint32(offset.Microseconds() * int64(c.clip.sound.rate) / 1_000_000)
		if err := c.server.write(c.server.sound, p, at); err != nil {
			c.cfg.Log.Debug("camera simulator cannot send sound", "error", err)
		}
	}
}
