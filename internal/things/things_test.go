package things_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/polygon"
	"porchlight/internal/things"
)

const width, height = 320, 180

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	step  = polygon.Polygon{{X: 0.2, Y: 0.4}, {X: 0.8, Y: 0.4}, {X: 0.9, Y: 0.95}, {X: 0.1, Y: 0.95}}
	body  = []event.Box{{X0: 0.4, Y0: 0.1, X1: 0.6, Y1: 0.9}}
)

// porch is a doorstep with grain, on which a parcel may lie.
type porch struct {
	rng    *rand.Rand
	at     time.Time
	light  float64
	parcel bool
	shadow bool
	w      *things.Watcher
	found  []things.Change
}

func newPorch() *porch {
	return &porch{rng: rand.New(rand.NewPCG(1, 2)), at: start, light: 1, w: things.NewWatcher("step", step)}
}

func (p *porch) frame() *event.Frame {
	f := &event.Frame{Width: width, Height: height, Time: p.at, Pix: make([]byte, width*height*3)}
	for y := range height {
		for x := range width {
			v := 110 + float64((x/16+y/16)%2*12)
			color := [3]float64{v, v, v}
			if p.parcel && x >= 140 && x < 180 && y >= 110 && y < 140 {
				color = [3]float64{60, 110, 160}
			}
			if p.shadow { // a soft one, from the right
				dim := 1 - 0.35*min(1, max(0, float64(x-100)/180))
				color = [3]float64{color[0] * dim, color[1] * dim, color[2] * dim}
			}
			for c := range 3 {
				f.Pix[(y*width+x)*3+c] = uint8(min(255, color[c]*p.light+p.rng.Float64()*8))
			}
		}
	}
	return f
}

func (p *porch) pass(d time.Duration, visitors []event.Box) {
	for end := p.at.Add(d); p.at.Before(end); p.at = p.at.Add(200 * time.Millisecond) {
		p.found = append(p.found, p.w.Observe(things.Scene{Frame: p.frame(), Visitors: visitors, Motion: visitors})...)
	}
}

func TestAParcelIsLeftAndTaken(t *testing.T) {
	p := newPorch()
	p.pass(5*time.Second, nil)
	p.pass(4*time.Second, body)
	p.parcel = true
	p.pass(time.Second, nil)
	require.True(t, p.w.Pending())
	require.Empty(t, p.found)
	p.pass(5*time.Second, nil)
	require.False(t, p.w.Pending())
	require.Len(t, p.found, 1)
	require.Equal(t, things.Appeared, p.found[0].Kind)
	require.Equal(t, "step", p.found[0].Zone)
	parcel := event.Box{X0: 140. / width, Y0: 110. / height, X1: 180. / width, Y1: 140. / height}
	require.Greater(t, p.found[0].Box.IoU(parcel), 0.7)

	p.pass(time.Hour/60, nil)
	p.pass(4*time.Second, body)
	p.parcel = false
	p.pass(5*time.Second, nil)
	require.Len(t, p.found, 2)
	require.Equal(t, things.Removed, p.found[1].Kind)
}

func TestAVisitThatChangesNothingIsSilent(t *testing.T) {
	p := newPorch()
	p.pass(5*time.Second, nil)
	p.pass(4*time.Second, body)
	p.light = 0.8 // a cloud
	p.pass(5*time.Second, nil)
	p.pass(4*time.Second, body)
	p.light, p.shadow = 1, true
	p.pass(5*time.Second, nil)
	require.Empty(t, p.found)
}

func TestWithoutAVisitorNothingIsSaid(t *testing.T) {
	p := newPorch()
	p.pass(5*time.Second, nil)
	p.parcel = true // blown here
	p.pass(10*time.Second, nil)
	require.Empty(t, p.found)
}

func TestAfterTheLightSwitchedNothingIsCompared(t *testing.T) {
	p := newPorch()
	p.pass(5*time.Second, nil)
	p.pass(2*time.Second, body)
	p.parcel = true
	p.w.Observe(things.Scene{Frame: p.frame(), Unsteady: true})
	p.pass(5*time.Second, nil)
	require.Empty(t, p.found)
}

func TestOddFrames(t *testing.T) {
	w := things.NewWatcher("step", step)
	for _, f := range []*event.Frame{
		{}, {Width: 1, Height: 1, Pix: make([]byte, 3)}, {Width: 10, Height: 10}, {Width: 3, Height: 900, Pix: make([]byte, 8100)},
	} {
		for range 3 {
			require.Empty(t, w.Observe(things.Scene{Frame: f}))
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	p := newPorch()
	p.pass(time.Second, nil)
	f := p.frame()
	for b.Loop() {
		p.w.Observe(things.Scene{Frame: f})
	}
}
