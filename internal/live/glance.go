package live

import (
	"time"

	"porchlight/internal/media"
)

// glance is what a ring holds at a moment, as far as live view cares.
type glance struct {
	stream   *media.Stream // nil while the camera has sent nothing
	reorders bool          // pictures are not sent in the order shown
	bits     float64       // a second, 0 when not yet known
	bytes    int           // of the newest GOP so far
	key      int           // bytes of its keyframe
	age      time.Duration // how much the newest GOP shows so far
	length   time.Duration // how much the one before showed, 0 when unknown
}

// enoughPictures are so many that B-frames would be among them.
const enoughPictures = 8

// stale is how old a camera's newest picture may be. One that is away shows
// nothing: what it saw before is not live.
const stale = 20 * time.Second

// newest is the newest GOP of a ring.
func newest(ring *media.Ring) (*media.GOP, bool) {
	return ring.Find(time.Now().Add(24 * time.Hour))
}

// look says what a ring holds, nothing when that is old; it is cheap, and reads
// nobody's packets away.
func look(ring *media.Ring) (g glance) {
	last, ok := newest(ring)
	if !ok {
		return g
	}
	if shot, _ := last.Samples(0); len(shot) > 0 && time.Since(shot[len(shot)-1].Time).Abs() > stale {
		return g
	}
	g.stream = last.Video
	size, pictures, shown, mixed := survey(last)
	g.bytes, g.age, g.reorders = size, shown, mixed
	if first, _ := last.Samples(0); len(first) > 0 {
		g.key = first[0].Size()
	}
	if shown > 0 {
		g.bits = float64(size) * 8 / shown.Seconds()
	}
	if before, ok := ring.After(last.Number - 2); ok && last.Number > 1 && before.Number == last.Number-1 && before.Video.Same(last.Video) {
		size, n, _, mixed := survey(before)
		pictures += n
		g.reorders = g.reorders || mixed
		if g.length = time.Duration(last.Start-before.Start) * time.Millisecond; g.length > 0 {
			g.bits = float64(size) * 8 / g.length.Seconds()
		}
	}
	// Too few pictures to tell: what the camera announces and has done before.
	if pictures < enoughPictures && last.Video.Reorders() && ring.Stats().Reordered {
		g.reorders = true
	}
	return g
}

// survey measures the video of a GOP.
func survey(g *media.GOP) (size, pictures int, shown time.Duration, mixed bool) {
	samples, _ := g.Samples(0)
	var first, before time.Duration
	for _, s := range samples {
		if s.Stream.Audio() {
			continue
		}
		if pictures == 0 {
			first = s.PTS
		} else if s.PTS < before {
			mixed = true
		}
		before = s.PTS
		shown = max(shown, s.PTS-first)
		size += s.Size()
		pictures++
	}
	return size, pictures, shown, mixed
}
