package pipeline

import (
	"slices"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/things"
	"porchlight/internal/track"
)

// thingsWatch tells of things left in, and taken from, the zones whose owner asked for it.
// The zones are watched for things of any kind; what the tracker follows, a
// bicycle say, it knows of itself.
type thingsWatch struct {
	zones    map[string]config.Zone
	watchers []*things.Watcher
}

func newThingsWatch(zones map[string]config.Zone) *thingsWatch {
	w := &thingsWatch{zones: zones}
	for name, zone := range zones {
		if zone.Things {
			w.watchers = append(w.watchers, things.NewWatcher(name, zone.Polygon))
		}
	}
	return w
}

func (w *thingsWatch) observe(v *View, tracked []track.Change) (changes []things.Change) {
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
	return append(changes, w.followed(tracked)...)
}

func (w *thingsWatch) followed(tracked []track.Change) (changes []things.Change) {
	for _, c := range tracked {
		if alive(c.Label) {
			continue
		}
		kind := things.Appeared
		if c.Kind == track.Removed {
			kind = things.Removed
		}
		for name, zone := range w.zones {
			if zone.Things && zone.Polygon.Contains(feet(c.Box)) {
				changes = append(changes, things.Change{Kind: kind, Zone: name, Box: c.Box})
			}
		}
	}
	return changes
}

// pending says whether an event should stay open for a verdict.
func (w *thingsWatch) pending() bool {
	return slices.ContainsFunc(w.watchers, (*things.Watcher).Pending)
}
