package region

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"porchlight/internal/event"
)

type size struct{ width, height int }

func drawSize(t *rapid.T) size {
	return rapid.SampledFrom([]size{{1280, 720}, {640, 360}, {768, 576}, {1920, 1080}, {480, 854}, {300, 200}, {64, 48}, {3, 2}}).Draw(t, "frame")
}

func drawBoxes(t *rapid.T, most int, name string) []event.Box {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Box {
		x, y := rapid.Float64Range(0, 0.98).Draw(t, "x"), rapid.Float64Range(0, 0.98).Draw(t, "y")
		w, h := rapid.Float64Range(0.01, 0.4).Draw(t, "w"), rapid.Float64Range(0.01, 0.4).Draw(t, "h")
		return event.Box{X0: x, Y0: y, X1: min(1, x+w*w), Y1: min(1, y+h*h)}
	}), 0, most).Draw(t, name)
}

func drawGrid(t *rapid.T) *Grid {
	var g Grid
	for _, b := range drawBoxes(t, 40, "known") {
		g.Learn(b)
	}
	return &g
}

// largestFor is the side of the largest region that shows a box large enough:
// by the constants, but never smaller than what is around the box.
func largestFor(s size, g *Grid, b event.Box, isMotion bool) float64 {
	larger := math.Max(b.Width()*float64(s.width), b.Height()*float64(s.height))
	around := aroundObject * larger
	if isMotion {
		around = aroundMotion * larger
		if mean, _, known := g.expected(b, s.width, s.height); known {
			larger, around = mean, math.Max(around, 2*mean+larger)
		}
	}
	limit := math.Max(416*larger/largeEnough, math.Max(320, around+2))
	return limit*9/8 + 8 // with what a whole frame may be kept beyond
}

// near tells that motion is so near to an object that it is the object's.
func near(s size, motion, object event.Box) bool {
	w, h := float64(s.width), float64(s.height)
	room := 2 + math.Max(object.Width()*w, object.Height()*h)*(aroundObject-1)/4
	return motion.X0 > object.X0-room/w && motion.X1 < object.X1+room/w && motion.Y0 > object.Y0-room/h && motion.Y1 < object.Y1+room/h
}

func TestEveryTargetIsShownWholeAndLargeEnoughInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, g, look := drawSize(t), drawGrid(t), rapid.IntRange(1, 5).Draw(t, "look")
		motion, objects := drawBoxes(t, 8, "motion"), drawBoxes(t, 8, "objects")
		c := New(Config{MaxLook: look}, g)
		c.Choose(s.width, s.height, drawBoxes(t, 8, "earlier motion"), drawBoxes(t, 8, "earlier objects"))
		var largest []float64
		for _, m := range motion {
			limit := largestFor(s, g, m, true)
			for _, o := range objects {
				if near(s, m, o) {
					limit = math.Max(limit, largestFor(s, g, o, false))
				}
			}
			largest = append(largest, limit)
		}
		for _, o := range objects {
			largest = append(largest, largestFor(s, g, o, false))
		}
		shown := make([]bool, len(motion)+len(objects))
		for range len(motion) + len(objects) {
			regions := c.Choose(s.width, s.height, motion, objects)
			requireUsable(t, s, regions, look)
			for i, b := range append(slices.Clone(motion), objects...) {
				for _, r := range regions {
					if b.Intersect(r.Box(s.width, s.height)) > b.Area()*(1-1e-9) && float64(r.side()) <= largest[i] {
						shown[i] = true
					}
				}
			}
		}
		if i := slices.Index(shown, false); i >= 0 {
			t.Fatalf("target %d is never shown", i)
		}
	})
}

func requireUsable(t *rapid.T, s size, regions []Region, most int) {
	if len(regions) == 0 || len(regions) > most {
		t.Fatalf("%d regions, at most %d may be", len(regions), most)
	}
	for i, r := range regions {
		if r.X < 0 || r.Y < 0 || r.Width < 1 || r.Height < 1 || r.X+r.Width > s.width || r.Y+r.Height > s.height {
			t.Fatalf("%+v is not in the frame", r)
		}
		if r.Width != r.Height && r.Width != s.width && r.Height != s.height {
			t.Fatalf("%+v is no square, though there is room for one", r)
		}
		if slices.Contains(regions[:i], r) {
			t.Fatalf("%+v twice", r)
		}
	}
}

func TestTheOrderOfTargetsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, g := drawSize(t), drawGrid(t)
		a, b := New(Config{}, g), New(Config{}, g)
		motion, objects := drawBoxes(t, 10, "motion"), drawBoxes(t, 10, "objects")
		for range 3 {
			one := a.Choose(s.width, s.height, motion, objects)
			two := b.Choose(s.width, s.height,
				rapid.Permutation(motion).Draw(t, "shuffled motion"), rapid.Permutation(objects).Draw(t, "shuffled objects"))
			if !slices.Equal(one, two) {
				t.Fatalf("%+v and %+v", one, two)
			}
		}
	})
}

func TestFirstLooksAreInTheFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, most := drawSize(t), rapid.IntRange(1, 8).Draw(t, "most")
		requireUsable(t, s, New(Config{MaxFirst: most}, drawGrid(t)).First(s.width, s.height), most)
	})
}

func drawRegion(t *rapid.T, s size) Region {
	r := Region{Width: rapid.IntRange(1, 2*s.width).Draw(t, "width"), Height: rapid.IntRange(1, 2*s.height).Draw(t, "height")}
	r.X = rapid.IntRange(-r.Width/2, s.width-1).Draw(t, "x")
	r.Y = rapid.IntRange(-r.Height/2, s.height-1).Draw(t, "y")
	return r
}

func TestMergeUndoesCrop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSize(t)
		r := drawRegion(t, s)
		span := func(name string, from, to, whole int) (float64, float64) { // of what is in the region and the frame
			low, high := float64(max(0, from)), float64(min(whole, to))
			a := rapid.Float64Range(low, high-(high-low)/8).Draw(t, name+"0")
			return a, rapid.Float64Range(a+(high-a)/8, high).Draw(t, name+"1")
		}
		x0, x1 := span("x", r.X, r.X+r.Width, s.width)
		y0, y1 := span("y", r.Y, r.Y+r.Height, s.height)
		box := event.Box{X0: x0 / float64(s.width), Y0: y0 / float64(s.height), X1: x1 / float64(s.width), Y1: y1 / float64(s.height)}
		crop := Crop(&event.Frame{Width: s.width, Height: s.height, Pix: make([]byte, s.width*s.height*3)}, r)
		seen := event.Box{
			X0: (x0 - float64(r.X)) / float64(crop.Width), X1: (x1 - float64(r.X)) / float64(crop.Width),
			Y0: (y0 - float64(r.Y)) / float64(crop.Height), Y1: (y1 - float64(r.Y)) / float64(crop.Height),
		}
		got := Merge(s.width, s.height, []Look{{r, []event.Detection{{Label: "person", Score: 0.5, Box: seen}}}})
		if len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		for _, d := range []float64{got[0].Box.X0 - box.X0, got[0].Box.Y0 - box.Y0, got[0].Box.X1 - box.X1, got[0].Box.Y1 - box.Y1} {
			if math.Abs(d) > 1e-6 {
				t.Fatalf("%v came back as %v", box, got[0].Box)
			}
		}
	})
}

func drawLooks(t *rapid.T, s size) []Look {
	coarse := rapid.Custom(func(t *rapid.T) event.Detection { // so that boxes often meet
		v := rapid.IntRange(-1, 11)
		return event.Detection{
			Label: rapid.SampledFrom([]string{"person", "car", "bus"}).Draw(t, "label"), Score: float64(v.Draw(t, "score")) / 10,
			Box: event.Box{
				X0: float64(v.Draw(t, "x0")) / 10, Y0: float64(v.Draw(t, "y0")) / 10,
				X1: float64(v.Draw(t, "x1")) / 10, Y1: float64(v.Draw(t, "y1")) / 10,
			},
		}
	})
	regions := []Region{Whole(s.width, s.height), drawRegion(t, s), drawRegion(t, s)}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Look {
		return Look{rapid.SampledFrom(regions).Draw(t, "region"), rapid.SliceOfN(coarse, 0, 8).Draw(t, "found")}
	}), 0, 5).Draw(t, "looks")
}

func TestTheOrderOfLooksChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSize(t)
		looks := drawLooks(t, s)
		want := Merge(s.width, s.height, looks)
		shuffled := rapid.Permutation(looks).Draw(t, "order")
		for i := range shuffled {
			shuffled[i].Found = rapid.Permutation(shuffled[i].Found).Draw(t, "order")
		}
		if got := Merge(s.width, s.height, shuffled); !slices.Equal(want, got) {
			t.Fatalf("%+v and %+v", want, got)
		}
	})
}

func TestMergedBoxesAreInTheFrameAndApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSize(t)
		got := Merge(s.width, s.height, drawLooks(t, s))
		for i, f := range got {
			if f.Box != f.Box.Clip() || f.Box.Area() <= 0 {
				t.Fatalf("%+v", f)
			}
			for _, o := range got[:i] {
				if event.Group(o.Label) == event.Group(f.Label) && !o.Cut && !f.Cut && o.Box.IoU(f.Box) > joinVehicles {
					t.Fatalf("%+v and %+v are the same", o, f)
				}
			}
		}
	})
}
