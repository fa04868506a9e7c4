package capture

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/polygon"
)

// RelayConfig describes an RTSP stream that is played for its packets alone,
// such as the main stream of a camera whose sub-stream is looked at. URL,
// Packets and Log are required.
type RelayConfig struct {
	Name    string     // of the camera, for logs
	URL     string     // rtsp:// or rtsps://
	Packets *media.Bus // gets the packets
	Audio   bool       // as in Config
	Masks   []polygon.Polygon
	Log     *slog.Logger
	OnState func(state event.CameraState, message string) // as in Config
	Timeout time.Duration                                 // as in Config

	retryMin, retryMax time.Duration
}

// Relay plays an RTSP stream until ctx ends, decoding nothing unless parts of
// it have to be covered. It returns nil when ctx ends, or ErrConfig; faults
// are reported to OnState and tried again as Run does.
func Relay(ctx context.Context, cfg RelayConfig) error {
	c := Config{
		Name: cfg.Name, URL: cfg.URL, Packets: cfg.Packets, Audio: cfg.Audio, Masks: cfg.Masks, Log: cfg.Log,
		OnState: cfg.OnState, Timeout: cfg.Timeout, retryMin: cfg.retryMin, retryMax: cfg.retryMax,
	}
	if err := c.complete(); err != nil {
		return err
	}
	if c.Packets == nil {
		return fmt.Errorf("%w: its packets go nowhere", ErrConfig)
	}
	scheme := strings.ToLower(schemePattern.FindString(c.URL))
	if scheme != "rtsp://" && scheme != "rtsps://" {
		return fmt.Errorf("%w: the stream to record has to begin with rtsp:// or rtsps://", ErrConfig)
	}
	u, err := rtspURL(scheme, c.URL)
	if err != nil {
		return err
	}
	states := &states{cfg: c}
	states.set(event.CameraConnecting, nil)
	newRTSPSource(c, u).relay(ctx, states)
	return nil
}

// relay puts packets on the bus until ctx ends.
func (s *rtspSource) relay(ctx context.Context, states *states) {
	s.shown = func() { states.set(event.CameraRunning, nil) }
	bus, end := s.cover(ctx, func(err error) { states.set(event.CameraFailed, err) })
	defer end()
	_ = s.keep(ctx, bus, states) // it ends with ctx alone
}
