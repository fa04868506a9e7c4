package track

// What the scores of the latest looks, with 0 for a miss, must be in the
// median for a track to be no mistake. Mistakes mostly stand still: posts,
// coats, reflections. So what has not moved must be surer. And what is large
// in the picture is seen well: if its score is middling, it must last.
const (
	provedMoving = 0.6
	provedStill  = 0.7
	largeHeight  = 0.5 // of the frame
	lastingHits  = 8
)

// proved says whether the scores of a track show that it is no mistake.
func (t *Tracker) proved(o *object) bool {
	if o.Hits < t.cfg.MinHits {
		return false
	}
	least := provedStill
	if !o.MovedAt.IsZero() && (o.Box.Height() < largeHeight || o.Hits >= lastingHits) {
		least = provedMoving
	}
	return median(append([]float64(nil), o.scores...)) >= least
}
