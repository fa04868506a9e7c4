package region

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

// px is a box in pixels of a frame of 1280x720.
func px(x0, y0, x1, y1 float64) event.Box {
	return event.Box{X0: x0 / 1280, Y0: y0 / 720, X1: x1 / 1280, Y1: y1 / 720}
}

// person is one of 80 pixels.
func person(x, y float64) event.Box { return px(x, y, x+30, y+80) }

func choose(c *Chooser, motion, objects []event.Box) []Region {
	return c.Choose(1280, 720, motion, objects)
}

func TestNothingToShow(t *testing.T) {
	c := New(Config{}, nil)
	require.Empty(t, choose(c, nil, nil))
	require.Empty(t, choose(c, []event.Box{{}, {X0: math.NaN(), X1: 1, Y1: 1}, {X0: 2, X1: 3, Y1: 1}}, nil))
	require.Empty(t, c.Choose(0, 0, []event.Box{person(1, 1)}, nil))
	require.Empty(t, c.First(0, 720))
}

func TestTheWholeFrameWhenAllIsLargeEnough(t *testing.T) {
	c := New(Config{}, nil)
	large := []event.Box{px(0, 0, 100, 200), px(1000, 300, 1200, 720), px(500, 500, 700, 600)}
	require.Equal(t, []Region{Whole(1280, 720)}, choose(c, nil, large))
	require.Equal(t, []Region{Whole(640, 360)}, New(Config{}, nil).Choose(640, 360, nil, []event.Box{{X0: 0.4, Y0: 0.4, X1: 0.6, Y1: 0.7}}))
}

func TestASmallObjectIsZoomedTo(t *testing.T) {
	got := choose(New(Config{}, nil), nil, []event.Box{person(600, 300)})
	require.Equal(t, []Region{{X: 455, Y: 180, Width: 320, Height: 320}}, got)
	got = choose(New(Config{}, nil), nil, []event.Box{person(1240, 630)})
	require.Equal(t, []Region{{X: 960, Y: 400, Width: 320, Height: 320}}, got, "moved into the frame")
}

func TestNeighborsShareARegion(t *testing.T) {
	got := choose(New(Config{}, nil), []event.Box{person(250, 320)}, []event.Box{person(200, 300), person(330, 340)})
	require.Len(t, got, 1)
	require.LessOrEqual(t, got[0].Width, 416*80/largeEnough)
}

func TestFarOnesHaveTheirOwn(t *testing.T) {
	require.Len(t, choose(New(Config{}, nil), nil, []event.Box{person(50, 300), person(1200, 340)}), 2)
	// The large one can be seen in any region, so it costs none of its own.
	got := choose(New(Config{}, nil), nil, []event.Box{person(50, 300), px(600, 100, 900, 700), px(950, 100, 1250, 700), px(300, 100, 500, 700)})
	require.Len(t, got, 2)
	require.Contains(t, got, Whole(1280, 720))
}

func TestWhatIsLeftOutHasItsTurn(t *testing.T) {
	var all []event.Box
	for i := range 5 {
		x, y := 20+float64(i)*290, float64(i%2)*600+20
		all = append(all, px(x, y, x+20, y+60))
	}
	for look, frames := range map[int]int{1: 5, 2: 5, 3: 3, 4: 2} {
		c := New(Config{MaxLook: look}, nil)
		for range 3 {
			shown := map[int]bool{}
			for range frames {
				got := choose(c, nil, all)
				require.Len(t, got, look)
				if look > 1 {
					require.Equal(t, Whole(1280, 720), got[0])
				}
				for i, b := range all {
					for _, r := range got {
						if r.side() <= step(416*60/largeEnough) && covers(r, b) {
							shown[i] = true
						}
					}
				}
			}
			require.Len(t, shown, len(all), "MaxLook %d", look)
		}
	}
}

func covers(r Region, b event.Box) bool {
	return b.Intersect(r.Box(1280, 720)) >= b.Area()*(1-1e-9)
}

func TestARegionHoldsStill(t *testing.T) {
	c := New(Config{}, nil)
	first := choose(c, nil, []event.Box{person(600, 300)})
	changes, last := 0, first
	for i := range 60 { // walks by two of its sizes
		got := choose(c, nil, []event.Box{person(600+float64(i)*3, 300)})
		require.Len(t, got, 1)
		if got[0] != last[0] {
			changes++
		}
		last = got
	}
	require.Positive(t, changes)
	require.LessOrEqual(t, changes, 3)
	require.NotEqual(t, first, c.Choose(1920, 1080, nil, []event.Box{person(600, 300)}), "another frame size, another start")
}

func TestTheGridTellsHowLargeAnObjectIs(t *testing.T) {
	var g Grid
	for i := range 20 {
		dx := float64(i%10) * 12
		g.Learn(px(560+dx, 300, 600+dx, 400))
	}
	// A hand moves: the person around it may reach out to any side.
	hand := px(640, 350, 650, 360)
	got := choose(New(Config{}, &g), []event.Box{hand}, nil)
	require.Len(t, got, 1)
	require.True(t, covers(got[0], px(550, 260, 740, 450)), "%+v", got)
	// The shadow of a person is larger than the person, who is to be zoomed to.
	shadow := px(540, 250, 740, 450)
	require.Equal(t, []Region{Whole(1280, 720)}, choose(New(Config{}, nil), []event.Box{shadow}, nil))
	got = choose(New(Config{}, &g), []event.Box{shadow}, nil)
	require.Len(t, got, 1)
	require.LessOrEqual(t, got[0].side(), step(416*100/largeEnough))
}

func TestAFirstLookAsksTheGrid(t *testing.T) {
	require.Equal(t, []Region{Whole(1280, 720)}, New(Config{}, nil).First(1280, 720))
	var g Grid
	for i := range 20 {
		d := float64(i%10) * 8
		g.Learn(px(40+d, 40, 60+d, 90))         // far away
		g.Learn(px(1100+d, 40, 1120+d, 90))     // and there
		g.Learn(px(500+d*3, 400, 700+d*3, 700)) // near
	}
	c := New(Config{}, &g)
	got := c.First(1280, 720)
	require.Equal(t, Whole(1280, 720), got[0])
	require.Len(t, got, 3)
	for _, r := range got[1:] {
		require.Less(t, r.side(), 500)
	}
	require.Len(t, New(Config{MaxFirst: 2}, &g).First(1280, 720), 2)
}
