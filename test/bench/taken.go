package main

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// takenCounter is a log handler that counts, in what the Lambdas log, the
// events that were taken in. That costs the database nothing while it is
// being measured; what it holds in the end is asked of the API.
type takenCounter struct {
	want  int64
	done  atomic.Int64
	stale atomic.Int64 // deliveries of a state that was there already
	all   chan struct{}
}

// Enabled implements slog.Handler.
func (*takenCounter) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (c *takenCounter) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c *takenCounter) WithGroup(string) slog.Handler { return c }

// Handle implements slog.Handler.
func (c *takenCounter) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "log" || a.Value.Kind() != slog.KindGroup {
			return true
		}
		taken, stale := false, false
		for _, field := range a.Value.Group() {
			switch field.Key {
			case "msg":
				taken = field.Value.String() == "event taken"
			case "stale":
				stale, _ = field.Value.Any().(bool)
			}
		}
		switch {
		case taken && stale:
			c.stale.Add(1)
		case taken:
			if c.done.Add(1) == c.want {
				close(c.all)
			}
		}
		return true
	})
	return nil
}
