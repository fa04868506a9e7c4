package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

var (
	t0           = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	errUnclaimed = errors.New("unclaimed")
	errDown      = errors.New("table is down")
)

// memory is a Store that remembers its calls.
type memory struct {
	owners  map[string]string
	lookUps int
	events  []*event.Event
	expires []time.Time
	status  []string
	sensors []string
	down    bool
}

func (m *memory) OwnerOf(_ context.Context, thing string) (string, error) {
	m.lookUps++
	if owner, ok := m.owners[thing]; ok {
		return owner, nil
	}
	return "", errUnclaimed
}

func (m *memory) UpsertEvent(_ context.Context, owner string, e *event.Event, expires time.Time) (bool, error) {
	if m.down {
		return false, errDown
	}
	thing, _, _ := strings.Cut(e.Camera, ".")
	if m.owners[thing] != owner {
		panic("an event got into another owner's partition")
	}
	m.events, m.expires = append(m.events, e), append(m.expires, expires)
	return true, nil
}

func (m *memory) ApplyStatus(_ context.Context, owner, thing string, st *event.Status, at time.Time) error {
	if m.down {
		return errDown
	}
	if m.owners[thing] != owner {
		panic("a status got into another owner's partition")
	}
	m.status = append(m.status, thing+" "+string(st.State)+" "+event.At(at).String())
	return nil
}

func (m *memory) UpsertSensor(_ context.Context, owner, thing string, s *event.Sensor, at time.Time) (bool, error) {
	if m.down {
		return false, errDown
	}
	if m.owners[thing] != owner {
		panic("a sensor got into another owner's partition")
	}
	m.sensors = append(m.sensors, thing+" "+s.Name+" "+string(s.Kind)+" "+s.State+" "+s.At.String()+" "+event.At(at).String())
	return true, nil
}

func ingester(m *memory) *Ingester {
	m.owners = map[string]string{"porch": "alice", "shed": "bob"}
	return New(Config{Store: m, Retention: 24 * time.Hour, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return t0 }})
}

type fields map[string]any

// with returns f with some fields changed; a nil field is left out.
func (f fields) with(changes fields) fields {
	out := maps.Clone(f)
	for name, v := range changes {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

func goodEvent() fields {
	id := event.NewID(t0)
	return fields{
		"topic": "porchlight/v1/porch/events", "received_at": t0.UnixMilli(),
		"event_id": id, "sequence": 1, "state": "started", "camera": "porch.front",
		"started_at": event.At(t0), "updated_at": event.At(t0), "labels": fields{"person": 0.9},
		"zones": []string{}, "score": 0.9, "box": []float64{0, 0, 1, 1}, "faces": []any{}, "model": "yolox-nano",
		"thumbnail_key": "thumbnails/porch/porch.front/" + id + ".jpg",
		"clip":          fields{"stream": "porch.front", "from": event.At(t0), "to": event.At(t0)},
		"from_tomorrow": true,
	}
}

func goodStatus() fields {
	return fields{
		"topic": "porchlight/v1/porch/status", "received_at": t0.UnixMilli(),
		"state": "online", "session": event.NewID(t0), "version": "1", "at": event.At(t0),
		"cameras": []fields{{"camera": "porch.front", "state": "running"}},
	}
}

func records(t testing.TB, messages ...any) (in events.SNSEvent) {
	for _, m := range messages {
		text, ok := m.(string)
		if !ok {
			raw, err := json.Marshal(m)
			require.NoError(t, err)
			text = string(raw)
		}
		in.Records = append(in.Records, events.SNSEventRecord{SNS: events.SNSEntity{Message: text}})
	}
	return in
}

func TestGoodRecords(t *testing.T) {
	m := &memory{}
	require.NoError(t, ingester(m).Handle(t.Context(), records(t, goodEvent(), goodStatus())))
	require.Len(t, m.events, 1)
	require.Equal(t, "porch.front", m.events[0].Camera)
	require.Equal(t, t0.Add(24*time.Hour), m.expires[0])
	require.Equal(t, []string{"porch online 2026-05-04T03:02:01.000Z"}, m.status)
	require.Equal(t, 1, m.lookUps, "the owner is remembered")
}

func TestSeverityAndThingsAreKept(t *testing.T) {
	m := &memory{}
	require.NoError(t, ingester(m).Handle(t.Context(), records(t, goodEvent().with(fields{
		"severity": "alert", "zones": []string{"porch"}, "appeared": []string{"porch"}, "removed": []string{"drive"},
	}), goodStatus().with(fields{"cameras": []fields{{"camera": "porch.front", "state": "private"}}}))))
	require.Equal(t, event.Alert, m.events[0].Severity)
	require.Equal(t, []string{"porch"}, m.events[0].Zones)
	require.Equal(t, []string{"porch"}, m.events[0].Appeared)
	require.Equal(t, []string{"drive"}, m.events[0].Removed)
	require.Len(t, m.status, 1)
}

func TestPoisonIsAnErrorAndHidesNothing(t *testing.T) {
	e, st := goodEvent(), goodStatus()
	for name, poison := range map[string]any{
		"empty":                     "",
		"no JSON":                   "{",
		"no object":                 "[]",
		"null":                      "null",
		"no topic":                  e.with(fields{"topic": nil}),
		"topic of another platform": e.with(fields{"topic": "x/porch/events"}),
		"topic too deep":            e.with(fields{"topic": "porchlight/v1/porch/events/x"}),
		"unknown channel":           e.with(fields{"topic": "porchlight/v1/porch/telemetry"}),
		"no time":                   e.with(fields{"received_at": nil}),
		"time beyond RFC 3339":      st.with(fields{"received_at": int64(253402300800000)}),
		"event without id":          e.with(fields{"event_id": nil}),
		"another thing's camera":    e.with(fields{"camera": "shed.door"}),
		"another thing's topic":     e.with(fields{"topic": "porchlight/v1/shed/events"}),
		"another thing's picture":   e.with(fields{"thumbnail_key": "thumbnails/shed/x.jpg"}),
		"another event's picture":   e.with(fields{"thumbnail_key": "thumbnails/porch/porch.front/" + event.NewID(t0) + ".jpg"}),
		"picture elsewhere":         e.with(fields{"thumbnail_key": "thumbnails/porchx/x.jpg"}),
		"another thing's video":     e.with(fields{"clip": fields{"stream": "shed.door", "from": event.At(t0), "to": event.At(t0)}}),
		"too large":                 e.with(fields{"zones": []string{strings.Repeat("x", 2*event.MaxPayload)}}),
		"event as status":           e.with(fields{"topic": "porchlight/v1/porch/status"}),
		"status as event":           st.with(fields{"topic": "porchlight/v1/porch/events"}),
		"status without session":    st.with(fields{"session": "1"}),
		"unknown severity":          e.with(fields{"severity": "panic"}),
		"unknown camera state":      st.with(fields{"cameras": []fields{{"camera": "porch.front", "state": "dancing"}}}),
		"status of another thing":   st.with(fields{"cameras": []fields{{"camera": "shed.door", "state": "running"}}}),
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			err := ingester(m).Handle(t.Context(), records(t, goodEvent(), poison, goodEvent()))
			require.ErrorIs(t, err, ErrRejected)
			require.Len(t, m.events, 2, "the records around it")
			require.Empty(t, m.status)
		})
	}
}

// The rule's fields and the thing's may come in any order, and Go's decoder is
// not particular about upper and lower case.
func TestTopicCannotBeClaimed(t *testing.T) {
	good, err := json.Marshal(goodEvent().with(fields{"camera": "shed.door", "thumbnail_key": nil, "clip": nil}))
	require.NoError(t, err)
	for _, claim := range []string{`"Topic":"porchlight/v1/shed/events"`, `"TOPIC":"porchlight/v1/shed/events"`} {
		for _, message := range []string{
			"{" + claim + "," + string(good[1:]), string(good[:len(good)-1]) + "," + claim + "}",
		} {
			m := &memory{}
			require.ErrorIs(t, ingester(m).Handle(t.Context(), records(t, message)), ErrRejected)
			require.Empty(t, m.events)
		}
	}
}

func TestWhatMayPassLaterIsNotRejected(t *testing.T) {
	m := &memory{}
	i := ingester(m)
	stranger := goodEvent().with(fields{"topic": "porchlight/v1/new/events", "camera": "new.front", "thumbnail_key": nil, "clip": nil})
	err := i.Handle(t.Context(), records(t, stranger))
	require.ErrorIs(t, err, errUnclaimed)
	require.NotErrorIs(t, err, ErrRejected)
	m.owners["new"] = "carol"
	require.NoError(t, i.Handle(t.Context(), records(t, stranger)), "claimed meanwhile, and at once known")

	m.down = true
	for _, message := range []any{goodEvent(), goodStatus()} {
		err = i.Handle(t.Context(), records(t, message))
		require.ErrorIs(t, err, errDown)
		require.NotErrorIs(t, err, ErrRejected)
	}
}

func TestOwnersAreForgotten(t *testing.T) {
	now, lookUps := t0, 0
	o := newOwners(func(context.Context, string) (string, error) { lookUps++; return "alice", nil }, func() time.Time { return now })
	ask := func(thing string) {
		_, err := o.of(t.Context(), thing)
		require.NoError(t, err)
	}
	ask("porch")
	ask("porch")
	require.Equal(t, 1, lookUps)
	now = now.Add(ownerTTL)
	ask("porch")
	require.Equal(t, 2, lookUps)
	for n := range 3 * maxOwners {
		ask(string(rune('A' + n)))
		require.LessOrEqual(t, len(o.known), maxOwners)
	}
}

func FuzzHandle(f *testing.F) {
	for _, m := range []any{goodEvent(), goodStatus(), goodSensor(), goodEvent().with(fields{"camera": "shed.door"}), "{", `{"topic":"porchlight/v1/porch/events"}`} {
		f.Add(records(f, m).Records[0].SNS.Message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		m := &memory{} // panics when something gets into a wrong partition
		err := ingester(m).Handle(t.Context(), records(t, message))
		if (err == nil) != (len(m.events)+len(m.status)+len(m.sensors) == 1) {
			t.Fatalf("err %v, but %d events, %d statuses and %d sensors stored", err, len(m.events), len(m.status), len(m.sensors))
		}
	})
}
