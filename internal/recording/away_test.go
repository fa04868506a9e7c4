package recording

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

// TestCameraAway: when a camera falls silent in mid-GOP, as one does that a
// burglar has cut off, its last pictures are on disk in seconds, and can be
// watched as soon as it is clear that no more will come.
func TestCameraAway(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	ring := media.NewRing(media.RingConfig{Log: log})
	l, err := Open(LibraryConfig{Dir: t.TempDir(), Free: func(string) (int64, error) { return 1 << 40, nil }, Log: log})
	require.NoError(t, err)
	defer l.Close()
	r, err := New(Config{Camera: "c", Ring: ring, Library: l, Log: log, Mode: Always})
	require.NoError(t, err)
	p := media.NewH264Packetizer([]byte{0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40,
		0x00, 0x00, 0x05, 0x03, 0xc5, 0x0a, 0xa8}, []byte{0x68, 0xce, 0x0f, 0xc8})
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		unit := []byte{0x41, 1, 2, 3}
		if i == 0 {
			unit[0] = 0x65
		}
		pts := time.Duration(i) * 100 * time.Millisecond
		packet, err := p.Packet([][]byte{unit}, pts, start.Add(pts))
		require.NoError(t, err)
		ring.Put(packet)
	}
	now := start.Add(time.Second)
	require.NoError(t, r.pass(now))
	require.Zero(t, r.Stats().Fragments, "more may come")
	require.NoError(t, r.pass(now.Add(3*time.Second)))
	require.Equal(t, start.Add(400*time.Millisecond), r.Stats().Safe)
	require.NotNil(t, r.work.active)
	require.NoError(t, r.pass(now.Add(25*time.Second)))
	require.Nil(t, r.work.active, "the file is ended")
	for g, err := range l.GOPs(t.Context(), "c", start, start) {
		require.NoError(t, err)
		samples, _ := g.Samples(0)
		require.Len(t, samples, 5)
	}
	require.Equal(t, []Range{{From: start, To: start.Add(400 * time.Millisecond), Class: Continuous}}, l.Ranges("c", start, start))
	require.NoError(t, r.pass(now.Add(26*time.Second)))
	require.EqualValues(t, 1, r.Stats().Fragments, "nothing twice")
}
