package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func goodSensor() fields {
	return fields{
		"topic": "porchlight/v1/porch/sensors/front-door", "received_at": t0.UnixMilli(),
		"kind": "contact", "state": "open", "at": event.At(t0.Add(-time.Second)),
	}
}

func TestSensors(t *testing.T) {
	for name, tt := range map[string]struct {
		changes fields
		want    string
	}{
		"good":               {nil, "porch front-door contact open 2026-05-04T03:02:00.000Z 2026-05-04T03:02:01.000Z"},
		"without time":       {fields{"at": nil}, "porch front-door contact open 2026-05-04T03:02:01.000Z 2026-05-04T03:02:01.000Z"},
		"of a time to come":  {fields{"at": event.At(t0.Add(time.Hour))}, "porch front-door contact open 2026-05-04T03:02:01.000Z 2026-05-04T03:02:01.000Z"},
		"of another thing":   {fields{"topic": "porchlight/v1/shed/sensors/x"}, "shed x contact open 2026-05-04T03:02:00.000Z 2026-05-04T03:02:01.000Z"},
		"a number":           {fields{"kind": "temperature", "state": 21.456}, "porch front-door temperature 21.46 2026-05-04T03:02:00.000Z 2026-05-04T03:02:01.000Z"},
		"with more to it":    {fields{"battery": 97}, "porch front-door contact open 2026-05-04T03:02:00.000Z 2026-05-04T03:02:01.000Z"},
		"a thing named like": {fields{"topic": "porchlight/v1/porch/sensors/set"}, "porch set contact open 2026-05-04T03:02:00.000Z 2026-05-04T03:02:01.000Z"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			require.NoError(t, ingester(m).Handle(t.Context(), records(t, goodSensor().with(tt.changes))))
			require.Equal(t, []string{tt.want}, m.sensors)
		})
	}
}

func TestPoisonOfSensors(t *testing.T) {
	for name, changes := range map[string]fields{
		"no kind":         {"kind": nil},
		"unknown kind":    {"kind": "mood"},
		"no state":        {"state": nil},
		"unknown state":   {"state": "ajar"},
		"state of others": {"state": "detected"},
		"no time at all":  {"received_at": nil},
		"bad time":        {"at": "noon"},
		"no sensor":       {"topic": "porchlight/v1/porch/sensors/"},
		"no sensors":      {"topic": "porchlight/v1/porch/sensors"},
		"an update":       {"topic": "porchlight/v1/porch/sensors/front-door/set"},
		"bad name":        {"topic": "porchlight/v1/porch/sensors/front#door"},
		"bad thing":       {"topic": "porchlight/v1/po.rch/sensors/front-door"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			require.ErrorIs(t, ingester(m).Handle(t.Context(), records(t, goodSensor().with(changes))), ErrRejected)
			require.Empty(t, m.sensors)
		})
	}
	m := &memory{down: true}
	require.ErrorIs(t, ingester(m).Handle(t.Context(), records(t, goodSensor())), errDown)
}
