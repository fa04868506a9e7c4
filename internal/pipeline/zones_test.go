package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// right is the right part of the picture.
const right = "0.6,0; 1,0; 1,1; 0.6,1"

// zonesOf makes zones of pairs of a name and a polygon.
func zonesOf(t testing.TB, pairs ...string) map[string]config.Zone {
	t.Helper()
	zones := map[string]config.Zone{}
	for i := 0; i < len(pairs); i += 2 {
		zones[pairs[i]] = config.Zone{Polygon: shape(t, pairs[i+1])}
	}
	return zones
}

// feet returns a walker whose feet are at x.
func feetAt(kind uint8, x float64) block {
	b := walker(kind)
	b.x = x - b.w/2
	return b
}

func zoneStage(t *testing.T, change func(*config.Camera)) *stage {
	return newStage(t, func(c *pipeline.Config) {
		c.Settings.Zones = zonesOf(t, "drive", right)
		if change != nil {
			change(&c.Settings)
		}
	})
}

func TestAZoneIsEnteredAfterThreeSightings(t *testing.T) {
	s := zoneStage(t, nil)
	s.move(feetAt(person, 0.1), feetAt(person, 0.55).x, 4*time.Second)
	require.Empty(t, s.newest().Zones)
	inside, looks := 0, s.line.Stats().Looks
	for len(s.newest().Zones) == 0 {
		s.show(feetAt(person, 0.7+float64(inside%2)*0.02))
		if s.line.Stats().Looks > looks {
			inside, looks = inside+1, s.line.Stats().Looks
		}
		require.LessOrEqual(t, inside, 6, "never entered")
	}
	require.Equal(t, 3, inside)
	require.Equal(t, event.Updated, s.newest().State, "and told at once")
	require.Equal(t, []string{"drive"}, s.newest().Zones)
}

func TestAPassageIsTooShortToEnter(t *testing.T) {
	s := zoneStage(t, func(c *config.Camera) {
		zone := c.Zones["drive"]
		zone.Polygon = shape(t, "0.6,0; 0.63,0; 0.63,1; 0.6,1")
		c.Zones["drive"] = zone
	})
	s.pass(person, 3*time.Second)
	s.idle(4 * time.Second)
	require.Empty(t, s.only().Zones)
}

// Sightings that lie by turns on both sides of the border are no entry.
func TestJitterOverTheBorderDoesNotEnter(t *testing.T) {
	s := zoneStage(t, nil)
	s.move(feetAt(person, 0.1), feetAt(person, 0.57).x, 3*time.Second)
	for range 100 { // on the other side at each look
		s.show(feetAt(person, 0.57+float64(s.line.Stats().Looks%2)*0.06))
	}
	s.idle(4 * time.Second)
	require.Empty(t, s.only().Zones)
}

// A box that jitters out of the zone for a sighting does not begin to loiter anew.
func TestJitterOverTheBorderDoesNotLeave(t *testing.T) {
	s := zoneStage(t, func(c *config.Camera) {
		zone := c.Zones["drive"]
		zone.Loiter = 8 * time.Second
		c.Zones["drive"] = zone
	})
	b := s.move(feetAt(person, 0.1), feetAt(person, 0.66).x, 3*time.Second)
	came := s.now
	for i := 0; len(s.newest().Zones) == 0; i++ {
		x := 0.66 + float64(i%3)*0.01
		if i%10 >= 8 { // one look of five
			x = 0.59
		}
		s.show(feetAt(person, x))
		require.Less(t, s.now.Sub(came), 12*time.Second, "it never counts as loitering")
	}
	require.Greater(t, s.now.Sub(came), 6*time.Second)
	require.NotZero(t, b)
}

func TestLoitering(t *testing.T) {
	loiter := func(c *config.Camera) {
		zone := c.Zones["drive"]
		zone.Loiter = 5 * time.Second
		c.Zones["drive"] = zone
	}
	s := zoneStage(t, loiter)
	s.pass(person, 6*time.Second) // 2.4 s of them in the zone
	s.idle(4 * time.Second)
	require.Empty(t, s.only().Zones)

	s = zoneStage(t, loiter)
	s.move(feetAt(person, 0.1), feetAt(person, 0.8).x, 3*time.Second)
	came := s.now
	for i := 0; len(s.newest().Zones) == 0; i++ {
		s.show(feetAt(person, 0.8+float64(i%4)*0.01))
		require.Less(t, s.now.Sub(came), 8*time.Second)
	}
	require.Greater(t, s.now.Sub(came), 3*time.Second)
}

func TestAZoneOfSomeLabels(t *testing.T) {
	s := zoneStage(t, func(c *config.Camera) {
		zone := c.Zones["drive"]
		zone.Labels = []string{"car"}
		c.Zones["drive"] = zone
	})
	s.pass(person, 5*time.Second)
	s.idle(4 * time.Second)
	require.Empty(t, s.only().Zones)
	s.pass(car, 5*time.Second)
	s.idle(4 * time.Second)
	require.Equal(t, []string{"drive"}, s.newest().Zones)
}

func TestZonesAreListedOnceAndSorted(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) {
		c.Settings.Zones = zonesOf(t, "b", "0,0; 0.4,0; 0.4,1; 0,1", "c", "0.35,0; 0.7,0; 0.7,1; 0.35,1", "a", "0.65,0; 1,0; 1,1; 0.65,1")
	})
	b := s.move(feetAt(person, 0.05), feetAt(person, 0.95).x, 6*time.Second)
	b = s.move(b, feetAt(person, 0.05).x, 6*time.Second)
	s.move(b, feetAt(person, 0.95).x, 6*time.Second, feetAt(guest, 0.2))
	s.idle(5 * time.Second)
	require.Equal(t, []string{"a", "b", "c"}, s.only().Zones)
	requireOrder(t, s.out.events)
}

func TestAnAlertZoneRaisesTheSeverityWhenItIsEntered(t *testing.T) {
	s := zoneStage(t, func(c *config.Camera) { c.Alerts.Zones = []string{"drive"} })
	b := s.move(feetAt(person, 0.1), feetAt(person, 0.55).x, 4*time.Second)
	require.Equal(t, event.Notice, s.newest().Severity)
	s.move(b, feetAt(person, 0.8).x, 2*time.Second)
	var rose int
	for i, e := range s.out.events {
		if e.Severity == event.Alert {
			rose = i
			break
		}
	}
	require.Positive(t, rose)
	require.Equal(t, []string{"drive"}, s.out.events[rose].Zones, "with the zone, in one update")
	require.Empty(t, s.out.events[rose-1].Zones)
	s.move(feetAt(person, 0.8), -0.2, 4*time.Second)
	s.idle(4 * time.Second)
	require.Equal(t, event.Alert, s.only().Severity, "it never falls")
	requireOrder(t, s.out.events)
}

func TestOnlyTheLabelsOfAlertsAlert(t *testing.T) {
	s := newStage(t, nil)
	s.pass(car, 4*time.Second)
	s.idle(4 * time.Second)
	s.pass(person, 4*time.Second)
	s.idle(4 * time.Second)
	events := s.events()
	require.Len(t, events, 2)
	require.Equal(t, event.Notice, events[0].Severity)
	require.Equal(t, event.Alert, events[1].Severity)
	require.Equal(t, event.Alert, s.out.events[len(s.out.events)-1].Severity)
}

func TestCooldown(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) { c.Settings.Cooldown = 23 * time.Second })
	for range 4 {
		s.pass(person, 4*time.Second)
		s.idle(6 * time.Second)
	}
	var got []event.Severity
	for _, e := range s.events() {
		got = append(got, e.Severity)
	}
	require.Equal(t, []event.Severity{event.Alert, event.Notice, event.Notice, event.Alert}, got)
}

func TestCooldownSurvivesARestart(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) {
		c.Settings.Cooldown, c.StateFile = time.Minute, t.TempDir()+"/door.json"
	})
	s.pass(person, 4*time.Second)
	s.idle(6 * time.Second)
	s.restart(nil)
	s.idle(3 * time.Second)
	s.pass(person, 4*time.Second)
	s.idle(6 * time.Second)
	events := s.events()
	require.Len(t, events, 2)
	require.Equal(t, event.Notice, events[1].Severity)
}
