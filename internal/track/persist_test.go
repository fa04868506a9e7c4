package track_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/track"
)

// restart returns a new tracker that goes on from what the old one saved.
func restart(t *testing.T, old *track.Tracker) *track.Tracker {
	t.Helper()
	data, err := old.Save()
	require.NoError(t, err)
	require.Less(t, len(data), 10_000)
	fresh := track.New(track.Config{})
	require.NoError(t, fresh.Restore(data))
	again, err := fresh.Save()
	require.NoError(t, err)
	require.Equal(t, string(data), string(again), "what is restored is what was saved")
	return fresh
}

func TestParkedCarSurvivesARestart(t *testing.T) {
	parked := car(1, 0.3, 0.5)
	w, tracker := newWorld(parked), track.New(track.Config{})
	w.jitter = 0.02
	settled(t, tracker, w, 15*time.Second)
	tracker = restart(t, tracker)
	for range 2 {
		w.at = w.at.Add(6 * time.Hour)
		w.gain = 0.7
		v := w.look(tracker, fiveASecond())[0]
		require.Equal(t, int64(1), v.ID)
		require.True(t, v.Seen && v.True && v.Stationary && v.Known)
	}
	parked.unseen = true
	tracks := settled(t, tracker, w, 30*time.Second)
	require.Len(t, tracks, 1, "its place still looks as it did before the restart")
	parked.hidden = true
	require.Empty(t, settled(t, tracker, w, 30*time.Second))
	require.Len(t, tracker.Changes(), 1)
}

func TestArrivedCarIsKnownAfterARestart(t *testing.T) {
	v := car(1, 0, 0.5)
	w, tracker := newWorld(v), track.New(track.Config{})
	for i := range 20 {
		v.to(0.02 * float64(i))
		w.look(tracker, fiveASecond())
	}
	settled(t, tracker, w, 12*time.Second)
	require.Len(t, tracker.Changes(), 1)
	data, err := tracker.Save()
	require.NoError(t, err)
	tracker = track.New(track.Config{})
	require.NoError(t, tracker.Restore(data))
	w.at = w.at.Add(time.Hour)
	tracks := settled(t, tracker, w, 20*time.Second)
	require.Len(t, tracks, 1)
	require.True(t, tracks[0].Known && tracks[0].Stationary && tracks[0].MovedAt.IsZero())
	require.Empty(t, tracker.Changes())
}

func TestWalkSurvivesAQuickRestart(t *testing.T) {
	for gap, same := range map[time.Duration]bool{1500 * time.Millisecond: true, 10 * time.Second: false} {
		v := person(1, 0, 0.3)
		w, tracker := newWorld(v), track.New(track.Config{})
		begin := w.at
		step := func() track.Track {
			v.to(0.05 * w.at.Sub(begin).Seconds())
			tracks := w.look(tracker, fiveASecond())
			require.Len(t, tracks, 1)
			return tracks[0]
		}
		for range 10 {
			step()
		}
		tracker = restart(t, tracker)
		w.at = w.at.Add(gap)
		told := step()
		require.Equal(t, same, told.ID == 1, "%+v", told)
		require.Equal(t, same, told.True)
		if !same {
			require.Equal(t, int64(2), told.ID, "ids are not used twice")
		}
	}
}

func TestRestoreRefusesNonsense(t *testing.T) {
	parked := car(1, 0.3, 0.5)
	w, tracker := newWorld(parked), track.New(track.Config{})
	settled(t, tracker, w, 15*time.Second)
	good, err := tracker.Save()
	require.NoError(t, err)

	spoil := func(change func(all, first map[string]any)) []byte {
		var all map[string]any
		require.NoError(t, json.Unmarshal(good, &all))
		change(all, all["tracks"].([]any)[0].(map[string]any))
		data, err := json.Marshal(all)
		require.NoError(t, err)
		return data
	}
	for want, data := range map[string][]byte{
		"unexpected EOF":    good[:len(good)/2],
		"follows the JSON":  append(append([]byte(nil), good...), "{}"...),
		"at most 4194304":   []byte(strings.Repeat(" ", 5<<20)),
		"unknown field":     spoil(func(all, _ map[string]any) { all["more"] = 1 }),
		"version 2, want 1": spoil(func(all, _ map[string]any) { all["version"] = 2 }),
		"last_id -1":        spoil(func(all, _ map[string]any) { all["last_id"] = -1; all["tracks"] = []any{} }),
		"1001 tracks": spoil(func(all, _ map[string]any) {
			all["tracks"] = make([]struct{}, 1001)
		}),
		"id 1, want more than 1": spoil(func(all, first map[string]any) { all["tracks"] = []any{first, first} }),
		"id 5":                   spoil(func(_, first map[string]any) { first["id"] = 5 }),
		"label":                  spoil(func(_, first map[string]any) { first["label"] = "" }),
		"score 2":                spoil(func(_, first map[string]any) { first["score"] = 2 }),
		"0 hits":                 spoil(func(_, first map[string]any) { first["hits"] = 0 }),
		"in order":               spoil(func(_, first map[string]any) { first["last_seen"] = "2030-01-01T00:00:00Z" }),
		"years from 1970":        spoil(func(_, first map[string]any) { first["first_seen"] = "0001-01-01T00:00:00Z" }),
		"saved at 9999":          spoil(func(all, _ map[string]any) { all["saved_at"] = "9999-01-01T00:00:00Z" }),
		"velocity":               spoil(func(_, first map[string]any) { first["velocity"] = []float64{1e9, 0} }),
		"anchor of 3 bytes":      spoil(func(_, first map[string]any) { first["anchor"] = "AAAA" }),
		"illegal base64":         spoil(func(_, first map[string]any) { first["anchor"] = "!" }),
		"want 4 numbers":         spoil(func(_, first map[string]any) { first["box"] = []float64{1} }),
		"want x0 < x1":           spoil(func(_, first map[string]any) { first["rest"] = []float64{0.5, 0.5, 0.4, 0.6} }),
		"in or near the frame":   spoil(func(_, first map[string]any) { first["box"] = []float64{0, 0, 1e6, 1} }),
	} {
		t.Run(want, func(t *testing.T) {
			fresh := track.New(track.Config{})
			err := fresh.Restore(data)
			require.ErrorIs(t, err, track.ErrState)
			require.ErrorContains(t, err, want)
			require.Empty(t, fresh.Predict(noon))
			require.NoError(t, fresh.Restore(good), "and it can still be used")
		})
	}
	require.ErrorContains(t, tracker.Restore(good), "before the first frame")
}

func TestSaveTakesNoMistakes(t *testing.T) {
	v := person(1, 0.4, 0.3)
	v.score = 0.55
	w, tracker := newWorld(v), track.New(track.Config{})
	require.Len(t, w.look(tracker, 0), 1)
	data, err := tracker.Save()
	require.NoError(t, err)
	require.NotContains(t, string(data), "person")
}

func FuzzRestore(f *testing.F) {
	parked := car(1, 0.3, 0.5)
	w, tracker := newWorld(parked), track.New(track.Config{})
	for range 60 {
		w.look(tracker, fiveASecond())
	}
	good, err := tracker.Save()
	require.NoError(f, err)
	f.Add(good)
	frame, found := w.frame(), w.found()
	f.Fuzz(func(t *testing.T, data []byte) {
		tracker := track.New(track.Config{})
		if err := tracker.Restore(data); err != nil {
			require.ErrorIs(t, err, track.ErrState)
			return
		}
		for range 3 {
			for _, v := range tracker.Update(track.Sight{Frame: frame, Looked: everywhere(), Found: found}) {
				require.False(t, math.IsNaN(v.Box.Area()))
			}
		}
		again, err := tracker.Save()
		require.NoError(t, err)
		require.NoError(t, track.New(track.Config{}).Restore(again), "%s", again)
	})
}
