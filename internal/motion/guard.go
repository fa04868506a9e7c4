package motion

// guard tells when the background is not to be trusted, and sees to it that
// it is learnt anew.
type guard struct {
	calibrating bool
	colored     bool
	age         float64 // seconds since calibrating began
	settled     float64 // seconds since the picture was last upset
	saved       []int32 // the background before, or empty
	savedSlow   float64
}

const (
	upsetPart     = 0.6 // more changed cells than this is no object
	upsetEdges    = 0.7 // more lost edges than this: the camera was turned
	fewEdges      = 60  // too few to tell a turned camera
	suddenJump    = 40 * level
	settleSeconds = 0.8 // from the last upset to trust
	settleMost    = 3.0 // even if something moves all the time
	settlePart    = 0.05
	relearnTau    = 0.4
	savedSeconds  = 5.0 // a flash is over by then
	samePart      = 0.05
)

func (g *guard) begin(colored bool) {
	*g = guard{calibrating: true, colored: colored, saved: g.saved[:0]}
}

// check reports whether the background is not to be trusted in this frame,
// and if so has learnt from the frame.
func (g *guard) check(d *Detector, luma []int32, changed int, dt float64) bool {
	m := &d.model
	upset := changed*10 > m.unmasked*6 ||
		m.edges > fewEdges && float64(m.edgesLost) > upsetEdges*float64(m.edges) ||
		abs(d.light.jump) > suddenJump || d.sampler.colored != g.colored
	if !g.calibrating {
		if !upset {
			return false
		}
		saved := append(g.saved[:0], m.background...)
		g.begin(d.sampler.colored)
		g.saved = saved
		m.relearn(luma)
		d.light.restart()
		return true
	}
	g.age += dt
	if g.restored(d, luma) {
		return false
	}
	g.settled += dt
	if upset {
		g.settled, g.colored = 0, d.sampler.colored
		m.relearn(luma)
		d.light.restart()
		return true
	}
	m.settle(luma, d.light.shift, portion(dt, relearnTau))
	d.light.slow = float64(d.light.shift)
	if g.settled >= settleMost || g.settled >= settleSeconds && m.fraction() < settlePart {
		g.calibrating = false
	}
	return true
}

// restored puts the background before the upset back when the frame shows it
// again: it was a flash.
func (g *guard) restored(d *Detector, luma []int32) bool {
	m := &d.model
	if len(g.saved) == 0 || g.age > savedSeconds || d.sampler.colored != g.colored {
		return false
	}
	differ := 0
	for _, p := range m.probes {
		if abs(luma[p]-g.saved[p]>>fineBits) > m.tolerance[p]+level*2 {
			differ++
		}
	}
	if float64(differ) > samePart*float64(len(m.probes)) {
		return false
	}
	copy(m.background, g.saved)
	g.calibrating, g.saved = false, g.saved[:0]
	m.tuned = 0
	d.light.restart()
	d.light.measure(luma, m.background, m.probes)
	m.tune(d.light.threshold(d.cfg.Threshold), d.light.noise)
	m.classify(luma, &d.light)
	return true
}

// settle learns fast from a frame of a new background.
func (m *model) settle(luma []int32, shift int32, rate int64) {
	for i, v := range luma {
		v = (v - shift) << fineBits
		m.noise[i] += (min(abs(v-m.background[i])>>fineBits, mostNoise) - m.noise[i]) / 4
		m.background[i] += scale(v-m.background[i], rate)
	}
}
