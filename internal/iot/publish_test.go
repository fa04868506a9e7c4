package iot_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/iot"
	"porchlight/internal/iot/iottest"
	"porchlight/internal/iot/spool"
)

// A message that the broker cuts the connection for would be sent again after
// every connect, and nothing after it.
func TestWhatIoTCoreNeverTakesIsRefusedHere(t *testing.T) {
	b := iottest.New(t, nil)
	got := make(chan iottest.Message, 10)
	b.Arrived = func(m iottest.Message) packets.Code { got <- m; return packets.CodeSuccess }
	b.Up()
	c := connect(t, b, nil)
	err := publish(t, c, "events", strings.Repeat("x", 130<<10))
	require.ErrorIs(t, err, spool.ErrRefused)
	require.ErrorIs(t, err, iot.ErrTooLarge)
	for _, topic := range []string{"", "a/+", "a/#", strings.Repeat("x", 257), strings.Repeat("/", 8), "a\x00", "\xff"} {
		err := publish(t, c, topic, "x")
		require.ErrorIs(t, err, spool.ErrRefused, topic)
		require.ErrorIs(t, err, iot.ErrTopic, topic)
	}
	require.NoError(t, publish(t, c, "events", strings.Repeat("x", iot.MaxPayload)))
	require.NoError(t, publish(t, c, "$aws/rules/rule/"+strings.Repeat("/", 7), "x"))
	require.Len(t, next(t, got).Payload, iot.MaxPayload)
	stats := c.Stats()
	require.EqualValues(t, 2, stats.Published)
	require.EqualValues(t, 8, stats.Refused)
	require.EqualValues(t, 1, stats.Connects)
}

func TestRefusedPublishIsForGood(t *testing.T) {
	b := iottest.New(t, nil)
	code := packets.ErrNotAuthorized
	b.Arrived = func(iottest.Message) packets.Code { return code }
	b.Up()
	c := connect(t, b, nil)
	err := publish(t, c, "events", "x")
	require.ErrorIs(t, err, spool.ErrRefused)
	require.ErrorIs(t, err, iot.ErrNotAuthorized)
	code = packets.ErrQuotaExceeded
	err = publish(t, c, "events", "x")
	require.ErrorIs(t, err, iot.ErrLimit)
	require.NotErrorIs(t, err, spool.ErrRefused, "later there may be room")
}

// IoT Core may end the connection over one message. It is found by trying it
// alone, twice.
func TestMessageThatEndsTheConnection(t *testing.T) {
	b := iottest.New(t, nil)
	b.Arrived = func(m iottest.Message) packets.Code {
		if m.Topic == "poison" {
			b.Kick(m.Client, packets.ErrNotAuthorized)
		}
		return packets.CodeSuccess
	}
	b.Up()
	c := connect(t, b, nil)
	err := publish(t, c, "poison", "x")
	require.ErrorIs(t, err, iot.ErrNotAuthorized)
	require.NotErrorIs(t, err, spool.ErrRefused, "once may be something else")
	require.NoError(t, publish(t, c, "events", "x"))
	require.ErrorIs(t, publish(t, c, "poison", "x"), spool.ErrRefused)
	require.NoError(t, publish(t, c, "events", "x"))
}

// A connection that breaks does not keep those waiting who wait for an answer.
func TestLostConnectionIsNoticedAtOnce(t *testing.T) {
	b := iottest.New(t, nil)
	var cuts atomic.Int32
	b.Arrived = func(iottest.Message) packets.Code {
		if cuts.Add(1) == 1 {
			b.Cut()
		}
		return packets.CodeSuccess
	}
	b.Up()
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Hasty(time.Hour) })
	require.ErrorContains(t, publish(t, c, "events", "x"), "the connection was lost")
	require.NoError(t, publish(t, c, "events", "x"))
}

// A broker that says nothing any more is left, so that what waits for an answer
// does not stay in the window.
func TestSilentBrokerIsLeft(t *testing.T) {
	b := iottest.New(t, nil)
	hang := make(chan struct{})
	release := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(release)
	b.Arrived = func(m iottest.Message) packets.Code {
		if m.Topic == "hang" {
			<-hang
		}
		return packets.CodeSuccess
	}
	b.Up()
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Hasty(50 * time.Millisecond) })
	eventually(t, func() bool { return c.Stats().Connected }, "it connects, if not at once")
	before := c.Stats().Connects
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.Error(t, c.Publish(ctx, "hang", nil))
	require.NoError(t, ctx.Err())
	eventually(t, func() bool { return c.Stats().Connects > before }, "it connects anew")
	release()
}

// Whose own patience ends does not end the connection.
func TestCallersPatienceIsTheirOwn(t *testing.T) {
	b := iottest.New(t, nil)
	hang, hangs := make(chan struct{}), make(chan struct{})
	b.Arrived = func(m iottest.Message) packets.Code {
		if m.Topic == "hang" {
			close(hangs)
			<-hang
		}
		return packets.CodeSuccess
	}
	b.Up()
	c := connect(t, b, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Publish(ctx, "hang", nil) }()
	next(t, hangs)
	cancel()
	require.ErrorIs(t, next(t, done), context.Canceled)
	close(hang)
	require.NoError(t, publish(t, c, "events", "x"))
	require.EqualValues(t, 1, c.Stats().Connects)

	b.Down()
	eventually(t, func() bool { return !c.Stats().Connected }, "it notices")
	short, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	require.ErrorIs(t, c.Publish(short, "events", nil), context.DeadlineExceeded)
}

func TestManyPublishAtOnce(t *testing.T) {
	b := iottest.New(t, nil)
	var arrived atomic.Int32
	b.Arrived = func(iottest.Message) packets.Code { arrived.Add(1); return packets.CodeSuccess }
	b.Up()
	c := connect(t, b, nil)
	var all sync.WaitGroup
	errs := make(chan error, 200)
	for i := range 200 {
		all.Go(func() { errs <- c.Publish(t.Context(), "events", fmt.Append(nil, i)) })
	}
	all.Wait()
	for range 200 {
		require.NoError(t, <-errs)
	}
	require.EqualValues(t, 200, arrived.Load())
}
