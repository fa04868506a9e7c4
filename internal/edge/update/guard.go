package update

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// stepPatience is for steps that take seconds, if that.
const stepPatience = 2 * time.Minute

// errSlow is a step that took too long.
var errSlow = errors.New("it took too long")

// guard runs a step that is the agent's, which may fail in any way: return an
// error, panic, or not return at all. One that does not return is left behind.
func (u *Updater) guard(ctx context.Context, what string, patience time.Duration, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%w: %v", errSlow, patience))
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if fault := recover(); fault != nil {
				u.cfg.Log.Error("a step of an update panicked", "step", what, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
				done <- errors.New("a fault in the program, see its log")
			}
		}()
		done <- step(ctx)
	}()
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); errors.Is(cause, errSlow) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		return fmt.Errorf("%s: %w", what, err)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
}
