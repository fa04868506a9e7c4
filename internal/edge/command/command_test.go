package command_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/edge/command"
	"porchlight/internal/edge/linktest"
	"porchlight/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second // only ever reached by a failing test

// stage runs commands over a broker in memory.
type stage struct {
	t      *testing.T
	broker linktest.Broker
	now    time.Time
	stop   func()

	mu      sync.Mutex
	replies []event.Reply
	raw     []string
}

func newStage(t *testing.T, edit func(*command.Config)) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)}
	cfg := command.Config{
		Thing: "home", Link: &s.broker, Put: s.put, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Handlers: map[event.CommandName]command.Handler{},
	}
	edit(&cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- command.Run(ctx, cfg) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(s.stop)
	require.Eventually(t, func() bool { return s.broker.Subscribed("porchlight/v1/home/commands") }, patience, time.Millisecond)
	return s
}

func (s *stage) put(topic string, payload []byte) error {
	r, err := event.ParseReply(payload)
	if err != nil || topic != "porchlight/v1/home/replies" {
		s.t.Errorf("%s: %s: %v", topic, payload, err)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, *r)
	s.raw = append(s.raw, string(payload))
	return nil
}

func (s *stage) send(c event.Command) {
	s.t.Helper()
	if c.ExpiresAt.IsZero() {
		c.ExpiresAt = event.At(s.now.Add(time.Minute))
	}
	payload, err := c.Marshal()
	require.NoError(s.t, err)
	s.sendRaw(string(payload))
}

func (s *stage) sendRaw(payload string) {
	s.t.Helper()
	require.NoError(s.t, s.broker.Publish(s.t.Context(), "porchlight/v1/home/commands", []byte(payload)))
}

func (s *stage) wait(n int) []event.Reply {
	s.t.Helper()
	var got []event.Reply
	require.Eventually(s.t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		got = append([]event.Reply(nil), s.replies...)
		return len(got) >= n
	}, patience, time.Millisecond)
	require.Len(s.t, got, n)
	return got
}

func snapshot(id, camera string) event.Command {
	return event.Command{RequestID: id, Command: event.CommandSnapshot, Camera: "home." + camera}
}

func handle(cfg *command.Config, h command.Handler) {
	cfg.Handlers[event.CommandSnapshot] = h
}

func TestCommandIsCarriedOutOnce(t *testing.T) {
	begun, finish, calls := make(chan struct{}), make(chan struct{}), 0
	s := newStage(t, func(cfg *command.Config) {
		handle(cfg, func(_ context.Context, c event.Command) (map[string]any, error) {
			calls++
			close(begun)
			<-finish
			return map[string]any{"key": "a.jpg", "for": c.Camera}, nil
		})
	})
	s.send(snapshot("r1", "door"))
	<-begun
	s.send(snapshot("r1", "door")) // while it runs
	s.sendRaw(`{"request_id":"r0","command":"dance","expires_at":"2026-05-04T03:00:01Z"}`)
	require.Equal(t, "r0", s.wait(1)[0].RequestID, "the second delivery has been read by now")
	close(finish)
	s.wait(2)
	s.send(snapshot("r1", "door")) // when it is done
	replies := s.wait(3)
	require.Equal(t, event.ReplyDone, replies[1].State)
	require.Equal(t, map[string]any{"key": "a.jpg", "for": "home.door"}, replies[1].Result)
	require.Equal(t, s.raw[1], s.raw[2], "the very same reply")
	require.Equal(t, 1, calls)
}

func TestCommandsThatAreNotCarriedOut(t *testing.T) {
	s := newStage(t, func(cfg *command.Config) {
		handle(cfg, func(context.Context, event.Command) (map[string]any, error) {
			t.Error("carried out")
			return nil, nil
		})
		cfg.Missing = map[event.CommandName]string{event.CommandSiren: "no siren is configured"}
	})
	for i, c := range []struct {
		payload string
		state   event.ReplyState
		says    string
	}{
		{`{"request_id":"1","command":"snapshot","camera":"home.door","expires_at":"2026-05-04T02:59:59Z"}`, event.ReplyExpired, "this device's clock says 2026-05-04T03:00:00.000Z"},
		{`{"request_id":"2","command":"snapshot","camera":"home.door","expires_at":"2026-05-04T04:00:01Z"}`, event.ReplyRejected, "more than an hour from now: this device's clock says 2026-05-04T03:00:00.000Z"},
		{`{"request_id":"3","command":"snapshot","camera":"other.door","expires_at":"2026-05-04T03:00:01Z"}`, event.ReplyRejected, "not one of home"},
		{`{"request_id":"4","command":"snapshot","expires_at":"2026-05-04T03:00:01Z"}`, event.ReplyRejected, "needs a camera"},
		{`{"request_id":"5","command":"siren","expires_at":"2026-05-04T03:00:01Z"}`, event.ReplyUnsupported, "no siren is configured"},
		{`{"request_id":"6","command":"dance","expires_at":"2026-05-04T03:00:01Z"}`, event.ReplyUnsupported, "does not know the command dance"},
		{`{"request_id":"7","command":"Da nce","camera":"/"}`, event.ReplyRejected, "command"},
		{`{"request_id":"8"}`, event.ReplyRejected, "command"},
	} {
		s.sendRaw("nonsense")
		s.sendRaw(c.payload)
		r := s.wait(i + 1)[i]
		require.Equal(t, fmt.Sprint(i+1), r.RequestID)
		require.Equal(t, c.state, r.State, c.payload)
		require.Contains(t, r.Message, c.says)
	}
}

func TestHandlersFaults(t *testing.T) {
	for name, c := range map[string]struct {
		handler command.Handler
		state   event.ReplyState
		says    string
	}{
		"error":    {func(context.Context, event.Command) (map[string]any, error) { return nil, errors.New("lens is dirty") }, event.ReplyFailed, "lens is dirty"},
		"panic":    {func(context.Context, event.Command) (map[string]any, error) { panic("hush") }, event.ReplyFailed, "a fault in the program"},
		"cannot":   {func(context.Context, event.Command) (map[string]any, error) { return nil, command.ErrUnsupported }, event.ReplyUnsupported, "cannot"},
		"rejected": {func(context.Context, event.Command) (map[string]any, error) { return nil, command.ErrRejected }, event.ReplyRejected, "no sense"},
		"much": {func(context.Context, event.Command) (map[string]any, error) {
			return map[string]any{"a": strings.Repeat("x", 6000)}, nil
		}, event.ReplyFailed, "does not fit"},
		"endless words": {func(context.Context, event.Command) (map[string]any, error) {
			return nil, errors.New(strings.Repeat("ü", 2000))
		}, event.ReplyFailed, "…"},
		"words that grow": {func(context.Context, event.Command) (map[string]any, error) {
			return nil, errors.New(strings.Repeat("<", 2000))
		}, event.ReplyFailed, "<…"},
		"no JSON": {func(context.Context, event.Command) (map[string]any, error) {
			return map[string]any{"a": make(chan int)}, nil
		}, event.ReplyFailed, "does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(cfg *command.Config) { handle(cfg, c.handler) })
			s.send(snapshot("r", "door"))
			r := s.wait(1)[0]
			require.Equal(t, c.state, r.State)
			require.Contains(t, r.Message, c.says)
			require.NotContains(t, r.Message, "hush")
		})
	}
}

// One camera's commands go one after the other, several cameras' side by side,
// but no more than four.
func TestLanes(t *testing.T) {
	var mu sync.Mutex
	begun, busy, most := []string{}, map[string]bool{}, 0
	finish := make(chan struct{})
	s := newStage(t, func(cfg *command.Config) {
		handle(cfg, func(_ context.Context, c event.Command) (map[string]any, error) {
			mu.Lock()
			if busy[c.Camera] {
				t.Errorf("two at once at %s", c.Camera)
			}
			busy[c.Camera] = true
			most = max(most, len(busy))
			begun = append(begun, c.RequestID)
			mu.Unlock()
			<-finish
			mu.Lock()
			defer mu.Unlock()
			delete(busy, c.Camera)
			return nil, nil
		})
	})
	for i := range 3 {
		for camera := range 6 {
			s.send(snapshot(fmt.Sprintf("%d-%d", camera, i), fmt.Sprintf("c%d", camera)))
		}
	}
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(begun) == 4
	}, patience, time.Millisecond)
	close(finish)
	s.wait(18)
	require.Equal(t, 4, most)
	last := map[byte]byte{}
	for _, id := range begun {
		require.GreaterOrEqual(t, id[2], last[id[0]], "in their order")
		last[id[0]] = id[2]
	}
}

func TestTooMuchIsRejected(t *testing.T) {
	begun, finish := make(chan struct{}, 100), make(chan struct{})
	s := newStage(t, func(cfg *command.Config) {
		handle(cfg, func(context.Context, event.Command) (map[string]any, error) {
			begun <- struct{}{}
			<-finish
			return nil, nil
		})
	})
	s.send(snapshot("first", "door"))
	<-begun
	for i := range 65 {
		s.send(snapshot(fmt.Sprint(i), "door"))
	}
	r := s.wait(1)[0]
	require.Equal(t, event.ReplyRejected, r.State)
	require.Equal(t, "64", r.RequestID)
	close(finish)
	s.wait(66)
}

// A handler that does not end in time is answered for; the next command waits
// for it nevertheless, and finds that it has expired.
func TestTimeout(t *testing.T) {
	finish, ended := make(chan struct{}), make(chan struct{})
	s := newStage(t, func(cfg *command.Config) {
		cfg.Timeout = 10 * time.Millisecond
		handle(cfg, func(_ context.Context, c event.Command) (map[string]any, error) {
			if c.RequestID == "slow" {
				<-finish
				close(ended)
				return nil, nil
			}
			select {
			case <-ended:
			default:
				t.Error("met the one before")
			}
			return nil, nil
		})
	})
	s.send(snapshot("slow", "door"))
	s.send(snapshot("next", "door"))
	r := s.wait(1)[0]
	require.Equal(t, event.ReplyFailed, r.State)
	require.Contains(t, r.Message, "not done within 10ms")
	close(finish)
	require.Equal(t, "next", s.wait(2)[1].RequestID)
}

func TestStoppingAnswersAll(t *testing.T) {
	begun := make(chan struct{})
	s := newStage(t, func(cfg *command.Config) {
		handle(cfg, func(ctx context.Context, _ event.Command) (map[string]any, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		})
	})
	s.send(snapshot("runs", "door"))
	<-begun
	s.send(snapshot("waits", "door"))
	s.sendRaw(`{"request_id":"r0","command":"dance","expires_at":"2026-05-04T03:00:01Z"}`)
	s.wait(1)
	s.stop()
	replies := s.wait(3)
	require.Equal(t, event.ReplyFailed, replies[1].State)
	require.Equal(t, event.ReplyFailed, replies[2].State)
	require.Contains(t, replies[2].Message, "stopping")
}

// failing is a link that cannot subscribe.
type failing struct{}

func (failing) Subscribe(context.Context, string, func(string, []byte), func()) error {
	return errors.New("not authorized")
}

func TestNoSubscription(t *testing.T) {
	err := command.Run(t.Context(), command.Config{Thing: "home", Link: failing{}, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "listen for commands: not authorized")
}
