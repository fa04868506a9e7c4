package greengrass_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
	"porchlight/internal/greengrass/wire"
)

const many = 10_000

// As many publishers as there are, every message arrives once, and those of
// one publisher in order.
func TestTenThousandMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		cfg := config(n)
		cfg.QueueLength = many
		c := connect(t, cfg)
		s := subscribe(t, c, "#")
		ctx := within(t)
		const publishers = 8
		var publishing sync.WaitGroup
		for p := range publishers {
			publishing.Go(func() {
				for i := range many / publishers {
					r := greengrass.PublishToTopicRequest{Topic: strconv.Itoa(p), Binary: strconv.AppendInt(nil, int64(i), 10)}
					if err := c.PublishToTopic(ctx, r); err != nil {
						t.Errorf("publisher %d, message %d: %v", p, i, err)
						return
					}
				}
			})
		}
		publishing.Wait()
		var expected [publishers]int
		for range many {
			m := next(t, s)
			p, err := strconv.Atoi(m.Topic)
			require.NoError(t, err)
			require.Equal(t, strconv.Itoa(expected[p]), string(m.Payload))
			expected[p]++
		}
		require.Equal(t, greengrass.Stats{Received: many}, s.Stats())
		counts := n.Counts()
		require.Equal(t, many, counts.Requests["PublishToTopic"])
		require.Equal(t, [2]int{0, 0}, [2]int{counts.Dropped, counts.Terminates}, "stream ids in order, nothing sent but the requests")
	})
}

// A reader that does not read costs its oldest events and nobody else
// anything.
func TestSlowReader(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		cfg := config(n)
		cfg.QueueLength, cfg.QueueBytes = 5, 400
		c := connect(t, cfg)
		s := subscribe(t, c, "a")
		for i := range 100 {
			publish(t, c, "a", strconv.Itoa(i))
		}
		publish(t, c, "b", "") // the events came before its answer
		stats := s.Stats()
		require.Equal(t, uint64(100), stats.Received)
		require.Equal(t, uint64(100-stats.Waiting), stats.Dropped)
		require.Positive(t, stats.Waiting)
		require.LessOrEqual(t, stats.Waiting, 5)
		require.Equal(t, strconv.Itoa(100-stats.Waiting), string(next(t, s).Payload), "the newest stay")

		// One that is larger than all may be still passes, alone.
		publish(t, c, "a", string(make([]byte, 1000)))
		publish(t, c, "b", "")
		require.Equal(t, 1, s.Stats().Waiting)
		require.Len(t, next(t, s).Payload, 1000)
	})
}

func TestReadingStopsWithItsContext(t *testing.T) {
	_, c := connected(t, fakenucleus.Lite)
	s := subscribe(t, c, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
	publish(t, c, "a", "x")
	require.Equal(t, "x", string(next(t, s).Payload), "the subscription lives on")
}

func TestManyReaders(t *testing.T) {
	_, c := connected(t, fakenucleus.Lite)
	s := subscribe(t, c, "a")
	ctx := within(t)
	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			for {
				if _, err := s.Next(ctx); err != nil {
					return
				}
			}
		})
	}
	for range 50 {
		publish(t, c, "a", "x")
	}
	eventually(t, func() bool { return s.Stats().Waiting == 0 })
	require.NoError(t, s.Close())
	reading.Wait()
	require.NoError(t, ctx.Err(), "all heard of the end")
}

func TestCloseSubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		publish(t, c, "a", "before")
		publish(t, c, "b", "")
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		eventually(t, func() bool { return n.Subscriptions() == 0 })
		require.Equal(t, 1, n.Counts().Terminates)
		publish(t, c, "a", "after")
		require.Equal(t, "before", string(next(t, s).Payload))
		_, err := s.Next(within(t))
		require.ErrorIs(t, err, greengrass.ErrClosed)
		require.ErrorIs(t, s.Renew(within(t)), greengrass.ErrEnded)
	})
}

// The message that ends a stream may itself carry an event.
func TestNucleusEndsSubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		n.PublishLast("a", json.RawMessage(`{"last":true}`))
		require.JSONEq(t, `{"last":true}`, string(next(t, s).Payload))
		_, err := s.Next(within(t))
		require.ErrorIs(t, err, greengrass.ErrEnded)
		require.NoError(t, s.Close())
		publish(t, c, "a", "x")
		require.Zero(t, n.Counts().Terminates, "a stream that is over needs no end")

		n.DropConnections()
		eventually(t, func() bool { return n.Counts().Connections == 2 })
		eventually(t, func() bool { return c.UpdateState(within(t), greengrass.Running) == nil })
		require.Zero(t, n.Subscriptions(), "what ended is not renewed")
	})
}

func TestRenewSubscription(t *testing.T) {
	n, c := connected(t, fakenucleus.Lite)
	s := subscribe(t, c, "a")
	var keys json.RawMessage = []byte(`{"k":[` + manyNumbers(43) + `]}`)
	n.Publish("other", "a", "jsonMessage", keys)
	publish(t, c, "a", "lost too")
	require.Zero(t, s.Stats().Received, "nucleus lite went silent")

	require.NoError(t, s.Renew(within(t)))
	publish(t, c, "a", "heard")
	require.Equal(t, "heard", string(next(t, s).Payload))
	eventually(t, func() bool { return n.Subscriptions() == 1 })
	require.Equal(t, uint64(1), s.Stats().Renewed)

	n.Inject("SubscribeToTopic", fakenucleus.Fault{Error: &fakenucleus.ModeledError{Code: "ServiceError", Message: "no"}})
	require.ErrorIs(t, s.Renew(within(t)), greengrass.ErrService)
	publish(t, c, "a", "as before")
	require.Equal(t, "as before", string(next(t, s).Payload))
}

func TestMalformedEventIsSkipped(t *testing.T) {
	n, c := connected(t, fakenucleus.Java)
	s := subscribe(t, c, "a")
	n.Publish("other", "a", "unheardOfMessage", json.RawMessage(`{}`))
	n.Publish("other", "a", "binaryMessage", json.RawMessage(`"not base64!"`))
	publish(t, c, "a", "good")
	require.Equal(t, "good", string(next(t, s).Payload))
	require.Equal(t, uint64(2), s.Stats().Malformed)
}

func manyNumbers(n int) string {
	b := []byte("0")
	for i := 1; i < n; i++ {
		b = strconv.AppendInt(append(b, ','), int64(i), 10)
	}
	return string(b)
}

// Closing the client ends whoever waits.
func TestCloseClient(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		n.Inject("UpdateState", fakenucleus.Fault{})
		answered := make(chan error, 1)
		go func() { answered <- c.UpdateState(context.WithoutCancel(t.Context()), greengrass.Running) }()
		eventually(t, func() bool { return n.Counts().Requests["UpdateState"] == 1 })
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-answered, greengrass.ErrClosed)
		_, err := s.Next(within(t))
		require.ErrorIs(t, err, greengrass.ErrClosed)
		require.ErrorIs(t, c.Err(), greengrass.ErrClosed)
		require.ErrorIs(t, c.UpdateState(within(t), greengrass.Running), greengrass.ErrClosed)
		require.NoError(t, s.Close())
	})
}

func TestNucleusEndsSubscriptionWithAnError(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		publish(t, c, "a", "before")
		n.EndStreams("SubscribeToTopic", fakenucleus.ModeledError{Code: "UnauthorizedError", Message: "no more"})
		require.Equal(t, "before", string(next(t, s).Payload))
		_, err := s.Next(within(t))
		require.ErrorIs(t, err, greengrass.ErrEnded)
		require.ErrorIs(t, err, greengrass.ErrUnauthorized)
	})
}

// A subscription that ends with its first answer is not renewed either.
func TestSubscriptionThatEndsAtOnce(t *testing.T) {
	n, c := connected(t, fakenucleus.Java)
	n.Inject("SubscribeToTopic", fakenucleus.Fault{Message: &wire.Message{Flags: wire.TerminateStream, Payload: []byte(`{}`)}})
	s := subscribe(t, c, "a")
	_, err := s.Next(within(t))
	require.ErrorIs(t, err, greengrass.ErrEnded)
	n.DropConnections()
	eventually(t, func() bool { return c.UpdateState(within(t), greengrass.Running) == nil })
	require.Equal(t, 1, n.Counts().Requests["SubscribeToTopic"])
}
