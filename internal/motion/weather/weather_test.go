package weather_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/motion/weather"
)

func BenchmarkFrame(b *testing.B) {
	for name, at := range map[string]time.Duration{"day": 10 * time.Minute, "night": 4 * time.Hour, "storm": 5*time.Hour + 12*time.Minute} {
		b.Run(name, func(b *testing.B) {
			sky := weather.New(weather.Scene(640, 360, 1), 1)
			b.ReportAllocs()
			for b.Loop() {
				at += 200 * time.Millisecond
				sky.Frame(at)
			}
		})
	}
}

// A frame depends on the seed and the time, not on what was asked before, and
// is the caller's own.
func TestDeterministic(t *testing.T) {
	scene := weather.Scene(160, 90, 1)
	one, other := weather.New(scene, 7), weather.New(scene, 7)
	at := 5*time.Hour + 12*time.Minute
	f := one.Frame(at)
	kept := bytes.Clone(f.Pix)
	one.Frame(at + time.Second)
	require.Equal(t, kept, f.Pix)
	require.Equal(t, kept, other.Frame(at).Pix)
	require.Equal(t, kept, one.Over(scene, at).Pix)
	require.NotEqual(t, kept, weather.New(scene, 8).Frame(at).Pix)
	require.Equal(t, weather.Epoch().Add(at), f.Time)
}

// Each effect changes the picture at some time of its spans, and nothing
// outside of them.
func TestEffects(t *testing.T) {
	scene := weather.Scene(160, 90, 1)
	for e := weather.Noise; e < weather.All; e <<= 1 {
		t.Run(e.String(), func(t *testing.T) {
			sky := weather.New(scene, 1, e)
			changes := func(from, to time.Duration) bool {
				for at := from; at < to; at += 100 * time.Millisecond {
					if !bytes.Equal(sky.Frame(at).Pix, scene.Pix) {
						return true
					}
				}
				return false
			}
			for _, s := range e.Spans() {
				require.True(t, changes(s.From, min(s.To, s.From+2*time.Minute)), "%v", s)
				if s.From > 0 {
					require.False(t, changes(s.From-time.Second, s.From), "%v", s)
				}
			}
		})
	}
}

func TestInfraredIsGray(t *testing.T) {
	sky := weather.New(weather.Scene(160, 90, 1), 1)
	require.False(t, gray(sky.Frame(weather.Dusk-time.Second)))
	require.True(t, gray(sky.Frame(weather.Dusk+time.Minute)))
	require.False(t, gray(sky.Frame(weather.Dawn)))
}

func gray(f *event.Frame) bool {
	for i := 0; i < len(f.Pix); i += 3 {
		if f.Pix[i] != f.Pix[i+1] || f.Pix[i] != f.Pix[i+2] {
			return false
		}
	}
	return true
}

func TestSmallPictures(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {3, 50}, {50, 3}, {17, 9}} {
		sky := weather.New(weather.Scene(size[0], size[1], 1), 1)
		for at := time.Duration(0); at < weather.Length; at += 7 * time.Minute {
			require.Len(t, sky.Frame(at).Pix, size[0]*size[1]*3)
		}
	}
}
