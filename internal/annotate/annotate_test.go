package annotate

import (
	"image"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/motion"
	"porchlight/internal/pipeline"
	"porchlight/internal/polygon"
	"porchlight/internal/track"
)

// plain is a frame of one gray.
func plain(width, height int) *event.Frame {
	f := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	for i := range f.Pix {
		f.Pix[i] = 100
	}
	return f
}

// at returns the color of a pixel.
func at(f *event.Frame, x, y int) color {
	i := (y*f.Width + x) * 3
	return color(f.Pix[i+2])<<16 | color(f.Pix[i+1])<<8 | color(f.Pix[i])
}

const ground color = 0x646464

func square(x0, y0, x1, y1 float64) polygon.Polygon {
	return polygon.Polygon{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// busy is a view with everything in it.
func busy(f *event.Frame) (*pipeline.View, config.Camera) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	v := &pipeline.View{
		Frame:   f,
		Motion:  motion.Result{Boxes: []event.Box{{X0: .1, Y0: .2, X1: .3, Y1: .5}, {X0: -3, Y0: -3, X1: 9, Y1: 9}}, Calibrating: true},
		Regions: []event.Box{{X0: 0, Y0: 0, X1: .6, Y1: 1}, {X0: .4, Y0: 0, X1: 1, Y1: 1}},
		Ignored: []pipeline.Ignored{{Detection: event.Detection{Label: "cat", Score: .4, Box: event.Box{X0: .7, Y0: .7, X1: .8, Y1: .8}}, Reason: "in object mask 1"}},
		Tracks: []track.Track{
			{ID: 1, Label: "person", Score: .9, Seen: true, True: true, Box: event.Box{X0: .1, Y0: .2, X1: .3, Y1: .5}, LastSeen: now},
			{ID: 2, Label: "car", Score: .8, Stationary: true, True: true, Box: event.Box{X0: .9, Y0: -.2, X1: 1.3, Y1: .1}},
			{ID: -3, Label: "dögs", Box: event.Box{X0: math.NaN(), Y0: math.Inf(-1), X1: math.Inf(1), Y1: math.NaN()}},
		},
		Faces: []pipeline.TrackFace{{Track: 1, Face: face.Face{Box: [4]float64{-5, 2, 1e9, math.NaN()}, Landmarks: [5]face.Point{{X: 1, Y: 1}, {X: -9, Y: 1e12}}}}},
		Open: &event.Event{
			EventID: "01J", Severity: event.Alert, Labels: map[string]float64{"person": .9, "car": .95}, Zones: []string{"porch"}, Removed: []string{"step"},
		},
		Took: pipeline.Timings{Motion: 1200 * time.Microsecond, Detect: 31 * time.Millisecond},
	}
	return v, config.Camera{
		Zones:        map[string]config.Zone{"porch": {Polygon: square(0, .5, .5, 1)}, "none": {}},
		ObjectMasks:  []config.ObjectMask{{Polygon: square(.6, .6, 2, 2), Labels: []string{"cat"}}},
		Motion:       config.Motion{Masks: []polygon.Polygon{square(-9, -9, 9, 9), {{X: math.NaN(), Y: .5}}}},
		PrivacyMasks: []polygon.Polygon{square(0, 0, .1, .1)},
	}
}

func TestMarksLieWhereTheyShould(t *testing.T) {
	f := plain(400, 300)
	v := &pipeline.View{
		Frame:   f,
		Motion:  motion.Result{Boxes: []event.Box{{X0: .1, Y0: .2, X1: .2, Y1: .4}}},
		Regions: []event.Box{{X0: 0, Y0: 0, X1: 1, Y1: 1}},
		Tracks: []track.Track{
			{ID: 1, Seen: true, True: true, Box: event.Box{X0: .5, Y0: .4, X1: .75, Y1: .8}},
			{ID: 2, Seen: true, True: true, Stationary: true, Box: event.Box{X0: .8, Y0: .4, X1: .95, Y1: .6}},
		},
		Ignored: []pipeline.Ignored{{Detection: event.Detection{Box: event.Box{X0: .25, Y0: .25, X1: .45, Y1: .5}}}},
		Faces:   []pipeline.TrackFace{{Face: face.Face{Box: [4]float64{220, 150, 260, 200}, Landmarks: [5]face.Point{{X: 230, Y: 170}}}}},
		Open:    &event.Event{EventID: "01JABCDEF", Severity: event.Alert},
	}
	before := append([]byte(nil), f.Pix...)
	out := New(config.Camera{Zones: map[string]config.Zone{"yard": {Polygon: square(.25, .6, .5, .8)}}}).Draw(v)
	require.Equal(t, before, f.Pix, "the frame itself is shared and must stay")
	require.Equal(t, image.Pt(400, 300), out.Bounds().Size())

	one := trackColor(1)
	for name, want := range map[string]struct {
		x, y  int
		color color
	}{
		"motion, upper left":       {40, 60, yellow},
		"motion, lower right":      {79, 119, yellow},
		"beside motion":            {80, 119, ground},
		"inside motion":            {41, 61, ground},
		"region, first dash":       {0, 100, white},
		"region, right edge":       {399, 100, white},
		"track, outer line":        {200, 125, one},
		"track, inner line":        {201, 125, one},
		"track, inside":            {202, 125, ground},
		"track, lower right":       {299, 239, one},
		"ignored":                  {100, 90, gray},
		"face":                     {220, 160, cyan},
		"landmark":                 {231, 171, cyan},
		"beside the landmark":      {233, 171, ground},
		"zone, outline":            {110, 180, green},
		"outside the zone":         {99, 200, ground},
		"banner of an alert, tint": {390, 5, blend(ground, red, opaque*3/4)},
	} {
		require.Equalf(t, want.color, at(out, want.x, want.y), "%s at %d,%d: %06x", name, want.x, want.y, at(out, want.x, want.y))
	}
	require.Equal(t, blend(ground, green, tint), at(out, 190, 190), "zones are translucent")
	require.Equal(t, blend(ground, trackColor(2), opaque/2), at(out, 320, 150), "what rests is dim")
}

func blend(a, b color, alpha int) (out color) {
	for shift := 0; shift < 24; shift += 8 {
		out |= color((int(a>>shift&255)*(opaque-alpha)+int(b>>shift&255)*alpha)/opaque) << shift
	}
	return out
}

// The gaps of a dashed line show the picture.
func TestRegionsAreDashed(t *testing.T) {
	out := New(config.Camera{}).Draw(&pipeline.View{Frame: plain(400, 300), Regions: []event.Box{{X0: .25, Y0: .25, X1: .75, Y1: .75}}})
	var row []color
	for x := 100; x < 124; x++ {
		row = append(row, at(out, x, 75))
	}
	dashes, gaps := 0, 0
	for _, c := range row {
		switch c {
		case white:
			dashes++
		case ground:
			gaps++
		}
	}
	require.Equal(t, []int{12, 12}, []int{dashes, gaps})
}

// Text is found by its shape: an I is one upright, whatever surrounds it.
func TestTextIsReadable(t *testing.T) {
	f := plain(60, 30)
	c := &canvas{width: 60, height: 30, pix: f.Pix, scale: 1}
	c.text(10, 5, "L", white, opaque)
	upright, foot := 0, 0
	for y := range 30 {
		inRow := 0
		for x := range 60 {
			if at(f, x, y) == white {
				inRow++
			}
		}
		upright += min(inRow, 1)
		foot = max(foot, inRow)
	}
	require.Equal(t, 9, upright, "an L is nine rows high")
	require.Equal(t, 6, foot, "and six pixels wide at its foot")
	require.Equal(t, blend(ground, black, behindText), at(f, 10, 5), "it has a dark ground")
	require.Equal(t, ground, at(f, 9, 5))
}

func TestNothingIsDrawnOutside(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 500}, {500, 1}, {3, 2}, {64, 48}, {2560, 20}} {
		f := plain(size[0], size[1])
		v, settings := busy(f)
		out := New(settings).Draw(v)
		require.Len(t, out.Pix, len(f.Pix))
		require.NotEqual(t, f.Pix, out.Pix)
	}
}

func TestWhatIsNoFrameStaysAsItIs(t *testing.T) {
	for _, f := range []*event.Frame{nil, {}, {Width: 4, Height: 4}, {Width: -4, Height: -4, Pix: make([]byte, 48)}, {Width: 2, Height: 2, Pix: make([]byte, 13)}} {
		v, settings := busy(f)
		require.Same(t, f, New(settings).Draw(v))
	}
}

// An object at the upper edge would have its text below the banner's.
func TestTextsKeepClearOfTheBanner(t *testing.T) {
	v := &pipeline.View{Frame: plain(400, 300), Open: &event.Event{}, Tracks: []track.Track{{ID: 1, Label: "person", Seen: true, Box: event.Box{X0: .6, X1: .9, Y1: .9}}}}
	colored := func(from, to int) (n int) {
		out := New(config.Camera{}).Draw(v)
		for y := from; y < to; y++ {
			for x := 245; x < 355; x++ { // between the sides of the box
				if at(out, x, y) == trackColor(1) {
					n++
				}
			}
		}
		return n
	}
	require.Zero(t, colored(1, 15))
	require.Greater(t, colored(15, 30), 100)
	v.Open = nil
	require.Greater(t, colored(1, 15), 100)
}

func TestBannerSaysWhatTheEventIs(t *testing.T) {
	v, _ := busy(plain(1, 1))
	require.Equal(t, "event 01J  alert  car 95%, person 90%  in porch  taken from step", bannerText(v.Open))
	require.Equal(t, "event BCDEFG", bannerText(&event.Event{EventID: "01JABCDEFG"}))
}

func BenchmarkDraw(b *testing.B) {
	v, settings := busy(plain(768, 432))
	a := New(settings)
	b.ReportAllocs()
	for b.Loop() {
		a.Draw(v)
	}
}
