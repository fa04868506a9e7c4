package event_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

var heard = time.Date(2026, 5, 4, 3, 2, 1, 500e6, time.UTC)

func TestSensorWire(t *testing.T) {
	for payload, want := range map[string]string{
		`{"kind":"contact","state":"open","at":"2026-05-04T05:02:00+02:00"}`: `{"kind":"contact","state":"open","at":"2026-05-04T03:02:00.000Z"}`,
		`{"kind":"motion","state":"detected"}`:                               `{"kind":"motion","state":"detected","at":"2026-05-04T03:02:01.500Z"}`,
		`{"kind":"temperature","state":21.456}`:                              `{"kind":"temperature","state":"21.46","at":"2026-05-04T03:02:01.500Z"}`,
		`{"kind":"temperature","state":"-3.5","more":1}`:                     `{"kind":"temperature","state":"-3.5","at":"2026-05-04T03:02:01.500Z"}`,
		`{"kind":"temperature","state":-0.001}`:                              `{"kind":"temperature","state":"0","at":"2026-05-04T03:02:01.500Z"}`,
		`{"kind":"smoke","state":"unavailable"}`:                             `{"kind":"smoke","state":"unavailable","at":"2026-05-04T03:02:01.500Z"}`,
	} {
		s, err := event.ParseSensor("door", []byte(payload), heard)
		require.NoError(t, err, payload)
		require.Equal(t, "door", s.Name)
		wire, err := s.Marshal()
		require.NoError(t, err)
		require.JSONEq(t, want, string(wire))
	}
}

func TestSensorsThatAreNone(t *testing.T) {
	for _, payload := range []string{
		``, `{`, `null`, `[]`, `"open"`, `{}`,
		`{"kind":"contact"}`, `{"state":"open"}`, `{"kind":"mood","state":"good"}`, `{"kind":"contact","state":"ajar"}`,
		`{"kind":"contact","state":null}`, `{"kind":"contact","state":["open"]}`, `{"kind":"contact","state":1}`,
		`{"kind":"motion","state":"open"}`, `{"kind":"temperature","state":"warm"}`, `{"kind":"temperature","state":"NaN"}`,
		`{"kind":"temperature","state":"0x10"}`, `{"kind":"temperature","state":1e9}`, `{"kind":"temperature","state":""}`,
		`{"kind":"contact","state":"open","at":"noon"}`, `{"kind":"contact","state":"open","at":0}`,
	} {
		_, err := event.ParseSensor("door", []byte(payload), heard)
		require.ErrorIs(t, err, event.ErrInvalid, payload)
	}
	for _, name := range []string{"", "a b", "a/b", "a#", "ä", string(make([]byte, 65))} {
		_, err := event.ParseSensor(name, []byte(`{"kind":"contact","state":"open"}`), heard)
		require.ErrorIs(t, err, event.ErrInvalid, name)
	}
	_, err := (&event.Sensor{Name: "door", Kind: event.Contact, State: event.SensorOpen}).Marshal()
	require.ErrorIs(t, err, event.ErrInvalid, "no time")
}

func TestSensorTopics(t *testing.T) {
	topic := event.SensorTopic("home", "front-door")
	require.Equal(t, "porchlight/v1/home/sensors/front-door", topic)
	thing, sensor, err := event.SplitSensorTopic(topic)
	require.NoError(t, err)
	require.Equal(t, []string{"home", "front-door"}, []string{thing, sensor})
	thing, sensor, err = event.SplitSensorSetTopic(event.SensorSetTopic("home", "front-door"))
	require.NoError(t, err)
	require.Equal(t, []string{"home", "front-door"}, []string{thing, sensor})
	for _, bad := range []string{
		"", "porchlight/v1/home/sensors", "porchlight/v1/home/sensors/", "porchlight/v1//sensors/x", "porchlight/v1/home/events/x",
		"porchlight/v1/home/sensors/x/set", "porchlight/v1/home/sensors/+", "porchlight/v1/ho.me/sensors/x", "x/porchlight/v1/home/sensors/x",
	} {
		_, _, err := event.SplitSensorTopic(bad)
		require.Error(t, err, bad)
	}
	_, _, err = event.SplitSensorSetTopic(topic)
	require.Error(t, err)
	_, _, err = event.SplitTopic(topic)
	require.Error(t, err, "it is of no other channel")
}

func FuzzSensor(f *testing.F) {
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		s, err := event.ParseSensor(name, payload, heard)
		if err != nil {
			if !errors.Is(err, event.ErrInvalid) || len(err.Error()) > 1000 {
				t.Fatal(err)
			}
			return
		}
		wire, err := s.Marshal()
		if err != nil || !json.Valid(wire) || len(wire) > event.MaxPayload {
			t.Fatalf("%s %v", wire, err)
		}
		again, err := event.ParseSensor(name, wire, time.Time{})
		if err != nil || *again != *s {
			t.Fatalf("%+v came back as %+v, %v", s, again, err)
		}
	})
}
