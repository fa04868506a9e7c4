package liveview

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"porchlight/internal/live"
)

// CodeUnsupported is the code of what this device cannot do.
const CodeUnsupported = "unsupported"

// missing is what design asks of cameras and this version cannot do.
func missing() map[string]string {
	return map[string]string{
		"talk":  "this version does not carry speech to cameras",
		"ptz":   "this version does not move cameras",
		"siren": "this device has no siren",
	}
}

// Pictures that the viewers of a camera may ask for, a second and at once:
// each is uploaded.
const (
	snapshotRate  = 0.5
	snapshotBurst = 3
)

// commands are what the viewers of a camera may ask for on the data channel,
// besides ping and quality.
func (s *Studio) commands(camera string) map[string]live.Command {
	all := map[string]live.Command{}
	for name, why := range missing() {
		all[name] = live.Command{Role: live.Member, Do: func(context.Context, live.Request) (any, error) {
			return nil, &live.Fault{Code: CodeUnsupported, Text: why}
		}}
	}
	if s.cfg.Snapshot == nil {
		return all
	}
	limit := rate.NewLimiter(snapshotRate, snapshotBurst)
	all["snapshot"] = live.Command{Role: live.Watcher, Do: func(ctx context.Context, _ live.Request) (any, error) {
		if !limit.Allow() {
			return nil, &live.Fault{Code: live.CodeRate, Text: "pictures are taken every two seconds at most; try again in a moment"}
		}
		result, err := s.cfg.Snapshot(ctx, camera)
		if err != nil {
			fault := &live.Fault{Code: live.CodeFailed, Text: "the picture could not be taken or stored; the log of the device says why"}
			return nil, fmt.Errorf("%w: %w", fault, err)
		}
		return result, nil
	}}
	return all
}
