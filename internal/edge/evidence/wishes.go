package evidence

import (
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

// wishes are what the owner wants uploaded.
type wishes struct {
	upload  config.Upload
	windows []config.Window
}

func newWishes(u config.Upload) wishes { return wishes{upload: u, windows: u.Windows()} }

// event tells whether an event is uploaded for its own sake.
func (w wishes) event(s event.Severity) bool {
	switch w.upload.Mode {
	case config.VideoEvents, config.VideoContinuous:
		return true
	case config.VideoAlerts:
		return s == event.Alert
	}
	return false
}

// always tells whether everything is uploaded at a time, in the time zone that
// it has.
func (w wishes) always(now time.Time) bool {
	if w.upload.Mode == config.VideoContinuous {
		return true
	}
	for _, window := range w.windows {
		if window.Holds(now) {
			return true
		}
	}
	return false
}

// images tells whether pictures are made of an event's video.
func (w wishes) images(s event.Severity) bool { return w.upload.Images && s == event.Alert }
