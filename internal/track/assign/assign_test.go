package assign_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/track/assign"
)

func TestKnownProblems(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		cost [][]float64
		free float64
		want []int
	}{
		"none":                   {nil, 1, nil},
		"no columns":             {[][]float64{{}, {}}, 1, []int{-1, -1}},
		"greedy would pay 1 + 9": {[][]float64{{1, 2}, {3, 9}}, 100, []int{1, 0}},
		// Kuhn's method by hand: reduce rows and columns, total 5.
		"textbook":               {[][]float64{{4, 1, 3}, {2, 0, 5}, {3, 2, 2}}, 100, []int{1, 0, 2}},
		"too dear":               {[][]float64{{5, 9}, {9, 0.5}}, 1, []int{-1, 1}},
		"forbidden":              {[][]float64{{inf, math.NaN()}, {inf, 0}}, 1, []int{-1, 1}},
		"more rows than columns": {[][]float64{{3}, {1}, {2}}, 10, []int{-1, 0, -1}},
		"more columns than rows": {[][]float64{{3, 1, 2}}, 10, []int{1}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, assign.Solve(c.cost, c.free)) })
	}
}

// Every way to pair a few rows and columns, tried one after another, finds
// nothing cheaper.
func TestNothingIsCheaper(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		rows, columns := 1+rng.IntN(5), rng.IntN(6)
		cost := make([][]float64, rows)
		for i := range cost {
			cost[i] = make([]float64, columns)
			for j := range cost[i] {
				cost[i][j] = rng.Float64() * 2
				if rng.IntN(4) == 0 {
					cost[i][j] = math.Inf(1)
				}
			}
		}
		const free = 1
		paid, taken := 0.0, map[int]bool{}
		for i, j := range assign.Solve(cost, free) {
			if j < 0 {
				paid += free
				continue
			}
			require.False(t, taken[j], "column %d twice", j)
			taken[j] = true
			paid += cost[i][j]
		}
		require.InDelta(t, cheapest(cost, free, 0, make([]bool, columns)), paid, 1e-9, "%v", cost)
	}
}

func cheapest(cost [][]float64, free float64, row int, taken []bool) float64 {
	if row == len(cost) {
		return 0
	}
	best := free + cheapest(cost, free, row+1, taken)
	for j, c := range cost[row] {
		if !taken[j] {
			taken[j] = true
			best = math.Min(best, c+cheapest(cost, free, row+1, taken))
			taken[j] = false
		}
	}
	return best
}
