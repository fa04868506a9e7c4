package media

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

// RingConfig bounds a ring. Only Log is required.
type RingConfig struct {
	Keep     time.Duration // how much is kept at least, as long as MaxBytes allows; 15 s when 0
	MaxBytes int           // of packets; 32 MiB when 0
	// MaxGOP is the longest GOP: what follows is left out up to the next
	// keyframe. 19 s when 0, as Kinesis Video Streams takes at most 20.
	MaxGOP time.Duration
	Log    *slog.Logger
}

// Ring keeps the newest packets of one camera as whole GOPs, for any number of
// readers that begin in the past and then follow. Packets are shared, never
// copied. Its one writer never waits for a reader.
type Ring struct {
	cfg RingConfig

	mu      sync.Mutex
	gops    []*GOP // oldest first, numbered without gaps
	bytes   int
	number  uint64
	run     uint64
	audio   *Stream // of the last audio packet
	heard   time.Time
	watches map[*Watch]struct{}
	stats   RingStats
	told    struct{ long, large, back bool }
}

// RingStats counts what a ring holds and what it has left out.
type RingStats struct {
	GOPs, Bytes int
	Held        time.Duration // from the oldest keyframe to the newest packet
	LeftOut     int64         // packets that no reader will see
	Reordered   bool          // the camera sends B-frames
}

// NewRing returns an empty ring.
func NewRing(cfg RingConfig) *Ring {
	cfg.Keep = cmp.Or(cfg.Keep, 15*time.Second)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 32<<20)
	cfg.MaxGOP = cmp.Or(cfg.MaxGOP, 19*time.Second)
	return &Ring{cfg: cfg, watches: make(map[*Watch]struct{})}
}

// followQueue is how many packets Follow may fall behind: it does next to
// nothing, so only a machine that stands still makes it skip.
const followQueue = 512

// Follow puts all packets of a bus into the ring until ctx ends.
func (r *Ring) Follow(ctx context.Context, bus *Bus) {
	packets := bus.SubscribeAll(followQueue)
	defer packets.Close()
	for {
		p, err := packets.Next(ctx)
		if err != nil {
			return
		}
		r.Put(p)
	}
}

// Put adds the next packet of the camera.
func (r *Ring) Put(p *Packet) {
	if p == nil || p.Stream == nil || p.Size() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.take(p) {
		r.stats.LeftOut++
		return
	}
	r.evict()
	for w := range r.watches {
		w.wake()
	}
}

func (r *Ring) take(p *Packet) bool {
	if p.Stream.Audio() {
		return r.takeAudio(p)
	}
	if p.Key {
		r.begin(p)
	}
	g := r.newest()
	if g == nil || p.Stream != g.Video || g.full {
		return false // no keyframe to go with
	}
	offset := p.PTS.Milliseconds() - g.keyPTS
	switch {
	case offset < 0:
		return false // shown before the keyframe, so it needs the GOP before
	case offset > r.cfg.MaxGOP.Milliseconds() || p.Time.Sub(g.samples0(p).Time) > r.cfg.MaxGOP:
		if g.full = true; !r.told.long {
			r.told.long = true
			r.cfg.Log.Warn("keyframes are too far apart; what follows is left out up to the next",
				"limit", r.cfg.MaxGOP.String(), "advice", "set the camera's keyframe interval to one or two seconds")
		}
		return false
	case g.bytes+p.Size() > r.cfg.MaxBytes:
		if g.full = true; !r.told.large {
			r.told.large = true
			r.cfg.Log.Warn("a single group of pictures fills the buffer; what follows is left out up to the next keyframe",
				"limit_bytes", r.cfg.MaxBytes, "advice", "lower the camera's bit rate or its keyframe interval")
		}
		return false
	}
	if n := len(g.samples); n > 0 && !r.stats.Reordered {
		r.noteOrder(g, p)
	}
	r.add(g, p, offset)
	return true
}

// samples0 is the keyframe, or p when it is the keyframe itself.
func (g *GOP) samples0(p *Packet) *Packet {
	if len(g.samples) == 0 {
		return p
	}
	return g.samples[0].Packet
}

// noteOrder recognizes B-frames: a picture shown before one sent earlier.
func (r *Ring) noteOrder(g *GOP, p *Packet) {
	for i := len(g.samples) - 1; i >= 0; i-- {
		if before := g.samples[i]; !before.Stream.Audio() {
			if p.PTS < before.PTS {
				r.stats.Reordered = true
				r.cfg.Log.Info("the camera sends B-frames; live view is smoother without them")
			}
			return
		}
	}
}

func (r *Ring) takeAudio(p *Packet) bool {
	r.audio, r.heard = p.Stream, p.Time
	g := r.newest()
	if g == nil || !p.Stream.Same(g.Audio) || g.bytes+p.Size() > r.cfg.MaxBytes {
		return false
	}
	offset := p.PTS.Milliseconds() - g.keyPTS
	if offset > r.cfg.MaxGOP.Milliseconds() || -offset > r.cfg.MaxGOP.Milliseconds() {
		return false
	}
	r.add(g, p, max(offset, 0))
	return true
}

func (r *Ring) add(g *GOP, p *Packet, offset int64) {
	at := g.Start + offset - offset*g.behind/1000
	g.samples = append(g.samples, Sample{Packet: p, At: at})
	g.end = max(g.end, at)
	g.bytes += p.Size()
	r.bytes += p.Size()
}

func (r *Ring) newest() *GOP {
	if len(r.gops) == 0 {
		return nil
	}
	return r.gops[len(r.gops)-1]
}

// evict drops the oldest GOPs that are not needed to cover Keep, or that are
// too much. The newest always stays.
func (r *Ring) evict() {
	newest := r.newest()
	for len(r.gops) > 1 && (r.bytes > r.cfg.MaxBytes || newest.end-r.gops[1].Start >= r.cfg.Keep.Milliseconds()) {
		r.bytes -= r.gops[0].bytes
		r.gops[0] = nil
		r.gops = r.gops[1:]
	}
}

// Stats returns what the ring holds now.
func (r *Ring) Stats() RingStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.GOPs, s.Bytes = len(r.gops), r.bytes
	if len(r.gops) > 0 {
		s.Held = time.Duration(r.newest().end-r.gops[0].Start) * time.Millisecond
	}
	return s
}
