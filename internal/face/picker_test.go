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

func overall(list []face.Crop) (q []float64) {
	for _, c := range list {
		q = append(q, c.Quality.Overall)
	}
	return q
}

func TestPickerKeepsTheBest(t *testing.T) {
	p := face.NewPicker(face.PickerConfig{Keep: 3, Least: 0.3})
	start := time.Unix(100, 0)
	for i, q := range []float64{0.5, 0.29, 0.9, 0.4, 0.6, 0.9, 0.1} {
		p.Offer(crop(q, start.Add(time.Duration(i)*time.Second)))
	}
	best := p.Best()
	require.Equal(t, []float64{0.9, 0.9, 0.6}, overall(best))
	require.Equal(t, start.Add(2*time.Second), best[0].Time, "of equals the earlier")
	best[0] = face.Crop{}
	require.Equal(t, []float64{0.9, 0.9, 0.6}, overall(p.Best()))
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
