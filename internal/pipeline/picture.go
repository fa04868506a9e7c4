package pipeline

import (
	"math"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// picture is the best one of an event so far.
type picture struct {
	frame *event.Frame // nil once it has been published
	worth worth
}

// worth of a picture of an object.
type worth struct {
	score, area float64
	face        float64 // quality of the face in it; 0: none
	cut         bool    // the object reaches over the edge of the frame
}

const betterBy = 1.15 // how much better a picture must be to replace the best

func worthOf(t track.Track, faces []TrackFace) worth {
	w := worth{score: t.Score, area: t.Box.Area(), cut: cutByEdge(t.Box)}
	for _, f := range faces {
		if f.Track == t.ID {
			w.face = math.Max(w.face, f.Quality)
		}
	}
	return w
}

// beats says whether w should replace the best picture: a whole object beats
// one that is cut, a face beats none, and then size and score count.
func (w worth) beats(best worth) bool {
	switch {
	case best == worth{}:
		return true
	case w.cut != best.cut:
		return !w.cut
	case (w.face > 0) != (best.face > 0):
		return w.face > 0
	case w.face > 0:
		return w.face > best.face*betterBy
	}
	return w.value() > best.value()*betterBy
}

// value stops growing at a quarter of the frame: nearer shows no more of a person.
func (w worth) value() float64 { return w.score * math.Sqrt(math.Min(w.area, 0.25)) }

func cutByEdge(b event.Box) bool {
	const edge = 0.01
	return b.X0 < edge || b.Y0 < edge || b.X1 > 1-edge || b.Y1 > 1-edge
}
