package store_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func alert(camera string, sequence int, id string) *event.Event {
	e := with(happening(camera, t0, sequence, event.Updated, "person"), event.Alert)
	e.EventID = id
	return e
}

func TestLabelsAreMergedOnce(t *testing.T) {
	s, id := fresh(t), event.NewID(t0)
	_, err := s.MergeLabels(t.Context(), "alice", "porch.front", id, "a", map[string]float64{"person": 0.5})
	require.ErrorIs(t, err, store.ErrNotFound, "no event is made of labels")
	upsert(t, s, "alice", alert("porch.front", 1, id))
	merge := func(picture string, labels map[string]float64) map[string]float64 {
		t.Helper()
		got, err := s.MergeLabels(t.Context(), "alice", "porch.front", id, picture, labels)
		require.NoError(t, err)
		stored, err := s.LabeledEvent(t.Context(), "alice", id)
		require.NoError(t, err)
		require.Equal(t, got, stored.CloudLabels)
		require.Equal(t, picture, stored.Picture)
		return got
	}
	require.Equal(t, map[string]float64{"person": 0.5, "dog.v2": 0.25}, merge("a", map[string]float64{"person": 0.5, "dog.v2": 0.25}))
	require.Equal(t, map[string]float64{"person": 0.5, "dog.v2": 0.25}, merge("a", map[string]float64{"person": 1}), "the same picture again")
	require.Equal(t, map[string]float64{"person": 0.5, "dog.v2": 0.75, "#odd name": 1}, merge("b", map[string]float64{"person": 0.25, "dog.v2": 0.75, "#odd name": 1}))
	merge("c", nil)

	_, err = s.MergeLabels(t.Context(), "alice", "porch.back", id, "d", nil)
	require.ErrorIs(t, err, store.ErrNoAlert, "another camera's picture")
	_, err = s.MergeLabels(t.Context(), "bob", "porch.front", id, "d", nil)
	require.ErrorIs(t, err, store.ErrNotFound, "another owner's")
	quiet := event.NewID(t0)
	upsert(t, s, "alice", happening("porch.front", t0, 1, event.Started))
	e := happening("porch.front", t0, 1, event.Started)
	e.EventID = quiet
	upsert(t, s, "alice", e)
	_, err = s.MergeLabels(t.Context(), "alice", "porch.front", quiet, "d", nil)
	require.ErrorIs(t, err, store.ErrNoAlert)
}

// A device's next state replaces its last one whole, and nothing of the cloud's.
func TestDeliveriesKeepTheCloudsLabels(t *testing.T) {
	s := fresh(t)
	for name, severity := range map[string]event.Severity{"alert": event.Alert, "detection": event.Notice, "none": ""} {
		t.Run(name, func(t *testing.T) {
			id, labels := event.NewID(t0), map[string]float64{"cat": 0.5}
			upsert(t, s, "alice", alert("porch.front", 2, id))
			_, err := s.MergeLabels(t.Context(), "alice", "porch.front", id, "a", labels)
			require.NoError(t, err)

			bare := &event.Event{
				EventID: id, Sequence: 3, State: event.Updated, Camera: "porch.front", Severity: severity,
				StartedAt: event.At(t0), UpdatedAt: event.At(t0), Labels: map[string]float64{}, Zones: []string{}, Faces: []event.Face{},
			}
			upsert(t, s, "alice", bare)
			bare.Severity = event.Alert
			got, err := s.LabeledEvent(t.Context(), "alice", id)
			require.NoError(t, err)
			require.Equal(t, *bare, got.Event, "what the new state leaves out is gone")
			require.Equal(t, labels, got.CloudLabels)
			require.Equal(t, "a", got.Picture)

			for _, stale := range []*event.Event{alert("porch.front", 3, id), alert("porch.front", 1, id), alert("shed.back", 9, id)} {
				written, err := s.UpsertEvent(t.Context(), "alice", stale, far)
				require.NoError(t, err)
				require.False(t, written)
			}
			full := alert("porch.front", 4, id)
			upsert(t, s, "alice", full)
			got, err = s.LabeledEvent(t.Context(), "alice", id)
			require.NoError(t, err)
			require.Equal(t, *full, got.Event)
			require.Equal(t, labels, got.CloudLabels)
			page, err := s.Events(t.Context(), "alice", store.Query{Camera: "porch.front", Limit: 100})
			require.NoError(t, err)
			require.Contains(t, ids(page.Events), id)
			for _, e := range page.Events {
				if e.EventID == id {
					require.Equal(t, labels, e.CloudLabels)
				}
			}
		})
	}
}

// The list of fields that may be left out is that of the wire form.
func TestOptionalFieldsAreKnown(t *testing.T) {
	var want []string
	for field := range reflect.TypeFor[event.Event]().Fields() {
		if name, optional := strings.CutSuffix(field.Tag.Get("json"), ",omitempty"); optional {
			want = append(want, name)
		}
	}
	require.ElementsMatch(t, want, store.OptionalFields())
}

func TestLabelsFromManySides(t *testing.T) {
	s, id := fresh(t), event.NewID(t0)
	upsert(t, s, "alice", alert("porch.front", 1, id))
	var all sync.WaitGroup
	pictures := []string{"a", "b", "c"}
	failures := make([]error, len(pictures))
	for i, picture := range pictures {
		all.Go(func() {
			_, failures[i] = s.MergeLabels(t.Context(), "alice", "porch.front", id, picture, map[string]float64{"label " + picture: 0.5})
		})
	}
	all.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	e, err := s.LabeledEvent(t.Context(), "alice", id)
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"label a": 0.5, "label b": 0.5, "label c": 0.5}, e.CloudLabels)
}

func TestTurns(t *testing.T) {
	clock := far // beyond the sweeper, which goes by the real time
	s := store.New(store.Config{API: api(t), Table: dynamotest.Table().TableName, Now: func() time.Time { return clock }})
	turn := func(owner, camera, by string) bool {
		t.Helper()
		ok, err := s.TakeTurn(t.Context(), owner, camera, by, clock.Add(time.Minute))
		require.NoError(t, err)
		return ok
	}
	require.True(t, turn("alice", "porch.front", "a"))
	require.True(t, turn("alice", "porch.front", "a"), "asked again")
	require.False(t, turn("alice", "porch.front", "b"))
	require.True(t, turn("alice", "porch.back", "b"))
	require.True(t, turn("bob", "porch.front", "b"))
	clock = clock.Add(time.Minute)
	require.True(t, turn("alice", "porch.front", "b"))
	require.False(t, turn("alice", "porch.front", "a"))
	_, err := s.TakeTurn(t.Context(), "alice", "porch", "a", clock)
	require.ErrorIs(t, err, store.ErrInvalid)
	_, err = s.TakeTurn(t.Context(), "", "porch.front", "a", clock)
	require.ErrorIs(t, err, store.ErrInvalid)
}
