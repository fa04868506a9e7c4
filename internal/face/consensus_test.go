package face_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/face"
)

func votes(list ...face.Vote) *face.Consensus {
	c := face.NewConsensus(face.ConsensusConfig{})
	for _, v := range list {
		c.Add(v)
	}
	return c
}

func TestConsensus(t *testing.T) {
	ann := face.Vote{Name: "ann", Distance: 0.2, Quality: 0.9}
	ben := face.Vote{Name: "ben", Distance: 0.3, Quality: 0.9}
	nobody := face.Vote{Quality: 0.9}
	for name, c := range map[string]struct {
		votes []face.Vote
		want  string
	}{
		"no vote":                  {nil, ""},
		"one vote":                 {[]face.Vote{ann}, ""},
		"two agree":                {[]face.Vote{ann, ann}, "ann"},
		"nobody known":             {[]face.Vote{nobody, nobody, nobody}, ""},
		"two are divided":          {[]face.Vote{ann, ben}, ""},
		"a majority":               {[]face.Vote{ann, ben, ann, ann}, "ann"},
		"a bare majority":          {[]face.Vote{ann, ben, ann, ben, ann}, ""},
		"nobody outweighs":         {[]face.Vote{ann, ann, nobody, nobody, nobody, nobody}, ""},
		"one stranger among many":  {[]face.Vote{ann, nobody, ann, ann}, "ann"},
		"too far counts as nobody": {[]face.Vote{{Name: "ann", Distance: 0.56, Quality: 1}, {Name: "ann", Distance: 2, Quality: 1}}, ""},
		"near but of bad quality":  {[]face.Vote{{Name: "ann", Distance: 0.1, Quality: 0.2}, {Name: "ann", Distance: 0.1, Quality: 0.2}}, ""},
		"bad ones do not outvote":  {[]face.Vote{ann, ann, {Name: "ben", Distance: 0.5, Quality: 0.1}, {Name: "ben", Distance: 0.5, Quality: 0.1}, {Name: "ben", Distance: 0.5, Quality: 0.1}}, "ann"},
		"what is no number is no vote": {[]face.Vote{
			{Name: "ann", Distance: math.NaN(), Quality: 1}, {Name: "ann", Quality: math.NaN()}, {Name: "ann", Quality: -1}, {Name: "ann", Distance: -1, Quality: 1},
		}, ""},
	} {
		got, share, ok := votes(c.votes...).Name()
		require.Equal(t, c.want, got, name)
		require.Equal(t, c.want != "", ok, name)
		if ok {
			require.Greater(t, share, 0.6, name)
			require.LessOrEqual(t, share, 1.0, name)
		}
	}
}

func TestLaterEvidenceTakesANameAway(t *testing.T) {
	c := votes(face.Vote{Name: "ann", Distance: 0.4, Quality: 0.8}, face.Vote{Name: "ann", Distance: 0.4, Quality: 0.8})
	name, _, ok := c.Name()
	require.True(t, ok)
	require.Equal(t, "ann", name)
	for range 2 {
		c.Add(face.Vote{Name: "ben", Distance: 0.1, Quality: 1})
	}
	_, _, ok = c.Name()
	require.False(t, ok)
	for range 3 {
		c.Add(face.Vote{Name: "ben", Distance: 0.1, Quality: 1})
	}
	name, _, ok = c.Name()
	require.True(t, ok)
	require.Equal(t, "ben", name)
}

func TestTriesAreBounded(t *testing.T) {
	c := face.NewConsensus(face.ConsensusConfig{})
	for range 12 {
		require.True(t, c.Try())
		c.Add(face.Vote{Quality: 1})
	}
	require.False(t, c.Try())
	for range 100 { // answers nobody asked for
		c.Add(face.Vote{Name: "ann", Quality: 1})
	}
	_, _, ok := c.Name()
	require.False(t, ok)

	c = face.NewConsensus(face.ConsensusConfig{})
	tried := 0
	for c.Try() {
		c.Add(face.Vote{Name: "ann", Distance: 0.1, Quality: 0.9})
		tried++
	}
	require.Equal(t, 6, tried, "a name is known")
	for range 5 {
		c.Add(face.Vote{Quality: 1})
	}
	for range 1 {
		c.Add(face.Vote{Name: "ben", Distance: 0, Quality: 1})
	}
	_, _, ok = c.Name()
	require.False(t, ok)
	require.True(t, c.Try(), "the name is gone")
}
