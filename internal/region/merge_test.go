package region

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

const testWidth, testHeight = 1000, 500

// at is what a region shows of a box in pixels of the test frame, as a
// detector would say it: clipped to the region.
func at(r Region, label string, score float64, x0, y0, x1, y1 int) event.Detection {
	w, h := float64(r.Width), float64(r.Height)
	return event.Detection{Label: label, Score: score, Box: event.Box{
		X0: float64(x0-r.X) / w, Y0: float64(y0-r.Y) / h, X1: float64(x1-r.X) / w, Y1: float64(y1-r.Y) / h,
	}.Clip()}
}

type found struct {
	label          string
	score          float64
	x0, y0, x1, y1 int
	cut            bool
}

func requireFound(t *testing.T, want []found, looks ...Look) {
	t.Helper()
	var got []found
	px := func(v float64, size int) int { return int(math.Round(v * float64(size))) }
	for _, f := range Merge(testWidth, testHeight, looks) {
		got = append(got, found{
			f.Label, f.Score, px(f.Box.X0, testWidth), px(f.Box.Y0, testHeight), px(f.Box.X1, testWidth), px(f.Box.Y1, testHeight), f.Cut,
		})
	}
	require.Equal(t, want, got)
}

var (
	left  = Region{X: 0, Y: 0, Width: 400, Height: 400}
	mid   = Region{X: 300, Y: 0, Width: 400, Height: 400}
	frame = Whole(testWidth, testHeight)
)

func look(r Region, d ...event.Detection) Look { return Look{Region: r, Found: d} }

func TestMergeMapsBackToTheFrame(t *testing.T) {
	requireFound(t, []found{{"person", 0.8, 350, 100, 400, 200, false}, {"dog", 0.7, 100, 100, 200, 200, false}},
		look(left, at(left, "dog", 0.7, 100, 100, 200, 200)), look(mid, at(mid, "person", 0.8, 350, 100, 400, 200)))
	require.Empty(t, Merge(testWidth, testHeight, nil))
}

func TestMergeJoinsWhatWasSeenTwice(t *testing.T) {
	requireFound(t, []found{{"person", 0.8, 322, 100, 372, 200, false}},
		look(left, at(left, "person", 0.7, 320, 100, 370, 200)), look(mid, at(mid, "person", 0.8, 322, 100, 372, 200)))
}

func TestAWholeBoxWinsOverACutOneOfBetterScore(t *testing.T) {
	requireFound(t, []found{{"person", 0.5, 350, 100, 450, 300, false}},
		look(left, at(left, "person", 0.9, 350, 100, 450, 300)), look(mid, at(mid, "person", 0.5, 350, 100, 450, 300)))
	// A small part of it only, which overlaps it little.
	requireFound(t, []found{{"person", 0.5, 380, 100, 480, 300, false}},
		look(left, at(left, "person", 0.9, 380, 100, 480, 300)), look(mid, at(mid, "person", 0.5, 380, 100, 480, 300)))
}

func TestACutBoxWithoutAWholeOneIsKeptAndMarked(t *testing.T) {
	requireFound(t, []found{{"dog", 0.6, 100, 100, 200, 200, false}, {"person", 0.9, 350, 100, 400, 300, true}},
		look(left, at(left, "person", 0.9, 350, 100, 450, 300), at(left, "dog", 0.6, 100, 100, 200, 200)))
	// Another person behind the region's border is no reason to drop it.
	requireFound(t, []found{{"person", 0.8, 390, 0, 600, 390, false}, {"person", 0.9, 350, 200, 400, 300, true}},
		look(left, at(left, "person", 0.9, 350, 200, 450, 300)), look(mid, at(mid, "person", 0.8, 390, 0, 600, 390)))
}

func TestTheFramesEdgeCutsNothing(t *testing.T) {
	requireFound(t, []found{{"person", 0.9, 0, 0, 100, 200, false}}, look(left, at(left, "person", 0.9, 0, 0, 100, 200)))
	requireFound(t, []found{{"person", 0.9, 900, 300, 1000, 500, false}}, look(frame, at(frame, "person", 0.9, 900, 300, 1000, 500)))
	padded := Region{X: -100, Y: -100, Width: 700, Height: 700}
	requireFound(t, []found{{"person", 0.9, 0, 400, 100, 500, false}}, look(padded, at(padded, "person", 0.9, -20, 400, 100, 520)))
}

func TestVehiclesAreOneGroup(t *testing.T) {
	requireFound(t, []found{{"truck", 0.6, 100, 100, 200, 200, false}},
		look(frame, at(frame, "car", 0.5, 100, 100, 200, 205), at(frame, "truck", 0.6, 100, 100, 200, 200)))
	requireFound(t, []found{{"motorcycle", 0.6, 100, 100, 200, 200, false}},
		look(frame, at(frame, "motorbike", 0.5, 100, 100, 200, 200), at(frame, "motorcycle", 0.6, 100, 100, 200, 200)))
	// Cars in a row overlap.
	row := []event.Detection{at(frame, "car", 0.6, 100, 100, 200, 200), at(frame, "car", 0.5, 130, 100, 230, 200)}
	requireFound(t, []found{{"car", 0.6, 100, 100, 200, 200, false}, {"car", 0.5, 130, 100, 230, 200, false}}, look(frame, row...))
	requireFound(t, []found{{"person", 0.6, 100, 100, 200, 200, false}, {"dog", 0.5, 100, 100, 200, 200, false}},
		look(frame, at(frame, "person", 0.6, 100, 100, 200, 200), at(frame, "dog", 0.5, 100, 100, 200, 200)))
}

func TestAPartOfALargerBoxIsDropped(t *testing.T) {
	person := at(frame, "person", 0.8, 100, 100, 200, 400)
	requireFound(t, []found{{"person", 0.8, 100, 100, 200, 400, false}},
		look(frame, person), look(left, at(left, "person", 0.9, 110, 150, 190, 230)))
	// A head and chest, even in one look.
	requireFound(t, []found{{"person", 0.8, 100, 100, 200, 400, false}}, look(frame, person, at(frame, "person", 0.7, 110, 105, 190, 220)))
	// Tiny against it: someone far away.
	requireFound(t, []found{{"person", 0.8, 100, 100, 200, 400, false}, {"person", 0.7, 110, 150, 130, 200, false}},
		look(frame, person), look(left, at(left, "person", 0.7, 110, 150, 130, 200)))
}

func TestAChildInFrontOfAnAdultStays(t *testing.T) {
	adult, child := at(frame, "person", 0.8, 100, 100, 200, 400), at(frame, "person", 0.7, 110, 250, 180, 398)
	want := []found{{"person", 0.8, 100, 100, 200, 400, false}, {"person", 0.7, 110, 250, 180, 398, false}}
	requireFound(t, want, look(frame, adult, child))
	// Also when another look shows the adult better.
	want[0].score = 0.9
	requireFound(t, want, look(frame, adult, child), look(Region{Width: 500, Height: 500}, at(Region{Width: 500, Height: 500}, "person", 0.9, 100, 100, 200, 400)))
}

func TestNonsenseIsPassedOver(t *testing.T) {
	nan := math.NaN()
	require.Empty(t, Merge(testWidth, testHeight, []Look{
		look(frame, event.Detection{Label: "a", Score: nan, Box: event.Box{X1: 1, Y1: 1}},
			event.Detection{Label: "a", Score: 1, Box: event.Box{X0: nan, X1: 1, Y1: 1}},
			event.Detection{Label: "a", Score: 1, Box: event.Box{X1: math.Inf(1), Y1: 1}},
			event.Detection{Label: "a", Score: 1, Box: event.Box{X0: 1, X1: 0, Y1: 1}}),
		look(Region{}, event.Detection{Label: "a", Score: 1, Box: event.Box{X1: 1, Y1: 1}}),
		look(Region{X: -500, Width: 400, Height: 400}, event.Detection{Label: "a", Score: 1, Box: event.Box{X1: 1, Y1: 1}}),
	}))
	require.Empty(t, Merge(0, 0, []Look{look(frame, event.Detection{Label: "a", Score: 1, Box: event.Box{X1: 1, Y1: 1}})}))
}

func TestACloserLookDecidesWhichOfTwoBoxesItIs(t *testing.T) {
	blur, person := at(frame, "person", 0.6, 200, 100, 240, 260), at(left, "person", 0.8, 202, 170, 232, 255)
	requireFound(t, []found{{"person", 0.8, 202, 170, 232, 255, false}}, look(frame, blur), look(left, person))
	// Not when the closer look is the less sure one, or has both.
	person.Score = 0.5
	requireFound(t, []found{{"person", 0.6, 200, 100, 240, 260, false}}, look(frame, blur), look(left, person))
	person.Score = 0.8
	both := look(left, at(left, "person", 0.7, 200, 100, 240, 260), person)
	requireFound(t, []found{{"person", 0.8, 202, 170, 232, 255, false}, {"person", 0.7, 200, 100, 240, 260, false}}, look(frame, blur), both)
}
