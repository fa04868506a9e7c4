package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision/visiontest"
)

// TestVideoOutlivesAnOutage cuts the component off from the whole cloud in the
// middle of an event and kills it there. Once both are back, the stream has all
// that was recorded of every event, once and in order. PORCHLIGHT_OUTAGE says
// how long the outage is.
func TestVideoOutlivesAnOutage(t *testing.T) {
	outage := 20 * time.Second
	if v := os.Getenv("PORCHLIGHT_OUTAGE"); v != "" {
		var err error
		outage, err = time.ParseDuration(v)
		require.NoError(t, err)
	}
	n := newNumbered(t)
	m := boot(t, filepath.Join(t.TempDir(), "data"))
	me, wire := m.signIn(), newWire(t)
	c := &component{t: t, config: numberedConfig(t, m, wire, n), seen: map[string]event.Event{}}

	c.start()
	defer func() {
		if t.Failed() {
			t.Logf("the component:\n%s", c.stderr.String())
		}
	}()
	await(t, "an event that has ended", func() bool { return count(c.printed(), event.Ended) > 0 })
	var cut string
	await(t, "another that goes on", func() bool {
		for id, e := range c.printed() {
			if e.State != event.Ended {
				cut = id
			}
		}
		return cut != ""
	})
	wire.cut()
	time.Sleep(time.Second)
	killed := time.Now()
	c.kill()
	c.start()
	time.Sleep(outage)
	wire.mend()
	before := count(c.printed(), event.Ended)
	await(t, "life to go on", func() bool { return count(c.printed(), event.Ended) > before })

	printed := c.printed()
	require.Contains(t, printed, cut)
	maps.DeleteFunc(printed, func(_ string, e event.Event) bool { return e.State != event.Ended })
	all := slices.SortedFunc(maps.Values(printed), func(a, b event.Event) int { return a.StartedAt.Compare(b.StartedAt.Time) })
	// The first event may begin before the camera was there.
	latest := time.Now().Add(patience + outage) // what waits goes beside what happens now
	for _, e := range all[1:] {
		n.checkOnce(t, me, e, killed, latest)
	}
	c.finish()
}

func count(events map[string]event.Event, s event.State) (n int) {
	for _, e := range events {
		if e.State == s {
			n++
		}
	}
	return n
}

// numberedConfig is the configuration of a component that watches a numbered
// camera and reaches a machine through a wire.
func numberedConfig(t *testing.T, m *machine, w *wire, n *numbered) string {
	t.Helper()
	data, err := os.ReadFile(standaloneConfig(t, m, w))
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal(data, &tree))
	cameras := n.config()
	// The first second of a camera has no sound, and a file cannot begin with
	// sound and go on without.
	cameras["door"].(map[string]any)["record"].(map[string]any)["audio"] = false
	tree["cameras"] = cameras
	tree["detector"].(map[string]any)["model"] = visiontest.Model
	return writeConfig(t, tree)
}

// Around a kill so much is missing at most: what was not on the disk yet, and
// the time in which there was no process.
const (
	unwritten = 4 * time.Second
	unborn    = 15 * time.Second // on a busy machine
	// quietEnough is when no more is to be expected of an event's video.
	quietEnough = 15 * time.Second
)

// checkOnce checks that the video of an event is whole, each picture once and
// in order, but for what the kill has cost.
func (n *numbered) checkOnce(t *testing.T, me owner, e event.Event, killed, latest time.Time) {
	t.Helper()
	require.NotNil(t, e.Clip, "event %s", e.EventID)
	from, to := e.Clip.From.Time, e.Clip.To.Time
	var have []stretch
	defer func() {
		if t.Failed() {
			t.Logf("event from %s to %s, killed at %s: %v", e.Clip.From, e.Clip.To, killed.UTC(), have)
		}
	}()
	// It may have ended while there was no process, and then so has its video.
	maybeCut := to.After(killed) && to.Before(killed.Add(unborn))
	for changed := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		require.True(t, time.Now().Before(latest), "waited in vain for the video of event %s", e.EventID)
		now := me.stretches(e.Camera, from, to)
		if !slices.Equal(have, now) {
			have, changed = now, time.Now()
		}
		status, _ := me.get("/v1/events/" + e.EventID)
		if status != http.StatusOK || len(have) == 0 {
			continue
		}
		end := have[len(have)-1].to
		if !end.Before(to.Add(-150*time.Millisecond)) || maybeCut && !end.Before(killed.Add(-unwritten)) && time.Since(changed) > quietEnough {
			break
		}
	}
	require.False(t, have[0].from.After(from.Add(150*time.Millisecond)) && killed.Sub(from) > unwritten, "begins late")
	for i := 1; i < len(have); i++ {
		gap := stretch{have[i-1].to, have[i].from}
		require.False(t, gap.to.Before(killed), "a gap before the kill: %v", gap)
		require.False(t, gap.from.Before(killed.Add(-unwritten)), "more is missing than was not on the disk: %v, killed at %s", gap, killed)
		require.Less(t, gap.to.Sub(killed), unborn, "%v", gap)
	}
	// In the file gaps are left out: the numbers tell them, and what is there twice.
	status, body := me.get("/v1/events/" + e.EventID + "/clip")
	require.Equal(t, http.StatusOK, status, "%v", body)
	file := filepath.Join(t.TempDir(), e.EventID+".mp4")
	require.NoError(t, os.WriteFile(file, download(t, body["url"].(string)), 0o600))
	seen, jumps := numbers(t, file), 0
	for i := 1; i < len(seen); i++ {
		if seen[i] != (seen[i-1]+1)%n.camera.Frames() {
			jumps++
		}
	}
	require.LessOrEqual(t, jumps, len(have)-1, "pictures %v", seen)
}

type stretch struct{ from, to time.Time }

// stretches are the times of which the cloud has video, by when they start.
func (o owner) stretches(camera string, from, to time.Time) (all []stretch) {
	o.m.t.Helper()
	query := url.Values{"from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	status, body := o.get("/v1/cameras/" + camera + "/recordings?" + query.Encode())
	if status != http.StatusOK {
		return nil
	}
	for _, r := range body["ranges"].([]any) {
		one := r.(map[string]any)
		all = append(all, stretch{timeOf(o.m.t, one["from"]), timeOf(o.m.t, one["to"])})
	}
	return all
}
