package motion

// guard tells when the background is not to be trusted, and sees to it that
// it is learnt anew.
type guard struct {
	calibrating bool
	colored     bool
	age         float64 // seconds since calibrating began
	settled     float64 // seconds since the picture was last upset
	turn        turn
	moved       bool    // the upset was the camera's
	saved       []int32 // the background before, or empty
}

const (
	upsetPart     = 0.6        // more changed cells than this is no object
	upsetEdges    = 0.5        // more lost edges than this: the camera was turned
	fewEdges      = 60         // too few to tell a turned camera
	suddenJump    = 40 * level // of the light alone
	jumpWith      = 12 * level // of the light when as much as withJump changes too
	withJump      = 0.25
	settleSeconds = 0.8 // from the last upset to trust
	settleMost    = 3.0 // even if something moves all the time
	settlePart    = 0.05
	relearnTau    = 0.4
	savedSeconds  = 5.0 // a flash is over by then
	samePart      = 0.05
	inPlacePart   = 0.01 // for a camera that may have turned back
)

func (g *guard) begin(colored bool) {
	*g = guard{calibrating: true, colored: colored, saved: g.saved[:0], turn: g.turn}
}

// check reports whether the background is not to be trusted in this frame,
// and if so has learnt from the frame.
func (g *guard) check(d *Detector, luma []int32, dt float64) bool {
	m := &d.model
	moved := g.turn.turned(m, luma, &d.light)
	upset := moved || g.upset(d)
	if !g.calibrating {
		if !upset {
			return false
		}
		saved := append(g.saved[:0], m.background...)
		g.begin(d.sampler.colored)
		g.saved, g.moved = saved, moved
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

// upset reports whether too much has changed at once for objects.
func (g *guard) upset(d *Detector) bool {
	m, jump := &d.model, abs(d.light.jump)
	return m.fraction() > upsetPart ||
		m.edges > fewEdges && float64(m.edgesLost) > upsetEdges*float64(m.edges) ||
		jump > suddenJump || jump > jumpWith && m.fraction() > withJump ||
		d.sampler.colored != g.colored
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
	most := samePart
	if g.moved {
		most = inPlacePart
	}
	if float64(differ) > most*float64(len(m.probes)) {
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
