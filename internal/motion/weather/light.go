package weather

import (
	"math"
	"time"

	"porchlight/internal/event"
)

// infrared is a picture as the night camera has it: gray, and brighter where
// the lamp beside the lens shines.
func infrared(base *event.Frame) []byte {
	out := make([]byte, len(base.Pix))
	for y := range base.Height {
		dy := (float64(y)/float64(base.Height) - 0.55) * 1.3
		for x := range base.Width {
			dx := (float64(x)/float64(base.Width) - 0.5) * 1.5
			lamp := 70 + 130*math.Exp(-3*(dx*dx+dy*dy))
			p := base.Pix[(y*base.Width+x)*3:][:3]
			// Infrared sees foliage and cloth brighter than luma does: red weighs most.
			v := byte(math.Min(255, (0.2*float64(p[0])+0.3*float64(p[1])+0.5*float64(p[2]))*lamp/255+6))
			i := (y*base.Width + x) * 3
			out[i], out[i+1], out[i+2] = v, v, v
		}
	}
	return out
}

// exposure is the gain and the lift with which the picture is seen.
func (s *Sky) exposure(at time.Duration) (gain float64, lift int) {
	gain = 1
	if s.on(Drift, at) {
		gain *= daylight(at, s.effects&Infrared != 0)
	}
	if s.effects&Infrared != 0 {
		gain *= afterSwitch(at%Length-Dusk) * afterSwitch(at%Length-Dawn)
	}
	if s.on(Lightning, at) {
		flash := s.flash(at)
		gain, lift = gain*(1+1.4*flash), int(50*flash)
	}
	return gain, lift
}

// daylight drifts by a few percent with the clouds and, where no lamp takes
// over, to a third by night.
func daylight(at time.Duration, lamp bool) float64 {
	minutes := at.Minutes()
	clouds := 1 + 0.10*math.Sin(2*math.Pi*minutes/7) + 0.05*math.Sin(2*math.Pi*minutes/2.3)
	if lamp && isNight(at) {
		return 1
	}
	dusk := 1 / (1 + math.Exp((minutes-Dusk.Minutes()+20)/15))
	dawn := 1 / (1 + math.Exp((Dawn.Minutes()+20-minutes)/15))
	return clouds * (0.35 + 0.65*math.Max(dusk, dawn))
}

// afterSwitch: the exposure overshoots and settles within about a second.
func afterSwitch(since time.Duration) float64 {
	if since < 0 || since > 3*time.Second {
		return 1
	}
	return 1 + 0.9*math.Exp(-since.Seconds()/0.35)
}

// flash is the strength of lightning, 0..1: every half minute or so there are
// two flashes within a second.
func (s *Sky) flash(at time.Duration) float64 {
	const every = 30 * time.Second
	random := s.slot(2, at/every)
	first := time.Duration(random.Int64N(int64(every - 2*time.Second)))
	second := first + time.Duration(300+random.IntN(600))*time.Millisecond
	strength := 0.5 + random.Float64()/2
	for _, begin := range []time.Duration{first, second} {
		since := at%every - begin
		if since >= 0 && since < 400*time.Millisecond {
			return strength * math.Exp(-since.Seconds()/0.15)
		}
	}
	return 0
}

// expose brings toned up to date.
func (c *canvas) expose(gain float64, lift int) {
	steps := int(gain*gainSteps + 0.5)
	if c.gain == steps && c.lift == lift && c.toned != nil {
		return
	}
	if steps == gainSteps && lift == 0 {
		c.toned, c.gain, c.lift = c.pix, steps, lift
		return
	}
	var table [256]byte
	for i := range table {
		table[i] = byte(min(255, i*steps/gainSteps+lift))
	}
	toned := make([]byte, len(c.pix))
	for i, v := range c.pix {
		toned[i] = table[v]
	}
	c.toned, c.gain, c.lift = toned, steps, lift
}
