package edge

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/iot/spool"
)

// crash leaves the note of an event that was open in a state folder, and the
// event. Its last word was some time ago.
func crash(t *testing.T, dir string, ago time.Duration) event.Event {
	t.Helper()
	u := testUplink(t, dir)
	e := happening("home.door", 3, event.Updated, event.NewID(time.Now().Add(-ago)))
	e.StartedAt, e.UpdatedAt = event.At(time.Now().Add(-ago)), event.At(time.Now().Add(-ago))
	require.NoError(t, u.Publish(t.Context(), e, []byte("jpeg")))
	require.NoError(t, u.close())
	return e
}

// goOn is the next life of the camera: it plays a film to its end.
func goOn(t *testing.T, dir string, settings config.Camera) []event.Event {
	t.Helper()
	seen, log := &gathering{}, slog.New(slog.DiscardHandler)
	cfg := &config.Config{
		Thing: "home", StateDir: dir, Spool: config.Spool{MaxBytes: 1 << 20, MaxAge: time.Hour},
		Cameras: map[string]config.Camera{"door": settings},
	}
	u, err := openUplink(cfg, log, seen.add)
	require.NoError(t, err)
	t.Cleanup(func() { u.close() })
	left := leftovers(t, u, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	runCamera(ctx, settings, cameraDeps{
		id: "home.door", model: "red", minScore: 0.5, detector: redDetector{}, sink: u, resume: left["home.door"],
		stateFile: filepath.Join(dir, "door.json"), board: newStatusBoard("home", "1", event.Detector{}, log), log: log,
	})
	require.NoError(t, ctx.Err())
	require.Empty(t, leftovers(t, u, cfg), "no event is left open")
	return seen.all()
}

func TestAnEventGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := crash(t, dir, time.Second)
	settings := watching(walkClip(t))
	settings.Quiet = time.Minute
	states := goOn(t, dir, settings)
	require.NotEmpty(t, states)
	for i, e := range states {
		require.Equal(t, open.EventID, e.EventID)
		require.Equal(t, open.Sequence+1+i, e.Sequence)
		require.Equal(t, open.StartedAt, e.StartedAt)
		require.Equal(t, ThumbnailKey("home", "home.door", open.EventID), e.ThumbnailKey)
	}
	last := states[len(states)-1]
	require.Equal(t, event.Ended, last.State)
	require.Greater(t, last.EndedAt.Sub(open.UpdatedAt.Time), 2*time.Second, "it lasted to the end of the walk")
}

func TestAnEventOfLongBeforeACrashEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := crash(t, dir, time.Hour)
	states := goOn(t, dir, watching(walkClip(t)))
	require.GreaterOrEqual(t, len(states), 3)
	require.Equal(t, open.EventID, states[0].EventID)
	require.Equal(t, event.Ended, states[0].State)
	require.Equal(t, open.Sequence+1, states[0].Sequence)
	require.Equal(t, open.UpdatedAt, *states[0].EndedAt)
	for _, e := range states[1:] {
		require.NotEqual(t, open.EventID, e.EventID)
	}
	require.Equal(t, event.Started, states[1].State)
	require.Equal(t, event.Ended, states[len(states)-1].State)
}

// What a camera that is gone for good left open ends too.
func TestAnEventEndsWhenItsFilmIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := crash(t, dir, time.Second)
	log := slog.New(slog.DiscardHandler)
	u := testUplink(t, dir)
	settings := watching(filepath.Join(dir, "missing.mkv"))
	left := leftovers(t, u, &config.Config{Cameras: map[string]config.Camera{"door": settings}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	board := newStatusBoard("home", "1", event.Detector{}, log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runCamera(ctx, settings, cameraDeps{
			id: "home.door", minScore: 0.5, detector: redDetector{}, sink: u, resume: left["home.door"], board: board, log: log,
			stateFile: filepath.Join(dir, "door.json"),
		})
	}()
	require.Eventually(t, func() bool {
		board.mu.Lock()
		defer board.mu.Unlock()
		return board.cameras["home.door"].State == event.CameraFailed
	}, patience, 10*time.Millisecond)
	cancel()
	<-done
	require.NoFileExists(t, filepath.Join(dir, "door.json"), "it has seen nothing that could be kept")
	var last event.Event
	require.NoError(t, u.close())
	drained := testUplink(t, dir)
	stop, end := context.WithCancel(t.Context())
	_ = drained.events.Drain(stop, func(_ context.Context, r spool.Record) error {
		e, err := event.Parse(r.Payload)
		require.NoError(t, err)
		last = *e
		if last.State == event.Ended {
			end()
		}
		return nil
	})
	end()
	require.Equal(t, open.EventID, last.EventID)
	require.Equal(t, event.Ended, last.State)
	require.Equal(t, open.UpdatedAt, *last.EndedAt)
}
