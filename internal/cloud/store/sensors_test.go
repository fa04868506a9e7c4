package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

func said(name, state string, seconds int) *event.Sensor {
	return &event.Sensor{Name: name, Kind: event.Contact, State: state, At: event.At(t0.Add(time.Duration(seconds) * time.Second))}
}

func TestTheLatestWordOfASensorCounts(t *testing.T) {
	s := fresh(t)
	for _, step := range []struct {
		said    *event.Sensor
		written bool
	}{
		{said("door", event.SensorOpen, 5), true},
		{said("door", event.SensorOpen, 5), false},
		{said("door", event.SensorClosed, 3), false},
		{said("door", event.SensorClosed, 9), true},
		{said("attic", event.SensorClosed, 1), true},
	} {
		written, err := s.UpsertSensor(t.Context(), "alice", "porch", step.said, now)
		require.NoError(t, err)
		require.Equal(t, step.written, written)
	}
	written, err := s.UpsertSensor(t.Context(), "bob", "shed", said("door", event.SensorOpen, 1), now)
	require.NoError(t, err)
	require.True(t, written)

	list, err := s.Sensors(t.Context(), "alice")
	require.NoError(t, err)
	require.Equal(t, []*store.Sensor{
		{Thing: "porch", Name: "attic", Kind: event.Contact, State: event.SensorClosed, At: event.At(t0.Add(time.Second)), ReceivedAt: event.At(now)},
		{Thing: "porch", Name: "door", Kind: event.Contact, State: event.SensorClosed, At: event.At(t0.Add(9 * time.Second)), ReceivedAt: event.At(now)},
	}, list)
}

func TestASensorMustBeOne(t *testing.T) {
	s := fresh(t)
	for _, bad := range []struct {
		owner, thing string
		said         *event.Sensor
	}{
		{"", "porch", said("door", event.SensorOpen, 1)},
		{"alice", "po#rch", said("door", event.SensorOpen, 1)},
		{"alice", "porch", said("do#or", event.SensorOpen, 1)},
		{"alice", "porch", said("door", "ajar", 1)},
	} {
		_, err := s.UpsertSensor(t.Context(), bad.owner, bad.thing, bad.said, now)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
}
