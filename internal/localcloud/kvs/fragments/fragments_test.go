package fragments_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
)

const arn = "arn:aws:kinesisvideo:us-east-1:000000000000:stream/porch/1"

var header = &mkv.Header{TimecodeScale: 1_000_000, Tracks: []mkv.Track{{Number: 1, Type: mkv.Video, CodecID: "V"}},
	RawTracks: []byte{0xAE, 0x86, 0xD7, 0x81, 1, 0x86, 0x81, 'V'}}

// clock is set by the test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, dir string, change func(*fragments.Config)) *fragments.Store {
	t.Helper()
	cfg := fragments.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	s, err := fragments.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func stream(hours int) fragments.Stream {
	return fragments.Stream{Name: "porch", ARN: arn, RetentionHours: hours}
}

// add stores a fragment of about size bytes.
func add(s *fragments.Store, of fragments.Stream, producer time.Time, size int) (fragments.Fragment, error) {
	w, err := s.Begin(of, header, fragments.Fragment{Producer: producer})
	if err != nil {
		return fragments.Fragment{}, err
	}
	if err := w.Block(1, 0, true, make([]byte, size)); err != nil {
		return fragments.Fragment{}, err
	}
	return w.Commit(2*time.Second, true)
}

func files(t *testing.T, dir string) (found []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	return all
}

func TestRetentionEnds(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), &clock{at: time.Now().Truncate(time.Millisecond)}
	s := open(t, dir, func(cfg *fragments.Config) { cfg.Now = c.now })
	_, err := s.Create(stream(2))
	require.NoError(t, err)
	for range 3 {
		_, err := add(s, stream(2), c.now(), 1000)
		require.NoError(t, err)
		c.add(time.Hour)
	}
	found, err := s.Find(fragments.Query{ARN: arn})
	require.NoError(t, err)
	require.Len(t, found, 2, "what has expired is not found, removed or not")
	removed, err := s.Sweep()
	require.NoError(t, err)
	require.Equal(t, 1, removed)
	require.Len(t, files(t, dir), 2)
	require.Equal(t, found[0].Bytes+found[1].Bytes, s.Bytes())
	c.add(24 * time.Hour)
	removed, err = s.Sweep()
	require.NoError(t, err)
	require.Equal(t, 2, removed)
	require.Empty(t, files(t, dir))
	require.Zero(t, s.Bytes())
}

func TestFullStoreDropsTheOldestOfAllStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var logs bytes.Buffer
	s := open(t, dir, func(cfg *fragments.Config) {
		cfg.MaxBytes, cfg.Logger = 100_000, slog.New(slog.NewTextHandler(&logs, nil))
	})
	other := stream(24)
	other.Name, other.ARN = "attic", strings.Replace(arn, "porch", "attic", 1)
	for _, of := range []fragments.Stream{stream(24), other} {
		_, err := s.Create(of)
		require.NoError(t, err)
	}
	var newest fragments.Fragment
	for i := range 40 {
		of := []fragments.Stream{stream(24), other}[i%2]
		var err error
		newest, err = add(s, of, time.Now(), 10_000)
		require.NoError(t, err)
		require.LessOrEqual(t, s.Bytes(), int64(100_000))
	}
	kept, err := s.Latest(other.ARN, fragments.ServerTime, 1, false)
	require.NoError(t, err)
	require.Equal(t, newest.Number, kept[0].Number)
	require.LessOrEqual(t, len(files(t, dir)), 10)
	require.GreaterOrEqual(t, len(files(t, dir)), 7)
	require.Contains(t, logs.String(), "video storage is full")
	require.Equal(t, 1, strings.Count(logs.String(), "video storage is full"), "said once")
}

func TestOutOfOrderAndOverlapping(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	_, err := s.Create(stream(24))
	require.NoError(t, err)
	t0 := time.UnixMilli(1_700_000_000_000).UTC()
	for _, at := range []int{4, 0, 2, -100_000} { // one before the others were, and one long ago
		_, err := add(s, stream(24), t0.Add(time.Duration(at)*time.Second), 10)
		require.NoError(t, err)
	}
	starts := func(q fragments.Query) (seconds []int) {
		q.ARN = arn
		found, err := s.Find(q)
		require.NoError(t, err)
		for _, f := range found {
			seconds = append(seconds, int(f.Producer.Sub(t0).Seconds()))
		}
		return seconds
	}
	require.Equal(t, []int{-100_000, 0, 2, 4}, starts(fragments.Query{Clock: fragments.ProducerTime}))
	require.Equal(t, []int{4, 0, 2, -100_000}, starts(fragments.Query{Clock: fragments.ServerTime}))
	require.Equal(t, []int{4}, starts(fragments.Query{From: t0.Add(3 * time.Second)}))
	require.Equal(t, []int{2, 4}, starts(fragments.Query{From: t0.Add(3 * time.Second), Overlapping: true}))
	require.Equal(t, []int{0, 2}, starts(fragments.Query{From: t0, To: t0.Add(2 * time.Second)}))
}

func TestUploadToDeletedStreamIsNotStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	_, err := s.Create(stream(1))
	require.NoError(t, err)
	w, err := s.Begin(stream(1), header, fragments.Fragment{Producer: time.Now()})
	require.NoError(t, err)
	require.NoError(t, w.Block(1, 0, true, []byte("x")))
	changed := s.Changed(arn)
	require.NoError(t, s.Delete("porch", ""))
	<-changed
	_, err = w.Commit(time.Second, false)
	require.Error(t, err)
	require.Empty(t, files(t, dir))
	require.Zero(t, s.Bytes())
}

// crashDir tells the test binary to be the process that is killed.
const crashDir = "PORCHLIGHT_TEST_CRASH_DIR"

func TestKillLosesNothingCommitted(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		storeUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKillLosesNothingCommitted$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	var committed []string
	for lines := bufio.NewScanner(out); len(committed) < 25 && lines.Scan(); {
		if number, ok := strings.CutPrefix(lines.Text(), "stored "); ok {
			committed = append(committed, number)
		}
	}
	require.NoError(t, child.Process.Kill()) // SIGKILL, while the child goes on writing
	_ = child.Wait()
	require.Len(t, committed, 25)

	s := open(t, dir, nil)
	arns, _, err := s.Work(1000)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(arns), 25, "what is to be done with them is known too")
	for _, number := range committed {
		f, err := s.Get(arn, number)
		require.NoError(t, err)
		info, err := os.Stat(s.Path(arn, f))
		require.NoError(t, err)
		require.Equal(t, f.Bytes, info.Size())
	}
	all, err := s.Find(fragments.Query{ARN: arn})
	require.NoError(t, err)
	require.Len(t, files(t, dir), len(all), "nothing half done is left")
	next, err := add(s, stream(1), time.Now(), 1)
	require.NoError(t, err)
	require.Greater(t, next.Number, all[len(all)-1].Number)
	require.Equal(t, all[len(all)-1].Ordinal+1, next.Ordinal)
}

func storeUntilKilled(t *testing.T, dir string) {
	s := open(t, dir, nil)
	_, err := s.Create(stream(1))
	require.NoError(t, err)
	for {
		f, err := add(s, stream(1), time.Now(), 100_000)
		require.NoError(t, err)
		_, _ = fmt.Fprintln(os.Stdout, "stored "+f.Number)
	}
}
