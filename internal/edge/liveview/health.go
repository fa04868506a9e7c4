package liveview

import (
	"errors"
	"time"

	"porchlight/internal/kvs/signaling"
)

// How long a camera may be off its channel until it is said in its status:
// networks come and go, and what only a person can cure is said soon.
const (
	patience      = 3 * time.Minute
	gravePatience = 30 * time.Second
)

// health judges since when viewers cannot come.
type health struct {
	since   time.Time // zero: they can
	message string
}

// judge returns what a person should know, and whether that is new.
func (h *health) judge(s signaling.Stats, now time.Time) (message string, changed bool) {
	switch {
	case s.State == signaling.Connected, s.Fault == nil:
		h.since = time.Time{}
	case h.since.IsZero() || h.since.After(now):
		h.since = now
	}
	grave := errors.Is(s.Fault, signaling.ErrChannel) || errors.Is(s.Fault, signaling.ErrReplaced)
	if away := now.Sub(h.since); !h.since.IsZero() && (away >= patience || grave && away >= gravePatience) {
		message = "cannot be watched live: " + s.Fault.Error()
	}
	changed, h.message = message != h.message, message
	return message, changed
}
