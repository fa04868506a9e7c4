package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/media"
)

// feed fans one stream of the camera out. While nobody watches it does and
// holds nothing.
type feed struct {
	ring    *media.Ring
	quality Quality
	ask     func(Quality) // for a keyframe; may be nil
	log     *slog.Logger

	mu      sync.Mutex
	readers map[*reader]struct{}
	stop    context.CancelFunc
	done    sync.WaitGroup
	gop     *media.GOP // being read
	next    int        // sample of gop
	cut     *packetizer
	units   []*unit // of the newest GOP
	asked   time.Time
	asking  bool
}

// reader is one viewer's place in a feed.
type reader struct {
	feed    *feed
	queue   chan *unit
	waiting bool // for a keyframe; guarded by feed.mu
	begun   bool // has got something; guarded by feed.mu
	skipped int  // units; guarded by feed.mu
}

// readerQueue is how many units a viewer may fall behind.
const readerQueue = 256

// askEvery is how often a camera is asked for a keyframe at most.
const askEvery = time.Second

// join adds a reader. With now, the units of the newest GOP so far are
// returned and the reader goes on after them; without, or when there is no
// GOP, it begins at the next keyframe. leave must be called.
func (f *feed) join(now bool) (*reader, []*unit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &reader{feed: f, queue: make(chan *unit, readerQueue), waiting: true}
	if len(f.readers) == 0 {
		f.start()
	}
	f.pump() // so that nothing in the ring is missed
	f.readers[r] = struct{}{}
	if !now || len(f.units) == 0 {
		return r, nil
	}
	r.waiting, r.begun = false, true
	return r, f.units[:len(f.units):len(f.units)]
}

// start is called with mu held.
func (f *feed) start() {
	ctx, cancel := context.WithCancel(context.Background())
	f.readers, f.stop = make(map[*reader]struct{}), cancel
	watch := f.ring.Watch()
	f.done.Go(func() {
		defer watch.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case <-watch.C:
				f.mu.Lock()
				f.pump()
				f.mu.Unlock()
			}
		}
	})
}

// leave takes the reader off. It may be called more than once.
func (r *reader) leave() {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.readers[r]; !ok {
		return
	}
	delete(f.readers, r)
	if len(f.readers) == 0 {
		f.stop()
		f.gop, f.next, f.units = nil, 0, nil
	}
}

// wait returns once the goroutines of a feed without readers have ended.
func (f *feed) wait() { f.done.Wait() }

// pump reads what is new in the ring. It is called with mu held.
func (f *feed) pump() {
	for {
		if f.gop != nil {
			samples, complete := f.gop.Samples(f.next)
			f.next += len(samples)
			for _, s := range samples {
				if !s.Stream.Audio() {
					f.add(s.Packet)
				}
			}
			if !complete {
				return
			}
		}
		// Whoever is more than a GOP behind is not live: only the newest counts.
		g, ok := newest(f.ring)
		if !ok || g == f.gop {
			return
		}
		f.gop, f.next = g, 0
	}
}

func (f *feed) add(p *media.Packet) {
	if f.cut == nil {
		cut, err := newPacketizer()
		if err != nil {
			f.log.Error("live view cannot start", "error", err)
			return
		}
		f.cut = cut
	}
	u, err := f.cut.cut(p)
	if err != nil {
		f.log.Debug("a packet is left out of live view", "error", err)
		return
	}
	if u.key {
		// A new slice: viewers may still be reading the old one.
		f.units = make([]*unit, 0, len(f.units)+8)
	}
	f.units = append(f.units, u)
	for r := range f.readers {
		r.offer(u)
	}
}

// offer is called with feed.mu held. A reader that is too slow loses what it
// has not read and goes on at the next keyframe.
func (r *reader) offer(u *unit) {
	if len(r.queue) == cap(r.queue) {
		for range cap(r.queue) {
			select {
			case <-r.queue:
				r.skipped++
			default:
			}
		}
		r.waiting = true
	}
	if r.waiting && !u.key {
		if r.begun {
			r.skipped++
		}
		return
	}
	r.waiting, r.begun = false, true
	r.queue <- u
}

// lost is how many units the reader was too slow for, or waited through.
func (r *reader) lost() int {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	return r.skipped
}

// wantKey asks the camera for a keyframe, if it can be asked and has not been
// within a second.
func (f *feed) wantKey() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ask == nil || f.asking || time.Since(f.asked) < askEvery {
		return
	}
	f.asking, f.asked = true, time.Now()
	f.done.Go(func() {
		f.ask(f.quality)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asking = false
	})
}

// skipToKey throws away what has not been read and goes on at the next
// keyframe.
func (r *reader) skipToKey() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	for range len(r.queue) {
		select {
		case <-r.queue:
			r.skipped++
		default:
		}
	}
	r.waiting = true
}
