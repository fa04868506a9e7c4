package producer

import (
	"context"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
)

// batch is how much is sent at once when there is more than the newest packet.
const batch = 32 << 10

// The bounds of a fragment, in milliseconds and, with room for what is around
// its packets, in bytes
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/limits.html).
const (
	longestFragment = 20_000
	largestFragment = 50_000_000 - 1<<20
)

// sending is one fragment on its way through one connection.
type sending struct {
	c     *connection
	f     *fragment
	watch *media.Watch
	end   int64 // of the latest packet, milliseconds since 1970
	sound bool  // there was some
	size  int   // of its packets, in bytes
	lane  lane
	hurry bool // something waits for the fragment's end
	cut   bool // the GOP goes on, but not here
}

// send sends one fragment, which begins with g, as its packets come. It fails
// with the connection, or with ctx after the fragment has been completed.
func (p *Producer) send(ctx context.Context, watch *media.Watch, c *connection, f *fragment, g *media.GOP) error {
	if err := p.pace(ctx, c); err != nil {
		return err
	}
	p.mu.Lock()
	f.on, f.begun, f.ended, f.acked = c.id, time.Time{}, time.Time{}, false
	p.mu.Unlock()
	s := &sending{c: c, f: f, watch: watch, end: f.start()}
	p.mu.Lock()
	s.lane = p.lane(f)
	p.mu.Unlock()
	if s.lane == past {
		p.turns.owed = false
	}
	p.buf = matroska.AppendCluster(p.buf[:0], f.start())
	for i := 0; g != nil; i++ {
		if err := p.sendGOP(ctx, s, g); err != nil {
			return err
		}
		g = p.following(ctx, s, g, i+1)
	}
	if c.audio != nil && !s.sound {
		p.fill(ctx, s)
	}
	p.buf = matroska.AppendTags(p.buf, p.tags(f, s.end))
	p.buf = matroska.AppendEndOfFragment(p.buf)
	if err := p.flush(ctx, s); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f.whole, f.ended = true, time.Now()
	if f.sent {
		p.stats.Resent++
	} else {
		f.sent = true
		p.stats.Sent++
	}
	return ctx.Err()
}

// sendGOP sends a GOP to its end, or to where nothing more of it is wanted.
func (p *Producer) sendGOP(ctx context.Context, s *sending, g *media.GOP) error {
	silence := time.NewTimer(p.timing.Silence)
	defer silence.Stop()
	for n := 0; ; {
		samples, complete := g.Samples(n)
		for _, sample := range samples {
			if err := p.append(ctx, s, sample); err != nil {
				return err
			}
		}
		n += len(samples)
		if err := p.flush(ctx, s); err != nil {
			return err
		}
		if complete || s.cut {
			return nil
		}
		if len(samples) > 0 {
			silence.Reset(p.timing.Silence)
		}
		if s.end-s.f.start() >= p.timing.Shortest.Milliseconds() && !p.wants(s.end-p.timing.Tail.Milliseconds(), s.end) {
			s.cut = true
			return nil
		}
		select {
		case <-s.watch.C:
		case <-p.changed:
		case <-s.c.done:
			return s.c.reason()
		case <-silence.C:
			s.cut = true
			return nil
		case <-ctx.Done():
			s.cut = true
			return nil
		}
	}
}

func (p *Producer) append(ctx context.Context, s *sending, sample media.Sample) error {
	audio := sample.Stream.Audio()
	if audio && s.c.audio == nil || s.cut {
		return nil
	}
	s.size += sample.SampleSize()
	if offset := sample.At - s.f.start(); offset < 0 || offset > longestFragment || s.size > largestFragment {
		s.cut = true // only an older recording, or a ring of unusual size, can have such a GOP
		return nil
	}
	var err error
	if p.buf, err = matroska.AppendBlock(p.buf, s.f.start(), sample); err != nil {
		return err // never
	}
	s.sound, s.end = s.sound || audio, max(s.end, sample.At)
	if len(p.buf) >= batch {
		return p.flush(ctx, s)
	}
	return nil
}

// flush sends what is in the buffer.
func (p *Producer) flush(ctx context.Context, s *sending) error {
	n := len(p.buf)
	if n == 0 {
		return nil
	}
	err := p.write(ctx, s, p.buf)
	p.buf = p.buf[:0]
	if err != nil {
		return err
	}
	s.c.last = s.end
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.f.begun.IsZero() {
		s.f.begun = time.Now()
	}
	s.f.end = max(s.f.end, s.end)
	p.stats.Bytes += int64(n)
	return nil
}

// following is the GOP that goes on in the same fragment, nil when the
// fragment ends: GOPs are joined until they make the shortest fragment.
func (p *Producer) following(ctx context.Context, s *sending, g *media.GOP, i int) *media.GOP {
	if i < len(s.f.gops) {
		return p.locate(ctx, s.f.gops[i])
	}
	if s.f.whole || s.cut || g.Number == 0 || ctx.Err() != nil {
		return nil
	}
	next, ok := p.cfg.Ring.After(g.Number)
	if !ok || next.Number != g.Number+1 || next.Start-s.f.start() >= p.timing.Shortest.Milliseconds() || !p.fits(s.c, next) {
		return nil
	}
	end, _ := next.End()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused || p.taken[next.Number] || !p.plan.wants(next.Start, end) {
		return nil
	}
	s.f.gops = append(s.f.gops, placeOf(next))
	p.take(s.f, next)
	return next
}

// fill adds a moment of silence where the camera has sent no sound: a
// fragment has to have a frame of every track.
func (p *Producer) fill(ctx context.Context, s *sending) {
	if frame := s.c.audio.Silence(); frame != nil {
		quiet := media.Sample{Packet: &media.Packet{Stream: s.c.audio, AU: [][]byte{frame}}, At: s.end}
		_ = p.append(ctx, s, quiet) // a failing connection fails the next write too
	}
}

// tags are those of the fragment, the same each time it is sent.
func (p *Producer) tags(f *fragment, end int64) []matroska.Tag {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.tags == nil {
		f.tags = p.plan.tags(f.start(), end, p.cfg.ImagePrefix)
	}
	return f.tags
}

// pace keeps to the service's bound of fragments a second while catching up.
func (p *Producer) pace(ctx context.Context, c *connection) error {
	if len(p.starts) == maxBurst {
		if wait := p.timing.Pace - time.Since(p.starts[0]); wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-c.done:
				return c.reason()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p.starts = append(p.starts[:0], p.starts[1:]...)
	}
	p.starts = append(p.starts, time.Now())
	return nil
}
