package pipeline_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// Ten thousand frames, with somebody passing every so often, take no more
// memory than a thousand.
func TestMemoryStaysFlat(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) {
		c.Settings.Zones = zonesOf(t, "drive", right)
		c.StateFile = t.TempDir() + "/door.json"
	})
	s.w, s.h = 80, 45
	frames := 0
	run := func(until int) uint64 {
		for ; frames < until; frames++ {
			if i := frames % 200; i < 25 {
				s.show(at(walker(person), float64(i)*0.04-0.12))
			} else {
				s.show()
			}
			if n := len(s.out.events); n > 100 { // what was published is not the pipeline's
				s.out.events, s.out.thumbnails = s.out.events[n-1:], s.out.thumbnails[n-1:]
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	early := run(1000)
	late := run(10_000)
	require.Less(t, late, early+2<<20)
	require.Greater(t, s.line.Stats().Events, int64(40))
	s.idle(5 * time.Second)
	require.Equal(t, event.Ended, s.newest().State)
}
