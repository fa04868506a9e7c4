package producer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// outageVariable says how long the network is away, such as 10m.
const outageVariable = "PORCHLIGHT_OUTAGE"

// TestOutage: in the middle of an event a process is killed, its successor's
// network is cut, and it is killed too while nothing can be sent. In the end
// the stream holds all of the event that was filmed, once and in order.
func TestOutage(t *testing.T) {
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("ffprobe is not installed: apt install ffmpeg")
	}
	outage := 6 * time.Second
	if text := os.Getenv(outageVariable); text != "" {
		var err error
		outage, err = time.ParseDuration(text)
		require.NoError(t, err, outageVariable)
	}
	quick := outage < time.Minute
	c, dir := newCloud(t), t.TempDir()
	c.create(t)
	g := c.newGateway(t, dir, quick)
	defer func() {
		if t.Failed() {
			t.Log(g.said("state"), "\n", g.log())
		}
	}()
	stored := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { return len(c.list(t)) >= n }, patience, 50*time.Millisecond)
	}
	stored(3)
	from := number(t, g.said("from"))

	// The first is killed in mid-fragment, and what it has sent has arrived
	// when the next begins.
	g.kill()
	require.Eventually(t, func() bool { return c.open.Load() == 0 }, patience, time.Millisecond)
	survived := len(c.list(t))
	g = c.newGateway(t, dir, quick)
	stored(survived + 3)

	c.net.cut(func() { // with no acknowledgement under way
		time.Sleep(time.Second)
		require.Eventually(t, func() bool { return g.said("persisted") == strconv.Itoa(len(c.list(t))-survived) }, patience, 50*time.Millisecond)
	})
	before, cut := len(c.list(t)), time.Now()
	time.Sleep(outage / 2)
	g.kill()
	g = c.newGateway(t, dir, quick)
	time.Sleep(outage / 2)
	require.Len(t, c.list(t), before, "the network was away")
	c.net.restore()
	restored := time.Now()
	stored(before + 3)
	g.end(t)
	// It takes five fragments a second.
	require.Eventually(t, func() bool { return g.said("events") == "0" }, patience+outage, 50*time.Millisecond)
	until := number(t, g.said("until"))
	t.Log(g.said("state"))
	g.leave()

	// Each GOP that was recorded is a fragment, whole and once.
	library, err := libraryOf(dir)
	require.NoError(t, err)
	defer library.Close()
	all := c.list(t)
	held, last, pictures := map[int64]bool{}, int64(0), 0
	for _, f := range all {
		start := f.ProducerTimestamp.UnixMilli()
		require.Greater(t, start, last, "stored twice, or overlapping")
		held[start], last = true, start+f.FragmentLengthInMilliseconds-200
	}
	recorded, away := map[int64]int{}, 0
	for g, err := range library.GOPs(t.Context(), stream, time.UnixMilli(from), time.UnixMilli(until)) {
		require.NoError(t, err)
		samples, _ := g.Samples(0)
		recorded[g.Start] = len(samples)
		if at := time.UnixMilli(g.Start); at.After(cut) && at.Before(restored) {
			away++
		}
		require.True(t, held[g.Start], "the GOP at %d is missing", g.Start)
	}
	require.Positive(t, away, "some of it was filmed while the network was away")
	for start := range held {
		pictures += recorded[start] // none if it was sent before it was on disk
	}
	shown, at := 0, 0.0
	for len(all) > 0 {
		n := min(len(all), 500)
		for _, now := range pictureTimes(t, c.media(t, all[:n])) {
			require.Greater(t, now, at, "pictures are in order")
			at = now
			shown++
		}
		all = all[n:]
	}
	require.GreaterOrEqual(t, shown, pictures-2*10, "%d pictures were filmed", pictures)
	t.Logf("%d fragments with %d pictures; %d recorded with %d, %d of them while the network was away",
		len(held), shown, len(recorded), pictures, away)
}

// pictureTimes has ffprobe decode video and returns when its pictures are
// shown, in seconds since 1970.
func pictureTimes(t *testing.T, data []byte) (times []float64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "media.mkv")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	cmd := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err)
	for line := range strings.Lines(complaints.String()) { // each fragment comes as a file of its own
		require.Contains(t, line, "Found unknown-length element with ID 0x18538067")
	}
	for _, text := range strings.Fields(string(out)) {
		at, err := strconv.ParseFloat(strings.Trim(text, ","), 64)
		require.NoError(t, err)
		times = append(times, at)
	}
	return times
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}
