package pipeline

import (
	"slices"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/things"
)

// thingsWatch tells of things left in, and taken from, the zones whose owner asked for it.
type thingsWatch struct{ watchers []*things.Watcher }

func newThingsWatch(zones map[string]config.Zone) *thingsWatch {
	w := &thingsWatch{}
	for name, zone := range zones {
		if zone.Things {
			w.watchers = append(w.watchers, things.NewWatcher(name, zone.Polygon))
		}
	}
	return w
}

func (w *thingsWatch) observe(v *View) (changes []things.Change) {
	if len(w.watchers) == 0 {
		return nil
	}
	var visitors []event.Box
	for _, t := range v.Tracks {
		if t.Label == "person" && t.True && !t.Known && v.Frame.Time.Sub(t.LastSeen) < stillEvery {
			visitors = append(visitors, t.Box)
		}
	}
	scene := things.Scene{Frame: v.Frame, Visitors: visitors, Motion: v.Motion.Boxes, Unsteady: v.Motion.Calibrating}
	for _, w := range w.watchers {
		changes = append(changes, w.Observe(scene)...)
	}
	return changes
}

// pending says whether an event should stay open for a verdict.
func (w *thingsWatch) pending() bool {
	return slices.ContainsFunc(w.watchers, (*things.Watcher).Pending)
}
