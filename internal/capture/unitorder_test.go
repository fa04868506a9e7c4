package capture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/ffmpeg"
)

func TestUnitOrder(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	video := func(pts int) ffmpeg.Unit { return ffmpeg.Unit{PTS: ms(pts), NALs: [][]byte{{1}}} }
	sound := func(pts int) ffmpeg.Unit { return ffmpeg.Unit{PTS: ms(pts), Frames: [][]byte{{1}}} }
	for name, c := range map[string]struct {
		sound bool
		units []ffmpeg.Unit
		want  []int
	}{
		"without sound": {false, []ffmpeg.Unit{video(0), video(120), video(40), video(80)}, []int{0, 120, 40, 80}},
		"B-frames": {
			true,
			[]ffmpeg.Unit{video(0), sound(0), video(120), video(40), sound(60), video(80), video(160), sound(130), sound(170), video(200)},
			[]int{0, 0, 60, 120, 40, 80, 130, 160, 170, 200},
		},
		"sound that is longer": {true, []ffmpeg.Unit{video(0), sound(0), sound(30), sound(50), sound(70), sound(5000)}, []int{0, 0, 30}},
		"sound that ends":      {true, []ffmpeg.Unit{sound(0), video(0), video(500), video(700), video(1400)}, []int{0, 0, 500, 700, 1400}},
	} {
		t.Run(name, func(t *testing.T) {
			o := unitOrder{wait: c.sound, tail: ms(40)}
			var got []int
			take := func() {
				for u, ok := o.next(); ok; u, ok = o.next() {
					got = append(got, int(u.PTS.Milliseconds()))
				}
			}
			for _, u := range c.units {
				o.add(u)
				take()
			}
			o.end()
			take()
			require.Equal(t, c.want, got)
		})
	}
	t.Run("bounded", func(t *testing.T) {
		o := unitOrder{wait: true}
		for i := range 10 * maxSoundHeld {
			o.add(sound(i))
		}
		require.Len(t, o.audio, maxSoundHeld)
		o.add(video(0))
		for i := range 40 {
			o.add(video(i * 40))
			o.next()
		}
		require.Less(t, len(o.video), 25, "video waits for sound only so long")
	})
}
