// Package capture brings pictures in: from RTSP cameras, USB cameras, video
// files, single pictures and folders of pictures.
//
// RTSP is spoken in this process and its packets go on a media.Bus untouched;
// all decoding happens in ffmpeg children (package ffmpeg). Run is one camera:
// it outlives every fault of a live source and hands on BGR frames with the
// wall-clock time at which each was taken.
package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/polygon"
)

// What can be wrong with a source. Errors wrap these and name cause and cure.
var (
	ErrNotVideo     = ffmpeg.ErrNotVideo
	ErrNoDecoder    = ffmpeg.ErrMissing
	ErrUnreachable  = errors.New("camera cannot be reached")
	ErrUnauthorized = errors.New("camera refuses the user name or password")
	ErrNoVideoTrack = errors.New("camera offers no H.264 or H.265 video")
	ErrNotFound     = errors.New("no such source")
	ErrStalled      = errors.New("camera has stopped sending pictures")
	ErrConfig       = errors.New("camera is configured wrongly")
)

// Pace is how fast a file is played. Live sources have their own pace.
type Pace int

// The paces.
const (
	RealTime  Pace = iota // as fast as it was filmed; frames a slow handler misses are dropped
	FullSpeed             // as fast as the handler takes frames; every frame is delivered
)

// Config describes one source. Only URL and Log are required.
type Config struct {
	Name string // of the camera, for logs
	// URL is rtsp://, rtsps://, /dev/videoN, or the path (also as file://) of
	// a video file, a picture or a folder of pictures.
	URL      string
	FPS      float64 // frames a second at most; 0 is every frame. Folders of pictures show FPS pictures a second, 1 when 0
	MaxWidth int     // wider pictures are scaled down to this, in pixels; 0 is never
	Pace     Pace    // of files
	Loop     bool    // files start over at their end; Time and Offset go on rising
	Log      *slog.Logger

	// OnState, if set, is told what the camera does, when that changes. The
	// message says cause and cure of a fault and holds no secrets. It may be
	// called from several goroutines, never at once.
	OnState func(state event.CameraState, message string)

	// Packets, if set, gets the packets of the video, with the times of the
	// frames: those of an RTSP camera, or of a file that players show as it is;
	// else, and with Masks, the video is encoded to H.264, which takes
	// processor time and is said in the log. Single pictures and files at
	// FullSpeed have none.
	Packets *media.Bus

	// Audio puts sound on Packets too, where there is any: AAC as it is, of
	// files other sound as AAC. What cannot be carried is said in the log.
	Audio bool

	// Masks are covered in Packets. When that fails there are no packets.
	// Frames are not touched. The polygons must be valid.
	Masks []polygon.Polygon

	// Attention, if set, lets an RTSP camera rest while nothing happens.
	Attention *Attention

	// Timeout bounds every step of connecting and the wait for the next
	// packet or picture of a live source; 10 s when 0.
	Timeout time.Duration

	retryMin, retryMax time.Duration // between reconnects; 0.5 s and 30 s when 0
}

// Run plays one source until ctx ends, handing each frame to handle, one at a
// time. It returns nil when ctx ends or a file that does not loop has been
// played, ErrConfig, ErrNotFound, ErrNotVideo or ErrNoDecoder when there is
// nothing to play, and never because a live source is at fault: that is
// reported to OnState and tried again, 0.5 to 30 seconds later.
//
// A frame's Time is at least a millisecond after that of the frame before,
// also over reconnects and when a clock steps back; its Offset is what the
// source says and may run back where a file's timestamps or a camera's do.
//
// A file whose pictures change their size goes on at the size of its first
// one; a camera that does so goes on at its new size.
//
// A slow handler makes a live or real-time source drop frames, never lag.
func Run(ctx context.Context, cfg Config, handle func(*event.Frame)) error {
	if err := cfg.complete(); err != nil {
		return err
	}
	src, err := open(ctx, cfg)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	states := &states{cfg: cfg}
	states.set(event.CameraConnecting, nil)

	p := &player{cfg: cfg, states: states, times: timeline{log: cfg.Log}, deliver: handle}
	if src.live() || cfg.Pace == RealTime {
		box := newLatest(cfg.Log, handle)
		defer box.close()
		p.deliver = box.put
	}
	err = src.play(ctx, p)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		states.set(event.CameraFailed, err)
		return err
	}
	states.set(event.CameraEnded, nil)
	return nil
}

func (c *Config) complete() error {
	switch {
	case c.Log == nil:
		return fmt.Errorf("%w: it needs a logger", ErrConfig)
	case c.FPS < 0 || c.FPS > 1000 || math.IsNaN(c.FPS):
		return fmt.Errorf("%w: %g frames a second; want 0 to 1000", ErrConfig, c.FPS)
	case c.MaxWidth < 0:
		return fmt.Errorf("%w: width %d; want 0 or more pixels", ErrConfig, c.MaxWidth)
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.retryMin <= 0 {
		c.retryMin = 500 * time.Millisecond
	}
	if c.retryMax <= 0 {
		c.retryMax = 30 * time.Second
	}
	c.Log = c.Log.With("camera", c.Name)
	return nil
}

// source is one kind of input.
type source interface {
	live() bool // has its own pace and is never given up
	play(ctx context.Context, p *player) error
}

// player hands on the frames of a source.
type player struct {
	cfg      Config
	states   *states
	times    timeline
	deliver  func(*event.Frame)
	sequence int64
}

// show hands on one picture. Only one goroutine at a time may call it.
func (p *player) show(pic ffmpeg.Picture, at time.Time, offset time.Duration) {
	p.states.set(event.CameraRunning, nil)
	p.deliver(&event.Frame{
		Sequence: p.sequence,
		Time:     p.times.at(at),
		Offset:   offset,
		Width:    pic.Width,
		Height:   pic.Height,
		Pix:      pic.Pix,
	})
	p.sequence++
}
