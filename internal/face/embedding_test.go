package face_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/face"
)

func model(dimension int) face.Model {
	return face.Model{Name: "test", SHA256: strings.Repeat("ab", 32), Dimension: dimension}
}

func TestEmbeddingsHaveLengthOne(t *testing.T) {
	e, err := face.NewEmbedding(model(2), []float32{3, -4})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{0.6, -0.8}, e.Vector, 1e-6)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, bad := range [][]float32{nil, {1}, {1, 2, 3}, {0, 0}, {inf, 0}, {nan, 1}} {
		_, err := face.NewEmbedding(model(2), bad)
		require.ErrorIs(t, err, face.ErrEmbedding, "%v", bad)
	}
}

func TestDistanceIsThatOfTheAngle(t *testing.T) {
	at := func(degrees float64) face.Embedding {
		y, x := math.Sincos(degrees * math.Pi / 180)
		e, err := face.NewEmbedding(model(2), []float32{float32(7 * x), float32(7 * y)})
		require.NoError(t, err)
		return e
	}
	for degrees, want := range map[float64]float64{0: 0, 60: 0.5, 90: 1, 180: 2} {
		d, err := at(10).Distance(at(10 + degrees))
		require.NoError(t, err)
		require.InDelta(t, want, d, 1e-6)
	}
	mean, err := face.Mean([]face.Embedding{at(10), at(50)})
	require.NoError(t, err)
	require.InDeltaSlice(t, at(30).Vector, mean.Vector, 1e-6)
	_, err = face.Mean([]face.Embedding{at(0), at(180)})
	require.ErrorIs(t, err, face.ErrEmbedding)
	_, err = face.Mean(nil)
	require.ErrorIs(t, err, face.ErrEmbedding)

	other := at(0)
	other.Model.SHA256 = strings.Repeat("cd", 32)
	_, err = at(0).Distance(other)
	require.ErrorIs(t, err, face.ErrOtherModel)
	_, err = face.Mean([]face.Embedding{at(0), other})
	require.ErrorIs(t, err, face.ErrOtherModel)
	_, err = at(0).Distance(face.Embedding{Model: model(2), Vector: []float32{1}})
	require.ErrorIs(t, err, face.ErrEmbedding)
	require.NoError(t, model(2).Validate())
	require.ErrorIs(t, face.Model{Name: "x", SHA256: "beef", Dimension: 2}.Validate(), face.ErrEmbedding)
}
