package media

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// ErrClosed is returned by a reader that has been closed.
var ErrClosed = errors.New("packet reader is closed")

// Bus carries the packets of one camera from its one writer to any number of
// readers. The writer never waits: a reader that falls behind loses packets
// and goes on at the next keyframe. The zero value is ready to use.
type Bus struct {
	mu      sync.Mutex
	readers map[*Reader]struct{}
}

// Reader is one reader of a bus.
type Reader struct {
	bus     *Bus
	queue   chan *Packet
	audio   bool // wanted too
	waiting bool // for a keyframe; guarded by bus.mu
	closed  bool // guarded by bus.mu
	skipped atomic.Int64
}

// Subscribe adds a reader of video whose first packet is the next keyframe and
// that may fall limit packets behind (at least 1).
func (b *Bus) Subscribe(limit int) *Reader { return b.subscribe(limit, false) }

// SubscribeAll is Subscribe for a reader that wants audio too.
func (b *Bus) SubscribeAll(limit int) *Reader { return b.subscribe(limit, true) }

func (b *Bus) subscribe(limit int, audio bool) *Reader {
	r := &Reader{bus: b, queue: make(chan *Packet, max(limit, 1)), audio: audio, waiting: true}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readers == nil {
		b.readers = make(map[*Reader]struct{})
	}
	b.readers[r] = struct{}{}
	return r
}

// Publish hands a packet to every reader without waiting for any.
func (b *Bus) Publish(p *Packet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for r := range b.readers {
		r.offer(p)
	}
}

// offer is called with bus.mu held, so the reader is the queue's only taker
// besides.
func (r *Reader) offer(p *Packet) {
	audio := p.Stream != nil && p.Stream.Audio()
	if audio && !r.audio {
		return
	}
	if len(r.queue) == cap(r.queue) {
		for range cap(r.queue) {
			select {
			case <-r.queue:
				r.skipped.Add(1)
			default:
			}
		}
		r.waiting = true
	}
	if r.waiting && (audio || !p.Key) {
		r.skipped.Add(1)
		return
	}
	r.waiting = false
	r.queue <- p
}

// Next returns the oldest packet not yet read, waiting for one if need be.
// It fails with ErrClosed or the context's error.
func (r *Reader) Next(ctx context.Context) (*Packet, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case p, ok := <-r.queue:
		if !ok {
			return nil, ErrClosed
		}
		return p, nil
	}
}

// SkipToKey throws away what is queued and waits for the next keyframe, for
// a reader that has to start decoding afresh.
func (r *Reader) SkipToKey() {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	for range len(r.queue) {
		select {
		case <-r.queue:
			r.skipped.Add(1)
		default:
		}
	}
	r.waiting = true
}

// Skipped counts the packets this reader has not been given.
func (r *Reader) Skipped() int64 { return r.skipped.Load() }

// Close takes the reader off the bus. It may be called more than once.
func (r *Reader) Close() {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	delete(r.bus.readers, r)
	close(r.queue)
}
