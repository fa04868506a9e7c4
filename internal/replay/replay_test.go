package replay

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

// heard collects what a replay tells.
type heard struct {
	events []Event
	faults []Clip
}

func (h *heard) config(files ...string) Config {
	return Config{
		Files: files, Settings: settings(), Detector: &redDetector{}, Model: "red", MinScore: 0.5, Log: discard(),
		OnEvent: func(e Event) error { h.events = append(h.events, e); return nil },
		OnFault: func(c Clip) { h.faults = append(h.faults, c) },
	}
}

// whole checks that the states of the events of a file are in order and lie in
// the video where the person is, and returns how many events there are.
func (h *heard) whole(t *testing.T, file string, within float64) (ended int) {
	t.Helper()
	last := map[string]Event{}
	for _, e := range h.events {
		if e.File != file {
			continue
		}
		require.NoError(t, e.Validate())
		before := last[e.EventID]
		require.NotEqual(t, event.Ended, before.State, "nothing comes after the end")
		require.Equal(t, before.Sequence+1, e.Sequence)
		require.Equal(t, e.Sequence == 1, e.State == event.Started)
		require.Contains(t, e.Labels, "person")
		require.Equal(t, "red", e.Model)
		require.GreaterOrEqual(t, e.Start, 0.0)
		require.Less(t, e.Start, within)
		require.Equal(t, e.State == event.Ended, e.End != nil)
		if e.End != nil {
			ended++
			require.GreaterOrEqual(t, *e.End, e.Start)
			require.LessOrEqual(t, *e.End, within)
			require.InDelta(t, e.EndedAt.Sub(e.StartedAt.Time).Seconds(), *e.End-e.Start, 0.002)
		}
		last[e.EventID] = e
	}
	require.Len(t, last, ended, "every event ends")
	return ended
}

func TestEventsHaveTheirPlaceInTheVideo(t *testing.T) {
	clip, h := walk(t, "front door.mkv"), &heard{}
	s, err := Run(t.Context(), h.config(clip))
	require.NoError(t, err)
	require.Empty(t, h.faults)
	require.Equal(t, 1, h.whole(t, clip, length))
	first, last := h.events[0], h.events[len(h.events)-1]
	require.Equal(t, "replay.front-door", first.Camera)
	require.InDelta(t, comes, first.Start, 1)
	require.InDelta(t, goes, *last.End, 1.5)

	require.EqualValues(t, 1, s.Events)
	require.InDelta(t, 5*length, s.Frames, 2, "it looks at five frames a second")
	require.Positive(t, s.Inferences)
	require.InDelta(t, length, s.Video, 0.5)
	require.Positive(t, s.CPU)
	require.Positive(t, s.Wall)
	require.Greater(t, s.Memory, int64(5<<20))
	require.Len(t, s.Clips, 1)
	require.Zero(t, s.Failed())
}

func TestEventsInJSON(t *testing.T) {
	end := 2.5
	line, err := json.Marshal(Event{Event: event.Event{EventID: "x", State: event.Ended}, Start: 1.25, End: &end, File: "a.mp4"})
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(line, &got))
	require.Equal(t, []any{"x", "ended", 1.25, 2.5, "a.mp4"}, []any{got["event_id"], got["state"], got["start_s"], got["end_s"], got["file"]})
}

func TestTogetherTellsTheSameOfEach(t *testing.T) {
	a, b := walk(t, "a.mkv"), walk(t, "b.mkv")
	h := &heard{}
	cfg := h.config(a, b)
	cfg.Together = true
	s, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, 1, h.whole(t, a, length))
	require.Equal(t, 1, h.whole(t, b, length))
	require.Equal(t, s.Clips[0].Frames, s.Clips[1].Frames)
	require.Equal(t, s.Frames, s.Clips[0].Frames+s.Clips[1].Frames)
}

func TestAClipIsRepeatedUntilEnoughIsShown(t *testing.T) {
	clip, h := walk(t, "a.mkv"), &heard{}
	cfg := h.config(clip)
	cfg.Length = 25 * time.Second
	s, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.InDelta(t, 25, s.Video, 0.5)
	require.GreaterOrEqual(t, h.whole(t, clip, 25), 2)
	require.Zero(t, s.Failed())
}

func TestABadFileDoesNotStopTheOthers(t *testing.T) {
	good, h := walk(t, "good.mkv"), &heard{}
	dir := t.TempDir()
	bad := []string{filepath.Join(dir, "absent.mp4"), write(t, filepath.Join(dir, "notes.mp4"), "no video"), dir}
	s, err := Run(t.Context(), h.config(append(bad, good)...))
	require.NoError(t, err)
	require.Len(t, h.faults, len(bad))
	for i, f := range h.faults {
		require.Equal(t, bad[i], f.File)
		require.NotEmpty(t, f.Error)
	}
	require.Equal(t, len(bad), s.Failed())
	require.Equal(t, 1, h.whole(t, good, length))
}

// The interrupt comes while the event is open.
func TestAnInterruptEndsWhatIsOpen(t *testing.T) {
	clip, h := walk(t, "a.mkv"), &heard{}
	other := walk(t, "b.mkv")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	cfg := h.config(clip, other)
	tell := cfg.OnEvent
	cfg.OnEvent = func(e Event) error { interrupt(); return tell(e) }
	s, err := Run(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, h.whole(t, clip, length))
	require.EqualValues(t, 1, s.Events)
	require.Less(t, s.Clips[0].Frames, int64(5*length))
	require.Zero(t, s.Clips[1].Frames)
	require.Equal(t, 2, s.Failed(), "neither was played to its end")
	require.Empty(t, h.faults, "which is no fault of theirs")
}

func TestAFaultOfTheListenerEndsTheFile(t *testing.T) {
	clip, h := walk(t, "a.mkv"), &heard{}
	cfg, full := h.config(clip), errors.New("disk is full")
	cfg.OnEvent = func(Event) error { return full }
	s, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, h.faults, 1)
	require.Contains(t, s.Clips[0].Error, full.Error())
}

func TestCameraNames(t *testing.T) {
	for file, want := range map[string]string{
		"a.mp4": "a", "/x/Front door (2).mp4": "Front-door--2-", ".mp4": "video", "tür": "t-r", "x/": "x",
		"0123456789012345678901234567890123456789012345678901234567890123456789.mp4": "0123456789012345678901234567890123456789012345678901234567890123",
	} {
		require.Equal(t, want, cameraName(file), file)
		_, _, err := event.SplitCamera(event.CameraID("replay", cameraName(file)))
		require.NoError(t, err)
	}
}
