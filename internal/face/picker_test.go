package face_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/face"
)

func crop(quality float64, at time.Time) face.Crop {
	return face.Crop{Quality: face.Quality{Overall: quality}, Time: at}
}

func TestPickerSendsTheBestOfEachInterval(t *testing.T) {
	p := face.NewPicker(face.PickerConfig{Interval: time.Second, Least: 0.3, Share: 0.5})
	now := time.Unix(100, 0)
	_, ok := p.Next(now)
	require.False(t, ok, "nothing offered")
	p.Offer(crop(0.2, now))
	_, ok = p.Next(now)
	require.False(t, ok, "too bad")
	p.Offer(crop(0.4, now))
	c, ok := p.Next(now)
	require.True(t, ok, "the first goes at once")
	require.Equal(t, 0.4, c.Quality.Overall)
	_, ok = p.Next(now.Add(time.Hour))
	require.False(t, ok, "a crop goes once")
	for i, q := range []float64{0.5, 0.8, 0.6} {
		p.Offer(crop(q, now))
		_, ok = p.Next(now.Add(time.Duration(i) * 300 * time.Millisecond))
		require.False(t, ok, "too soon")
	}
	c, ok = p.Next(now.Add(time.Second))
	require.True(t, ok)
	require.Equal(t, 0.8, c.Quality.Overall)
	p.Offer(crop(0.39, now))
	_, ok = p.Next(now.Add(time.Minute))
	require.False(t, ok, "much worse than what was sent")
	p.Offer(crop(0.41, now))
	_, ok = p.Next(now.Add(time.Minute))
	require.True(t, ok, "another view of about the same worth")
}
