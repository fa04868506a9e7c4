package pipeline

import (
	"slices"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

// severity tells which events are alerts.
type severity struct {
	alerts   config.Alerts
	cooldown time.Duration
	alertEnd time.Time // of the last event that was an alert
}

// rises says whether an active object with this label, in these zones, makes
// an event an alert that was none so far.
func (s *severity) rises(now time.Time, present event.Severity, label string, zones []string) bool {
	since := now.Sub(s.alertEnd) // negative when the clock was set back over a restart
	switch {
	case present == event.Alert, !slices.Contains(s.alerts.Labels, label):
		return false
	case !s.alertEnd.IsZero() && since >= 0 && since < s.cooldown:
		return false
	case len(s.alerts.Zones) == 0:
		return true
	}
	return slices.ContainsFunc(zones, func(z string) bool { return slices.Contains(s.alerts.Zones, z) })
}

func (s *severity) ended(at time.Time, sev event.Severity) {
	if sev == event.Alert {
		s.alertEnd = at
	}
}
