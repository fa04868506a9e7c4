package weather

import (
	"math"
	"math/rand/v2"

	"porchlight/internal/event"
)

// Scene paints a house's front as a camera sees it: sky, a brick wall, a
// pavement, a rough ground, a parked car and a tree in the upper left corner.
func Scene(width, height int, seed uint64) *event.Frame {
	p := painter{
		frame: &event.Frame{Time: Epoch(), Width: width, Height: height, Pix: make([]byte, width*height*3)},
		waves: newWaves(rand.New(rand.NewPCG(seed, 6))),
	}
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			b, g, r := p.color(u, v)
			copy(p.frame.Pix[(y*width+x)*3:], []byte{tone(b), tone(g), tone(r)})
		}
	}
	return p.frame
}

func tone(v float64) byte { return byte(math.Max(0, math.Min(255, v))) }

type painter struct {
	frame *event.Frame
	waves [24][3]float64 // frequency across, frequency down, phase
}

func newWaves(random *rand.Rand) (waves [24][3]float64) {
	for i := range waves {
		scale := 4 * math.Pow(1.27, float64(i))
		angle := random.Float64() * 2 * math.Pi
		waves[i] = [3]float64{scale * math.Cos(angle), scale * math.Sin(angle), random.Float64() * 2 * math.Pi}
	}
	return waves
}

// texture is a sum of waves from coarse to fine, about -1..1.
func (p *painter) texture(u, v float64, from, to int) float64 {
	sum := 0.0
	for _, w := range p.waves[from:to] {
		sum += math.Sin(2*math.Pi*(w[0]*u+w[1]*v) + w[2])
	}
	return sum / math.Sqrt(float64(to-from))
}

// color of the point u across and v down, in fractions of the frame.
func (p *painter) color(u, v float64) (b, g, r float64) {
	b, g, r = p.ground(u, v)
	if d := ellipse(u, v, 0.10, 0.18, 0.12, 0.2); d < 1+0.2*p.texture(u, v, 8, 14) {
		t := 22 * p.texture(u, v, 10, 20)
		b, g, r = 40+t/2, 85+t, 55+t
	}
	return p.car(u, v, b, g, r)
}

func (p *painter) ground(u, v float64) (b, g, r float64) {
	switch {
	case v < 0.22 && u < 0.55: // sky
		t := 6 * p.texture(u, v, 0, 6)
		return 215 - 60*v + t, 195 - 30*v + t, 175 + t
	case v < 0.55: // wall
		t := 5 * p.texture(u, v, 4, 20)
		if u > 0.7 && u < 0.82 && v > 0.28 { // a door
			return 60 + t, 70 + t, 90 + t
		}
		row := math.Floor(v * 60)
		if math.Mod(v*60, 1) < 0.15 || math.Mod(u*40+0.5*math.Mod(row, 2), 1) < 0.1 {
			t += 22
		}
		return 88 + t, 98 + t, 142 + t
	case v < 0.68: // pavement
		t := 5 * p.texture(u, v, 6, 24)
		if math.Mod(u*9+v*2, 1) < 0.03 {
			t -= 30
		}
		return 128 + t, 132 + t, 134 + t
	default: // gravel
		t := 13 * p.texture(u, v, 12, 24)
		return 76 + t, 86 + t, 90 + t
	}
}

func (p *painter) car(u, v float64, b, g, r float64) (float64, float64, float64) {
	switch {
	case ellipse(u, v, 0.62, 0.695, 0.016, 0.03) < 1 || ellipse(u, v, 0.80, 0.695, 0.016, 0.03) < 1:
		return 25, 25, 25
	case u > 0.57 && u < 0.85 && v > 0.60 && v < 0.69: // body
		return 120 + 60*(0.69-v)/0.09, 60, 50
	case v >= 0.53 && v <= 0.60 && u > 0.63+(v-0.53)*-0.4 && u < 0.79-(v-0.53)*-0.4: // windows
		return 70, 62, 55
	}
	return b, g, r
}

func ellipse(u, v, cu, cv, ru, rv float64) float64 {
	return math.Hypot((u-cu)/ru, (v-cv)/rv)
}
