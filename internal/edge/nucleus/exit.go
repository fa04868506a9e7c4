package nucleus

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"porchlight/internal/backoff"
	"porchlight/internal/greengrass"
)

// exitsFile remembers exits; longestWait is how long to wait for one when it
// cannot be used: twice an hour is forgiven.
const (
	exitsFile   = "nucleus-exits.json"
	longestWait = 31 * time.Minute
)

// ended waits, after a token proved void, until the process may exit.
func (n *Nucleus) ended(ctx context.Context, err error) error {
	if !errors.Is(err, greengrass.ErrTokenVoid) {
		return err
	}
	if n.awaitExit(ctx, err) {
		return err
	}
	return nil
}

// awaitExit says whether the process may exit; it is false if ctx ended first.
func (n *Nucleus) awaitExit(ctx context.Context, why error) bool {
	exits := greengrass.Restarts{File: filepath.Join(n.cfg.Folder, exitsFile), Now: n.cfg.Now}
	delay, unknown := exits.Delay()
	if unknown != nil {
		delay = longestWait
	}
	n.cfg.Log.Error("the Greengrass nucleus restarted and does not know this process any more: it exits, to be started again",
		"in", delay.Round(time.Second).String(), "error", why)
	if unknown == nil {
		unknown = exits.AwaitExit(ctx)
	} else {
		backoff.Pause(ctx, delay)
	}
	if ctx.Err() != nil {
		return false
	}
	if unknown != nil {
		n.cfg.Log.Error("this exit is not remembered", "error", unknown)
	}
	return true
}
