package capture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

// woven is what comes out of a weave, video as positive numbers and sound as
// negative ones, in milliseconds.
type woven struct {
	t      *testing.T
	w      weave
	reader *media.Reader
	video  *media.Stream
	audio  *media.Stream
}

func newWoven(t *testing.T) *woven {
	bus := &media.Bus{}
	return &woven{
		t: t, w: weave{bus: bus}, reader: bus.SubscribeAll(10_000),
		video: &media.Stream{Codec: media.H264}, audio: &media.Stream{Codec: media.AAC},
	}
}

func (w *woven) picture(ms int, key bool) {
	pts := time.Duration(ms) * time.Millisecond
	w.w.video(&media.Packet{Stream: w.video, PTS: pts, Time: time.Unix(0, 0).Add(pts), Key: key, AU: [][]byte{{1}}})
}

func (w *woven) sound(ms int) {
	pts := time.Duration(ms) * time.Millisecond
	w.w.sound(&media.Packet{Stream: w.audio, PTS: pts, Time: time.Unix(0, 0).Add(pts), AU: [][]byte{{1}}})
}

func (w *woven) out() (ms []int) {
	w.reader.Close()
	for p, err := w.reader.Next(w.t.Context()); err == nil; p, err = w.reader.Next(w.t.Context()) {
		require.Equal(w.t, p.PTS, p.Time.Sub(time.Unix(0, 0)), "the time moves with the PTS")
		n := int(p.PTS.Milliseconds())
		if p.Stream.Audio() {
			n = -n
		}
		ms = append(ms, n)
	}
	return ms
}

// TestWeave gives out sound that is ahead after the pictures of its time.
func TestWeave(t *testing.T) {
	w := newWoven(t)
	for range 2 * maxSoundHeld {
		w.sound(1) // before there are pictures
	}
	w.picture(0, true)
	w.sound(50)
	w.sound(150)
	w.picture(100, false)
	w.picture(200, true)
	w.picture(20_000, true)
	w.sound(19_000) // far too late
	w.sound(20_100)
	w.picture(0, true) // another connection
	w.sound(10)
	w.picture(100, false)
	require.Equal(t, []int{0, -50, 100, -150, 200, 20_000, 0, -10, 100}, w.out())

	w = newWoven(t)
	w.picture(0, true)
	for i := range 10 * maxSoundHeld {
		w.sound(i + 1)
	}
	require.Len(t, w.w.held, maxSoundHeld)
}

// TestWeaveLateSound has sound arrive a tenth of a second after its pictures:
// none is dated before the keyframe that it follows, and it is even.
func TestWeaveLateSound(t *testing.T) {
	w := newWoven(t)
	for ms := 0; ms < 60_000; ms += 20 {
		if ms%40 == 0 {
			w.picture(ms, ms%2000 == 0)
		}
		if ms%60 == 0 && ms > 100 {
			w.sound(ms - 100)
		}
	}
	key, last := 0, 0
	for _, ms := range w.out() {
		if ms >= 0 {
			if ms%2000 == 0 {
				key = ms
			}
			continue
		}
		require.GreaterOrEqual(t, -ms, key)
		if last > 8000 {
			require.InDelta(t, 60, -ms-last, 3)
		}
		last = -ms
	}
	require.InDelta(t, 59_880, last, 120)
}
