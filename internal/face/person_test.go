package face_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

func TestBelongsTo(t *testing.T) {
	person := event.Box{X0: 0.2, Y0: 0.2, X1: 0.4, Y1: 0.8} // 200..400 by 100..400 pixels
	for name, c := range map[string]struct {
		box  [4]float64
		want bool
	}{
		"head":              {[4]float64{270, 110, 330, 180}, true},
		"a little above":    {[4]float64{270, 80, 330, 160}, true},
		"near the camera":   {[4]float64{210, 120, 390, 370}, true},
		"at the knees":      {[4]float64{270, 320, 330, 390}, false},
		"beside":            {[4]float64{410, 110, 470, 180}, false},
		"half beside":       {[4]float64{370, 110, 440, 180}, false},
		"mostly above":      {[4]float64{270, 30, 330, 120}, false},
		"larger than they":  {[4]float64{100, 0, 900, 480}, false},
		"nothing":           {[4]float64{300, 150, 300, 150}, false},
		"turned inside out": {[4]float64{330, 180, 270, 110}, false},
	} {
		require.Equal(t, c.want, face.Face{Box: c.box}.BelongsTo(person, 1000, 500), name)
	}
	require.False(t, face.Face{Box: [4]float64{270, 110, 330, 180}}.BelongsTo(event.Box{}, 1000, 500))
	require.False(t, face.Face{Box: [4]float64{270, 110, 330, 180}}.BelongsTo(person, 0, 0))
}

func TestOwnerIsThePersonWhoseHeadItIs(t *testing.T) {
	near := event.Box{X0: 0.1, Y0: 0.1, X1: 0.6, Y1: 1} // overlaps the one behind
	behind := event.Box{X0: 0.4, Y0: 0.2, X1: 0.6, Y1: 0.9}
	persons := []event.Box{near, behind}
	require.Equal(t, 0, face.Face{Box: [4]float64{320, 60, 380, 130}}.Owner(persons, 1000, 500))
	require.Equal(t, 1, face.Face{Box: [4]float64{480, 110, 520, 150}}.Owner(persons, 1000, 500))
	require.Equal(t, -1, face.Face{Box: [4]float64{800, 110, 850, 170}}.Owner(persons, 1000, 500))
	require.Equal(t, -1, face.Face{}.Owner(nil, 1000, 500))
}
