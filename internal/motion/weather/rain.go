package weather

import (
	"math/rand/v2"

	"porchlight/internal/event"
)

// rain draws streaks that are elsewhere in every frame, a few of them near the
// lens. By night the infrared lamp lights them up.
func rain(f *event.Frame, random *rand.Rand, night bool) {
	count := f.Width * f.Height / 2300
	light, strength := 190, 90 // of 256 that a streak covers
	if night {
		light, strength = 235, 130
	}
	slant := random.IntN(3) - 1
	for range count {
		length, width := f.Height/28+random.IntN(f.Height/22+1), 1
		cover := strength/3 + random.IntN(strength)
		if random.IntN(60) == 0 { // near the lens: large and out of focus
			length, width, cover = length*3, 3, cover/2
		}
		x, y := random.IntN(f.Width), random.IntN(f.Height)-length/2
		streak(f, x, y, length, width, slant, light, cover)
	}
}

func streak(f *event.Frame, x, y, length, width, slant, light, cover int) {
	for k := range length {
		row := y + k
		if row < 0 || row >= f.Height {
			continue
		}
		from := x + slant*k/6
		for column := max(0, from); column < min(f.Width, from+width); column++ {
			p := f.Pix[(row*f.Width+column)*3:][:3]
			for c, v := range p {
				p[c] = byte(int(v) + (light-int(v))*cover/256)
			}
		}
	}
}
