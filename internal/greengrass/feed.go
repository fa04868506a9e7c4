package greengrass

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"porchlight/internal/greengrass/wire"
)

// feed is a subscription without its type: the request that makes it, the
// stream it has now, and the queue that outlives streams.
type feed struct {
	client    *Client
	operation string
	message   wire.Message
	renewed   func() []byte
	queue     *queue
	renewals  atomic.Uint64
	again     chan struct{} // has a value after a renewal

	turn chan struct{} // one renewal at a time

	mu      sync.Mutex
	current *attachment // the stream whose events count
	ended   bool
}

// attachment is a feed's stream on one session.
type attachment struct {
	feed    *feed
	session *session
	first   reply
	open    bool // the first answer came; only the goroutine that reads looks at it

	// The feed's mu guards these.
	stream int32 // 0 until it is known
	given  bool  // given up before the answer came
}

// feed subscribes for the first time.
func (c *Client) feed(ctx context.Context, operation string, body any, renewed func() []byte) (*feed, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	message, err := request(operation, body)
	if err != nil {
		return nil, err
	}
	s, err := c.session()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	f := &feed{
		client: c, operation: operation, message: message, renewed: renewed,
		queue: newQueue(c.cfg.QueueLength, c.cfg.QueueBytes), again: make(chan struct{}, 1), turn: make(chan struct{}, 1),
	}
	if err := f.subscribe(ctx, s); err != nil {
		return nil, err
	}
	if err := c.register(f, s); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	return f, nil
}

// renew makes the subscription anew on s and ends the stream it had.
func (f *feed) renew(ctx context.Context, s *session) error {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.turn }()
	f.mu.Lock()
	old, ended := f.current, f.ended
	f.mu.Unlock()
	if ended {
		return fmt.Errorf("%s: %w", f.operation, ErrEnded)
	}
	if err := f.subscribe(ctx, s); err != nil {
		return err
	}
	f.renewals.Add(1)
	if f.renewed != nil {
		f.queue.push(f.renewed(), false)
	}
	select {
	case f.again <- struct{}{}:
	default: // the reader has not looked since the last one
	}
	if old != nil && old.session == s {
		s.terminate(ctx, old.stream)
	}
	return nil
}

// subscribe opens a stream and waits for its first answer.
func (f *feed) subscribe(ctx context.Context, s *session) error {
	ctx, cancel := f.client.bounded(ctx)
	defer cancel()
	a := &attachment{feed: f, session: s, first: newReply()}
	stream, err := s.open(ctx, f.message, a)
	if err != nil {
		return fmt.Errorf("%s: %w", f.operation, err)
	}
	m, err := a.first.wait(ctx)
	if err != nil && a.giveUp() {
		s.terminate(ctx, stream) // or the nucleus would go on sending
		return fmt.Errorf("%s: %w", f.operation, err)
	}
	if err == nil {
		if err := answerError(f.operation, m); err != nil {
			return err
		}
	}
	f.mu.Lock()
	a.stream = stream
	ended := f.ended && f.current == a && !m.Terminates()
	f.mu.Unlock()
	if ended { // from this side, meanwhile
		s.terminate(ctx, stream)
		return fmt.Errorf("%s: %w", f.operation, ErrClosed)
	}
	return nil
}

// giveUp is false if the answer came after all.
func (a *attachment) giveUp() bool {
	a.feed.mu.Lock()
	defer a.feed.mu.Unlock()
	a.given = a.feed.current != a
	return a.given
}

// accept makes a the feed's stream, unless nobody waits for it any more.
func (a *attachment) accept() bool {
	a.feed.mu.Lock()
	defer a.feed.mu.Unlock()
	if !a.given {
		a.feed.current = a
	}
	return !a.given
}

// deliver takes the answer, then events. The nucleus may end the stream with a
// message that still carries one.
func (a *attachment) deliver(m wire.Message) bool {
	if !a.open {
		a.open = m.Type == wire.ApplicationMessage && a.accept()
		a.first.deliver(m)
		if a.open && m.Terminates() {
			a.feed.endOf(a, ErrEnded)
		}
		return a.open
	}
	if err := answerError(a.feed.operation, m); err != nil {
		a.feed.endOf(a, fmt.Errorf("%w: %w", ErrEnded, err))
		return false
	}
	if len(m.Payload) > 0 && a.feed.takesFrom(a) {
		a.feed.queue.push(m.Payload, true)
	}
	if m.Terminates() {
		a.feed.endOf(a, ErrEnded)
		return false
	}
	return true
}

// lost leaves an open subscription to be renewed on the next connection.
func (a *attachment) lost(err error) { a.first.lost(err) }

// takesFrom says whether a is the feed's stream: one that was replaced is not.
func (f *feed) takesFrom(a *attachment) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current == a && !f.ended
}

// isOn says whether the feed has its stream on s.
func (f *feed) isOn(s *session) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current != nil && f.current.session == s
}

func (f *feed) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}

// endOf ends the feed if a is its stream.
func (f *feed) endOf(a *attachment, reason error) {
	if f.takesFrom(a) {
		f.end(reason)
	}
}

// end says that nothing comes any more. It is false if that was known.
func (f *feed) end(reason error) bool {
	f.mu.Lock()
	was := f.ended
	f.ended = true
	f.mu.Unlock()
	f.client.unregister(f)
	f.queue.finish(reason)
	return !was
}

// close ends it from this side.
func (f *feed) close(reason error) {
	if !f.end(reason) {
		return
	}
	f.mu.Lock()
	a := f.current
	known := a != nil && a.stream != 0
	f.mu.Unlock()
	if known { // else who waits for the stream sees that it ended
		a.session.terminate(context.Background(), a.stream)
	}
}
