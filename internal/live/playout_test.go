package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPlayout: no delay where there is room, and a keyframe's worth where
// there is not.
func TestPlayout(t *testing.T) {
	g := glance{bits: 4e6, key: 100_000}
	for _, c := range []struct {
		direct bool
		width  float64
		want   Playout
	}{
		{true, 0, Playout{}},
		{true, 100e6, Playout{}},
		{false, 0, Playout{Max: longestDelay}},
		{false, 100e6, Playout{Max: longestDelay}},
		{true, 5e6, Playout{Min: 250 * time.Millisecond, Max: longestDelay}},
		{false, 10e6, Playout{Min: 150 * time.Millisecond, Max: longestDelay}},
		{true, 1e6, Playout{Min: longestDelay, Max: longestDelay}},
	} {
		v := &viewer{m: &Master{}, direct: c.direct, link: &link{width: c.width}}
		require.Equal(t, c.want, v.playout(g), "%+v", c)
	}
	v := &viewer{m: &Master{cfg: Config{Playout: &Playout{Max: time.Second}}}, link: &link{}}
	require.Equal(t, Playout{Max: time.Second}, v.playout(g))
}
