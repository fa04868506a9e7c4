package region

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func TestAGridLearnsMeanAndDeviation(t *testing.T) {
	var g Grid
	b := px(600, 300, 640, 400)
	_, _, known := g.expected(b, 1280, 720)
	require.False(t, known)
	for i := range 10 {
		dx, dh := float64(i%2)*20, float64(i%2)*20
		g.Learn(px(590+dx, 300-dh/2, 620+dx, 390+dh/2)) // 90 or 110 high
	}
	mean, deviation, known := g.expected(b, 1280, 720)
	require.True(t, known)
	require.InDelta(t, 100, mean, 0.5)
	require.InDelta(t, 10, deviation, 0.5)
	_, _, known = g.expected(px(0, 0, 40, 100), 1280, 720)
	require.False(t, known, "another cell")
}

func TestAGridForgets(t *testing.T) {
	var g Grid
	teach := func(height float64, times int) {
		for i := range times {
			dx := float64(i%2) * 40
			g.Learn(px(650+dx, 300, 680+dx, 300+height))
		}
	}
	teach(50, 100)
	teach(100, 400)
	mean, _, _ := g.expected(px(650, 300, 690, 400), 1280, 720)
	require.InDelta(t, 100, mean, 1)
	// A place that is not used any more is forgotten.
	for range 6 {
		g.Learn(px(0, 0, 20, 50))
		g.Learn(px(30, 0, 50, 50))
	}
	_, _, known := g.expected(px(0, 0, 20, 50), 1280, 720)
	require.True(t, known)
	teach(100, 6*maxSeen)
	_, _, known = g.expected(px(0, 0, 20, 50), 1280, 720)
	require.False(t, known)
}

func TestAnObjectThatStaysCountsOnce(t *testing.T) {
	var g Grid
	for i := range 100 {
		g.Learn(px(600+float64(i%2), 300, 630, 400))
	}
	_, _, known := g.expected(px(600, 300, 630, 400), 1280, 720)
	require.False(t, known)
}

func TestAGridPassesOverNonsense(t *testing.T) {
	var g Grid
	for range 10 {
		g.Learn(event.Box{})
		g.Learn(event.Box{X0: math.NaN(), X1: 1, Y1: 1})
		g.Learn(event.Box{X1: math.Inf(1), Y1: 1})
		g.Learn(event.Box{X0: 1, X1: 0, Y1: 1})
		g.Learn(event.Box{X0: 2, X1: 3, Y1: 1})
	}
	require.Equal(t, Grid{}, g)
}

func TestAGridSurvivesARestart(t *testing.T) {
	var g, got Grid
	for i := range 3000 {
		g.Learn(px(float64(i*37%1200), float64(i*53%600), float64(i*37%1200+20+i%50), float64(i*53%600+40+i%70)))
	}
	data, err := json.Marshal(&g)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &got))
	again, err := json.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))
	b := px(600, 300, 630, 400)
	want, _, known := g.expected(b, 1280, 720)
	require.True(t, known)
	size, _, _ := got.expected(b, 1280, 720)
	require.InDelta(t, want, size, 1e-9)
}

func TestAGridRefusesNonsense(t *testing.T) {
	cells := func(n int, first string) string {
		return "[" + first + strings.Repeat(",[0,0,0,0,0]", n-1) + "]"
	}
	var g Grid
	require.NoError(t, g.UnmarshalJSON([]byte(`{"version":1,"cells":`+cells(64, "[9,0.1,0.2,0,0]")+`}`)))
	before := g
	for _, bad := range []string{
		``, `null`, `[]`, `{}`, `{"version":1}`, `{"version":1,"cells":[]}`,
		`{"version":2,"cells":` + cells(64, "[0,0,0,0,0]") + `}`,
		`{"version":1,"cells":` + cells(63, "[0,0,0,0,0]") + `}`,
		`{"version":1,"cells":` + cells(65, "[0,0,0,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[0,0,0,0,0]") + `,"more":1}`,
		`{"version":1,"cells":` + cells(64, "[0,0,0,0,0]") + `} {}`,
		`{"version":1,"cells":` + cells(64, "[0,0,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "null") + `}`,
		`{"version":1,"cells":` + cells(64, "[9,NaN,0.2,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[9,1e999,0.2,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[-9,0.1,0.2,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[1e9,0.1,0.2,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[9,-0.1,0.2,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[9,0.1,1.2,0,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[9,0.1,0.2,-1,0]") + `}`,
		`{"version":1,"cells":` + cells(64, "[9,0.1,0.2,0,2]") + `}`,
		`{"version":1,"cells":` + cells(64, "[0,0.1,0.2,0,0]") + `}`,
		strings.Repeat(" ", maxGridJSON+1),
	} {
		require.ErrorIs(t, g.UnmarshalJSON([]byte(bad)), ErrGrid, "%.60s", bad)
		require.Equal(t, before, g)
	}
}

// FuzzGridJSON: what is taken is a grid that can be used and written again.
func FuzzGridJSON(f *testing.F) {
	f.Add([]byte(`{"version":1,"cells":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var g, again Grid
		if err := g.UnmarshalJSON(data); err != nil {
			require.ErrorIs(t, err, ErrGrid)
			require.Equal(t, Grid{}, g)
			return
		}
		out, err := json.Marshal(g)
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalJSON(out))
		require.Equal(t, g, again)
		g.Learn(px(600, 300, 630, 400))
		regions := New(Config{MaxFirst: 4}, &g).First(1280, 720)
		require.NotEmpty(t, regions)
		for _, r := range append(regions, New(Config{}, &g).Choose(1280, 720, []event.Box{px(600, 300, 630, 400)}, nil)...) {
			require.True(t, r.X >= 0 && r.Y >= 0 && r.Width > 0 && r.Height > 0 && r.X+r.Width <= 1280 && r.Y+r.Height <= 720, "%+v", r)
		}
	})
}
