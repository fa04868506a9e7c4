package producer

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestTimes adds stretches and compares with a list of moments.
func TestTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const end = 20_000
		var set times
		moments := make([]bool, end)
		for range rapid.IntRange(0, 12).Draw(t, "stretches") {
			from := rapid.IntRange(0, end-1).Draw(t, "from")
			to := min(from+rapid.IntRange(-1, 3000).Draw(t, "length"), end-1)
			set.add(int64(from), int64(to))
			for i := from; i <= to; i++ {
				moments[i] = true
			}
		}
		last := int64(-smallestHole - 1)
		for _, s := range set {
			require.LessOrEqual(t, s.from, s.to)
			require.Greater(t, s.from-last, int64(smallestHole), "stretches are apart")
			last = s.to
		}
		of := stretch{int64(rapid.IntRange(0, end-1).Draw(t, "of")), end - 1}
		hole := make([]bool, end)
		for _, h := range set.holes(of) {
			for i := h.from; i <= h.to; i++ {
				hole[i] = true
			}
		}
		for i, there := range moments {
			at := int64(i)
			if there {
				require.True(t, set.has(at), "%d", i)
			}
			require.Equal(t, at >= of.from && !set.has(at), hole[i], "%d", i)
			if before := set.before(at); before > 0 {
				require.True(t, set.has(before) && before < at)
			}
		}
	})
}

func TestTimesCloseSmallHoles(t *testing.T) {
	var set times
	set.add(1000, 1900)
	set.add(5000, 5900)
	set.add(2000, 2900)
	set.add(3450, 4000)
	require.Equal(t, times{{1000, 2900}, {3450, 4000}, {5000, 5900}}, set)
	set.add(4400, 4600)
	require.Equal(t, times{{1000, 2900}, {3450, 5900}}, set)
	require.Equal(t, []stretch{{500, 999}, {2901, 3449}, {5901, 6000}}, set.holes(stretch{500, 6000}))
	require.Zero(t, set.before(1000))
	require.EqualValues(t, 2900, set.before(3000))
	set.bound(1)
	require.Equal(t, times{{3450, 5900}}, set)
}
