package match

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/face"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func model(dimension int) face.Model {
	return face.Model{Name: "test", SHA256: strings.Repeat("ab", 32), Dimension: dimension}
}

func random(t testing.TB, r *rand.Rand, m face.Model) face.Embedding {
	t.Helper()
	raw := make([]float32, m.Dimension)
	for i := range raw {
		raw[i] = float32(r.NormFloat64())
	}
	e, err := face.NewEmbedding(m, raw)
	require.NoError(t, err)
	return e
}

// What an index of many rows, searched in parallel, says is what looking at
// each pair says, whatever the dimension and however the rows are named.
func TestNearestIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ dimension, rows, names int }{
		{1, 5, 3}, {3, 100, 7}, {7, 1, 1}, {8, 2, 2}, {128, 50, 50}, {13, 5 * leastRows, 100}, {16, 3*leastRows + 1, 5 * leastRows},
	} {
		m := model(c.dimension)
		x, err := New(m, c.rows/2)
		require.NoError(t, err)
		rows, names := make([]face.Embedding, c.rows), make([]string, c.rows)
		for i := range rows {
			rows[i], names[i] = random(t, r, m), fmt.Sprintf("p%d", r.IntN(c.names))
			require.NoError(t, x.Add(names[i], rows[i]))
		}
		require.Equal(t, c.rows, x.Len())
		for range 20 {
			q := random(t, r, m)
			nearest := map[string]float64{}
			for i, e := range rows {
				d, err := q.Distance(e)
				require.NoError(t, err)
				if have, ok := nearest[names[i]]; !ok || d < have {
					nearest[names[i]] = d
				}
			}
			best, second := Match{Distance: 2}, Match{Distance: 2}
			for name, d := range nearest {
				switch {
				case best.Name == "" || d < best.Distance:
					best, second = Match{name, d}, best
				case second.Name == "" || d < second.Distance:
					second = Match{name, d}
				}
			}
			got, err := x.Nearest(q)
			require.NoError(t, err)
			require.InDelta(t, best.Distance, got.Best.Distance, 1e-5)
			require.InDelta(t, second.Distance, got.Second.Distance, 1e-5)
			if c.dimension > 1 { // where all are at one of two places, each is as near
				require.Equal(t, best.Name, got.Best.Name, "%+v", c)
				require.Equal(t, second.Name, got.Second.Name, "%+v", c)
			}
		}
	}
}

func TestRule(t *testing.T) {
	result := func(best, second float64) Result {
		return Result{Best: Match{"ann", best}, Second: Match{"ben", second}}
	}
	for _, c := range []struct {
		rule  Rule
		found Result
		ok    bool
	}{
		{Rule{}, Result{Best: Match{"", 2}, Second: Match{"", 2}}, false},
		{Rule{}, Result{Best: Match{"ann", 0.5}, Second: Match{"", 2}}, true},
		{Rule{}, result(0.54, 0.9), true},
		{Rule{}, result(0.56, 0.9), false},
		{Rule{}, result(0.3, 0.39), false},
		{Rule{}, result(0.3, 0.41), true},
		{Rule{MaxDistance: 0.4}, result(0.45, 1), false},
		{Rule{MaxDistance: 0.6}, result(0.58, 1), true},
		{Rule{MinLead: 0.2}, result(0.3, 0.45), false},
		{Rule{MinLead: 0.01}, result(0.3, 0.32), true},
	} {
		name, ok := c.rule.Name(c.found)
		require.Equal(t, c.ok, ok, "%+v", c)
		require.Equal(t, c.ok, name == "ann", "%+v", c)
	}
}

func TestWhatDoesNotCompareIsRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	_, err := New(face.Model{Name: "x", Dimension: 4}, 0)
	require.ErrorIs(t, err, face.ErrEmbedding)
	x, err := New(model(4), 0)
	require.NoError(t, err)
	empty, err := x.Nearest(random(t, r, model(4)))
	require.NoError(t, err)
	require.Equal(t, Result{Best: Match{Distance: 2}, Second: Match{Distance: 2}}, empty)
	require.ErrorIs(t, x.Add("", random(t, r, model(4))), face.ErrEmbedding)
	for e, want := range map[*face.Embedding]error{
		{Model: model(4), Vector: []float32{1}}:                                           face.ErrEmbedding,
		{Model: model(5), Vector: make([]float32, 5)}:                                     face.ErrOtherModel,
		{Model: face.Model{SHA256: "other", Dimension: 4}, Vector: []float32{1, 0, 0, 0}}: face.ErrOtherModel,
	} {
		require.ErrorIs(t, x.Add("ann", *e), want)
		_, err := x.Nearest(*e)
		require.ErrorIs(t, err, want)
	}
}
