package greengrass

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Subscription delivers events of type T in the order in which the nucleus
// sent them. There is no order across subscriptions, nor between an event and
// the answer to the call that caused it.
type Subscription[T any] struct {
	feed      *feed
	client    *Client
	decode    func(payload []byte) (T, error)
	log       *slog.Logger
	malformed atomic.Uint64
}

// Stats of a subscription, counted since it was made.
type Stats struct {
	Received  uint64 // events that the nucleus sent
	Dropped   uint64 // of them, those that the reader was too slow for
	Malformed uint64 // of them, those that could not be decoded
	Renewed   uint64 // times it was made anew; events before each may be lost
	Waiting   int    // events that wait to be read
}

// subscribe makes a subscription. renewed, if not nil, makes the event that
// tells a reader that events may have been lost.
func subscribe[T any](ctx context.Context, c *Client, operation string, body any, decode func([]byte) (T, error), renewed func() []byte) (*Subscription[T], error) {
	f, err := c.feed(ctx, operation, body, renewed)
	if err != nil {
		return nil, err
	}
	return &Subscription[T]{feed: f, client: c, decode: decode, log: c.cfg.Log}, nil
}

// Next waits for the next event. Once the subscription has ended and all
// events are read it says why: ErrClosed, ErrEnded or ErrTokenVoid, wrapped.
// An event that cannot be decoded is counted, logged and skipped.
func (s *Subscription[T]) Next(ctx context.Context) (event T, err error) {
	for {
		payload, err := s.feed.queue.pop(ctx)
		if err != nil {
			return event, err
		}
		if event, err = s.decode(payload); err == nil {
			return event, nil
		}
		if s.malformed.Add(1) == 1 {
			s.log.Warn("an event could not be decoded and was skipped; later ones are only counted", "operation", s.feed.operation, "err", err)
		}
	}
}

// Renew makes the subscription anew on the living connection and then ends the
// old one; an event may come twice. It is for a reader that misses something
// it expects, such as a heartbeat: nucleus lite stops delivering to a subscription,
// silently, after a local JSON message or an IoT Core message that is too
// large for its buffers. After an error the subscription is as before.
func (s *Subscription[T]) Renew(ctx context.Context) error {
	ctx, cancel := s.client.bounded(ctx)
	defer cancel()
	current, err := s.client.session()
	if err != nil {
		return err
	}
	return s.feed.renew(ctx, current)
}

// Renewals has a value after the subscription was made anew, by Renew or on a
// new connection: events from before may be lost. Several renewals may be one
// value.
func (s *Subscription[T]) Renewals() <-chan struct{} { return s.feed.again }

// Stats counts what came.
func (s *Subscription[T]) Stats() Stats {
	received, dropped, waiting := s.feed.queue.counts()
	return Stats{
		Received: received, Dropped: dropped, Waiting: waiting,
		Malformed: s.malformed.Load(), Renewed: s.feed.renewals.Load(),
	}
}

// Close ends the subscription. What waits can still be read.
func (s *Subscription[T]) Close() error {
	s.feed.close(ErrClosed)
	return nil
}
