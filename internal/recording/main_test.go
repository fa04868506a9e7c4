package recording_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/media"
	"porchlight/internal/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 60 * time.Second

// noon is when test cameras begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// Parameter sets of 320x240 baseline video; alike but for the PPS.
var (
	sps    = []byte{0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x05, 0x03, 0xc5, 0x0a, 0xa8}
	pps    = []byte{0x68, 0xce, 0x0f, 0xc8}
	newPPS = []byte{0x68, 0xce, 0x4f, 0xc8}
)

// camera fills a ring with pictures of no content, ten a second and a keyframe
// each second, at whatever time a test says it is.
type camera struct {
	t    testing.TB
	ring *media.Ring
	pps  []byte
	size int // bytes of a picture
	p    *media.H264Packetizer
	was  []byte // pps of p
	now  time.Time
	pts  time.Duration
}

func newCamera(t testing.TB) *camera {
	c := &camera{t: t, pps: pps, size: 100, now: noon}
	c.ring = media.NewRing(media.RingConfig{Keep: 15 * time.Second, Log: slog.New(slog.DiscardHandler)})
	return c
}

// seconds films n GOPs of a second and returns when they began.
func (c *camera) seconds(n int) (starts []time.Time) {
	for range n {
		starts = append(starts, c.now)
		c.frames(10)
	}
	return starts
}

// frames films a GOP of n pictures.
func (c *camera) frames(n int) {
	if !bytes.Equal(c.was, c.pps) {
		c.p, c.was = media.NewH264Packetizer(sps, c.pps), c.pps
	}
	for i := range n {
		unit := bytes.Repeat([]byte{byte(c.pts / time.Millisecond)}, c.size)
		if unit[0] = 0x41; i == 0 {
			unit[0] = 0x65
		}
		packet, err := c.p.Packet([][]byte{unit}, c.pts, c.now)
		require.NoError(c.t, err)
		c.ring.Put(packet)
		c.pts += 100 * time.Millisecond
		c.now = c.now.Add(100 * time.Millisecond)
	}
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), s)
}

// rig is a library with one camera's recorder.
type rig struct {
	*camera
	*recording.Recorder
	dir     string
	library *recording.Library
	log     *lines
	stop    func()
}

const roomy = 1 << 40

// set changes how a rig is made.
type set struct {
	library  func(*recording.LibraryConfig)
	recorder func(*recording.Config)
}

func openLibrary(t testing.TB, dir string, log *lines, change func(*recording.LibraryConfig)) *recording.Library {
	t.Helper()
	cfg := recording.LibraryConfig{
		Dir: dir, Free: func(string) (int64, error) { return roomy, nil }, Log: slog.New(slog.NewTextHandler(log, nil)),
		Now: func() time.Time { return noon },
	}
	if change != nil {
		change(&cfg)
	}
	l, err := recording.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func newRig(t testing.TB, s set) *rig {
	t.Helper()
	r := &rig{camera: newCamera(t), dir: t.TempDir(), log: &lines{}}
	r.library = openLibrary(t, r.dir, r.log, s.library)
	r.record(s.recorder)
	return r
}

// record starts a recorder, in place of one that has stopped.
func (r *rig) record(change func(*recording.Config)) {
	r.t.Helper()
	cfg := recording.Config{
		Camera: "home.door", Ring: r.ring, Library: r.library, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		PreRoll: 3 * time.Second, PostRoll: 2 * time.Second, Poll: time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	r.Recorder, err = recording.New(cfg)
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(r.stop)
}

// begin begins an event of so many seconds, at so many seconds after noon.
func (r *rig) begin(id string, from, seconds float64, alert bool) {
	r.t.Helper()
	require.NoError(r.t, r.Begin(event(id, from, seconds, alert)))
}

// safe waits until a picture is on disk.
func (r *rig) safe(at time.Time) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return !r.Stats().Safe.Before(at) }, patience, time.Millisecond, "%v", at)
}

// idle waits until all of some events is recorded.
func (r *rig) idle(events ...string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		for _, e := range events {
			if r.Extend(e, noon.Add(-time.Hour)) {
				return false
			}
		}
		open := slices.ContainsFunc(r.files(), func(f string) bool { return strings.HasSuffix(f, ".part") })
		return !open && r.Stats().State == recording.Idle
	}, patience, time.Millisecond)
}

// files returns the names of all recordings, by time.
func (r *rig) files() (names []string) { return files(r.t, r.dir) }

func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != ".lock" {
			names = append(names, d.Name())
		}
		return nil // a folder may go while we look
	}))
	return names
}

// starts returns when the GOPs in a range began, read from the library.
func starts(t testing.TB, l *recording.Library, from, to time.Time) (out []time.Time) {
	t.Helper()
	for g, err := range l.GOPs(t.Context(), "home.door", from, to) {
		require.NoError(t, err)
		out = append(out, time.UnixMilli(g.Start).UTC())
	}
	return out
}

func all(t testing.TB, l *recording.Library) []time.Time {
	return starts(t, l, time.UnixMilli(0), noon.Add(1000*time.Hour))
}

func after(seconds float64) time.Time {
	return noon.Add(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

// at are seconds after noon.
func at(seconds ...int) (out []time.Time) {
	for _, s := range seconds {
		out = append(out, after(float64(s)))
	}
	return out
}

func span(from, to int) (out []int) {
	for s := from; s <= to; s++ {
		out = append(out, s)
	}
	return out
}
