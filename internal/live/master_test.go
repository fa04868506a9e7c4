package live_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

func TestAViewerSeesTheNewestPictureAtOnce(t *testing.T) {
	cam := play(t, clip(t, "320x240", "25", "8", "-g", "100"))
	m, w := show(t, live.Config{Main: cam.ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(150)

	s := m.Stats()
	require.Len(t, s.Viewers, 1)
	t.Logf("%+v", s.Viewers[0])
	for i := range v.units {
		if i > 110 && i < 150 {
			t.Log(i, v.stamps[i]-v.stamps[i-1], v.arrived[i].Sub(v.arrived[0]))
		}
	}
}
