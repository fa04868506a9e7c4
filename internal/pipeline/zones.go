package pipeline

import (
	"slices"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/track"
)

// zoneWatch knows which zones each track has entered.
type zoneWatch struct {
	zones map[string]config.Zone
	names []string // sorted
	seen  map[int64]*visitor
}

type visitor struct {
	inside  map[string]*stay
	entered []string
	at      time.Time
}

// stay in a zone. It counts once there have been more sightings inside than
// outside by zoneInertia, and ends with as many outside in a row, so that a box
// that jitters over the border neither enters nor leaves.
type stay struct {
	since           time.Time
	inside, outside int
}

const zoneInertia = 3 // sightings

// leaves counts a sighting outside and says whether it ends the stay. Until the
// stay has begun to count, it takes one inside back.
func (s *stay) leaves() bool {
	s.outside++
	if s.inside < zoneInertia {
		s.inside--
	}
	return s.inside == 0 || s.outside >= zoneInertia
}

func newZoneWatch(zones map[string]config.Zone) *zoneWatch {
	w := &zoneWatch{zones: zones, seen: map[int64]*visitor{}}
	for name := range zones {
		w.names = append(w.names, name)
	}
	slices.Sort(w.names)
	return w
}

func (w *zoneWatch) observe(now time.Time, tracks []track.Track) {
	if len(w.zones) == 0 {
		return
	}
	for _, t := range tracks {
		if !t.Seen && !t.Stationary {
			continue
		}
		v := w.seen[t.ID]
		if v == nil {
			v = &visitor{inside: map[string]*stay{}}
			w.seen[t.ID] = v
		}
		v.at = now
		for _, name := range w.names {
			w.visit(now, v, name, t)
		}
	}
	for id, v := range w.seen {
		if now.Sub(v.at) > time.Minute {
			delete(w.seen, id)
		}
	}
}

func (w *zoneWatch) visit(now time.Time, v *visitor, name string, t track.Track) {
	zone := w.zones[name]
	if len(zone.Labels) > 0 && !slices.Contains(zone.Labels, t.Label) {
		return
	}
	s := v.inside[name]
	if !zone.Polygon.Contains(feet(t.Box)) {
		if s != nil && s.leaves() {
			delete(v.inside, name)
		}
		return
	}
	if s == nil {
		s = &stay{since: now}
		v.inside[name] = s
	}
	s.inside, s.outside = s.inside+1, 0
	if s.inside >= zoneInertia && now.Sub(s.since) >= zone.Loiter && !slices.Contains(v.entered, name) {
		v.entered = append(v.entered, name)
	}
}

// of returns the zones that a track has entered so far, in order.
func (w *zoneWatch) of(id int64) []string {
	if v := w.seen[id]; v != nil {
		return v.entered
	}
	return nil
}
