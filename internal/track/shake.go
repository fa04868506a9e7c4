package track

import (
	"math"
	"time"
)

// shift of the picture, in fractions of the frame.
type shift struct{ x, y float64 }

const (
	shakeObjects = 3               // at rest that must agree
	shakeRest    = 5 * time.Second // without movement
	shakeLeast   = 0.003           // of the frame; less is jitter
	shakeAgree   = 0.6             // part of them that must
	shakeWithin  = 0.01            // of the frame, in which they agree
	mostShake    = 0.15            // of the frame; a camera that turned by more shows another scene
)

// steady finds out how far the camera is shaken from where it stood, as the
// movement that most objects at rest have in common, and takes that out of
// the boxes. With few objects at rest it stays as it was.
func (t *Tracker) steady(found []sighting) {
	var xs, ys []float64
	for _, o := range t.objects {
		if rests := o.settled(t.now) && t.now.Sub(o.since()) >= shakeRest; !rests && !o.Stationary {
			continue
		}
		nearest, least := -1, 1.0
		for i, d := range found {
			if far := distance(moved(o.rest, t.shake.x, t.shake.y), d.Box); o.group == d.group && far < least {
				nearest, least = i, far
			}
		}
		if nearest >= 0 {
			b := found[nearest].Box
			xs, ys = append(xs, (b.X0+b.X1-o.rest.X0-o.rest.X1)/2), append(ys, (b.Y0+b.Y1-o.rest.Y0-o.rest.Y1)/2)
		}
	}
	if len(xs) >= shakeObjects {
		x, y := median(append([]float64(nil), xs...)), median(append([]float64(nil), ys...))
		agree := 0
		for i := range xs {
			if math.Hypot(xs[i]-x, ys[i]-y) <= shakeWithin {
				agree++
			}
		}
		if agree >= shakeObjects && float64(agree) >= shakeAgree*float64(len(xs)) && math.Hypot(x, y) <= mostShake {
			t.shake = shift{x, y}
			if math.Hypot(x, y) < shakeLeast {
				t.shake = shift{}
			}
		}
	}
	for i := range found {
		found[i].Box = moved(found[i].Box, -t.shake.x, -t.shake.y)
	}
}
