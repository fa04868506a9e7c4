package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/iot/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud takes what the uplink sends, once it is online.
type cloud struct {
	mu      sync.Mutex
	online  bool
	events  []event.Event
	status  []event.Status
	objects map[string]int
	arrived chan struct{}
}

func newCloud() *cloud { return &cloud{objects: map[string]int{}, arrived: make(chan struct{}, 1000)} }

var errOffline = errors.New("offline")

func (c *cloud) Publish(_ context.Context, topic string, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.online {
		return errOffline
	}
	_, channel, err := event.SplitTopic(topic)
	if err != nil {
		return err
	}
	if channel == event.ChannelStatus {
		s, err := event.ParseStatus(payload)
		if err != nil {
			return err
		}
		c.status = append(c.status, *s)
	} else {
		e, err := event.Parse(payload)
		if err != nil {
			return err
		}
		c.events = append(c.events, *e)
	}
	c.arrived <- struct{}{}
	return nil
}

func (c *cloud) Upload(_ context.Context, key string, jpeg []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.online {
		return errOffline
	}
	c.objects[key] = len(jpeg)
	c.arrived <- struct{}{}
	return nil
}

func (c *cloud) goOnline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.online = true
}

func (c *cloud) wait(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-c.arrived:
		case <-time.After(patience):
			t.Fatal("nothing arrived any more")
		}
	}
}

func testUplink(t *testing.T, dir string) *uplink {
	t.Helper()
	u, err := openUplink(&config.Config{
		Thing: "home", StateDir: dir, Spool: config.Spool{MaxBytes: 1 << 20, MaxAge: time.Hour},
	}, slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	t.Cleanup(func() { u.close() })
	return u
}

func happening(camera string, sequence int, state event.State, id string) event.Event {
	at := event.At(time.Now())
	e := event.Event{
		EventID: id, Sequence: sequence, State: state, Camera: camera, StartedAt: at, UpdatedAt: at,
		Labels: map[string]float64{"person": 0.9}, Zones: []string{}, Faces: []event.Face{}, Model: "m", Score: 0.9,
	}
	if state == event.Ended {
		e.EndedAt = &at
	}
	return e
}

func TestNothingIsLostWhileOffline(t *testing.T) {
	dir, c := t.TempDir(), newCloud()
	u := testUplink(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { u.run(ctx, c, c) })

	id := event.NewID(time.Now())
	for i := 1; i <= 5; i++ {
		state := event.Updated
		if i == 1 {
			state = event.Started
		}
		require.NoError(t, u.Publish(t.Context(), happening("home.door", i, state, id), []byte("jpeg")))
	}
	cancel()
	running.Wait()
	require.NoError(t, u.close())

	// The process dies; its successor sends all of it and ends the event.
	u = testUplink(t, dir)
	require.Empty(t, leftovers(t, u, &config.Config{}))
	c.goOnline()
	ctx, cancel = context.WithCancel(t.Context())
	running.Go(func() { u.run(ctx, c, c) })
	c.wait(t, 6+5)
	cancel()
	running.Wait()

	require.Len(t, c.events, 6)
	for i, e := range c.events {
		require.Equal(t, id, e.EventID)
		require.Equal(t, i+1, e.Sequence, "in order")
		require.Equal(t, "thumbnails/home/home.door/"+id+".jpg", e.ThumbnailKey)
	}
	require.Equal(t, event.Ended, c.events[5].State)
	require.Equal(t, map[string]int{c.events[0].ThumbnailKey: 4}, c.objects)

	require.Empty(t, leftovers(t, u, &config.Config{}))
	require.Zero(t, u.events.Stats().Depth, "an ended event is not ended again")
}

func TestDamagedNoteIsReportedAndRemoved(t *testing.T) {
	dir := t.TempDir()
	u := testUplink(t, dir)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "open"), 0o700))
	note := filepath.Join(dir, "open", "home.door.json")
	require.NoError(t, os.WriteFile(note, []byte("{"), 0o600))
	_, err := u.leftovers(t.Context(), &config.Config{})
	require.ErrorContains(t, err, note)
	require.Empty(t, leftovers(t, u, &config.Config{}))
}

func leftovers(t *testing.T, u *uplink, cfg *config.Config) map[string]*event.Event {
	t.Helper()
	left, err := u.leftovers(t.Context(), cfg)
	require.NoError(t, err)
	return left
}

// The camera that goes on goes on with its event; one that was turned off does not.
func TestLeftoversOfCamerasThatGoOn(t *testing.T) {
	u := testUplink(t, t.TempDir())
	for _, camera := range []string{"home.door", "home.yard"} {
		require.NoError(t, u.Publish(t.Context(), happening(camera, 1, event.Started, event.NewID(time.Now())), []byte("jpeg")))
	}
	left := leftovers(t, u, &config.Config{Cameras: map[string]config.Camera{"door": {}, "yard": {Privacy: true}}})
	require.Len(t, left, 1)
	require.Equal(t, 1, left["home.door"].Sequence)
	require.Equal(t, 3, u.events.Stats().Depth, "two starts and one end")
	left = leftovers(t, u, &config.Config{Cameras: map[string]config.Camera{"door": {}, "yard": {}}})
	require.Len(t, left, 1, "the other has ended")
}

func TestOversizeEventIsRefusedHere(t *testing.T) {
	u := testUplink(t, t.TempDir())
	e := happening("home.door", 1, event.Started, event.NewID(time.Now()))
	e.Labels = map[string]float64{}
	for i := range event.MaxLabels {
		e.Labels[fmt.Sprintf("label with a long name, one of a great many %d", i)] = 0.5
	}
	require.ErrorIs(t, u.Publish(t.Context(), e, nil), event.ErrTooLarge)
	require.Zero(t, u.events.Stats().Depth)
}

func TestStatusIsToldOnConnectAndOnChange(t *testing.T) {
	c := newCloud()
	c.goOnline()
	b := newStatusBoard("home", "1", event.Detector{Model: "m", Weak: true}, slog.New(slog.DiscardHandler))
	b.set("home.door", event.CameraConnecting, "")
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { b.run(ctx, c) })

	session := event.NewID(time.Now())
	b.connected(ctx, session)
	c.wait(t, 1)
	b.set("home.door", event.CameraRunning, "")
	c.wait(t, 1)
	b.set("home.door", event.CameraRunning, "")
	b.set("home.yard", event.CameraFailed, "no route: check the cable")
	c.wait(t, 1)
	b.goodbye(ctx, c)
	cancel()
	running.Wait()

	require.Len(t, c.status, 4, "what does not change is not repeated")
	last := c.status[2]
	require.Equal(t, event.Online, last.State)
	require.Equal(t, session, last.Session)
	require.True(t, last.Detector.Weak)
	require.Equal(t, []event.CameraStatus{
		{Camera: "home.door", State: event.CameraRunning},
		{Camera: "home.yard", State: event.CameraFailed, Message: "no route: check the cable"},
	}, last.Cameras)
	require.Equal(t, event.Offline, c.status[3].State)

	topic, will := b.will(session)
	require.Equal(t, "porchlight/v1/home/status", topic)
	s, err := event.ParseStatus(will)
	require.NoError(t, err)
	require.Equal(t, event.Offline, s.State)
}

func TestSessionsSortEvenWhenTheClockIsSetBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session")
	future := event.NewID(time.Now().Add(24 * time.Hour))
	require.NoError(t, os.WriteFile(file, []byte(future), 0o600))
	s := &sessions{file: file, log: slog.New(slog.DiscardHandler)}
	first, second := s.next(), s.next()
	require.Greater(t, first, future)
	require.Greater(t, second, first)
	require.Greater(t, (&sessions{file: file, log: s.log}).next(), second)
}

// Whatever state the power cuts off, the end made from the note counts: its
// sequence is above all that was sent.
func TestEndAfterPowerCutIsAboveAllThatWasSent(t *testing.T) {
	dir, id := t.TempDir(), event.NewID(time.Now())
	u := testUplink(t, dir)
	require.NoError(t, u.Publish(t.Context(), happening("home.door", 1, event.Started, id), nil))
	require.NoError(t, u.events.Close()) // nothing after the note of the second state is reached
	require.ErrorIs(t, u.Publish(t.Context(), happening("home.door", 2, event.Updated, id), nil), spool.ErrClosed)
	require.NoError(t, u.close())

	u = testUplink(t, dir)
	left, err := u.open.list()
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, 2, left[0].Sequence)
}

func TestNotesAreFoundInFoldersOfAnyName(t *testing.T) {
	u := testUplink(t, t.TempDir())
	u.open.dir = filepath.Join(t.TempDir(), "[1]*")
	require.NoError(t, u.open.keep(happening("home.door", 1, event.Started, event.NewID(time.Now()))))
	left, err := u.open.list()
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func (c *cloud) Disconnect(context.Context) error { return nil }

// The broker forgets the will when a session ends in order, so a device that
// leaves with events unsent has to say that it goes.
func TestGoodbyeIsSaidWithEventsLeft(t *testing.T) {
	c := newCloud()
	c.goOnline()
	u, log := testUplink(t, t.TempDir()), slog.New(slog.DiscardHandler)
	require.NoError(t, u.Publish(t.Context(), happening("home.door", 1, event.Started, event.NewID(time.Now())), nil))
	b := newStatusBoard("home", "1", event.Detector{}, log)
	b.connected(t.Context(), event.NewID(time.Now()))
	goodbye(t.Context(), time.Millisecond, u, b, c, log)
	require.Len(t, c.status, 1)
	require.Equal(t, event.Offline, c.status[0].State)
	require.Equal(t, 1, u.events.Stats().Depth)
}
