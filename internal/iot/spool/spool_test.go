package spool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"porchlight/internal/iot/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string, edit func(*spool.Config)) *spool.Spool {
	t.Helper()
	cfg := spool.Config{Path: path, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&cfg)
	}
	s, err := spool.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// drain sends until want records have been taken.
func drain(t *testing.T, s *spool.Spool, want int) (names []string) {
	t.Helper()
	if want == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Drain(ctx, func(_ context.Context, r spool.Record) error {
		if len(names) == want {
			return errors.New("more than wanted")
		}
		names = append(names, r.Name+"="+string(r.Payload))
		if len(names) == want {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	return names
}

func TestInOrderAcrossRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	var want []string
	s := open(t, path, nil)
	for i := range 500 {
		require.NoError(t, s.Put("topic", fmt.Append(nil, i)))
		want = append(want, fmt.Sprintf("topic=%d", i))
	}
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Put("late", nil), spool.ErrClosed)

	s = open(t, path, nil)
	require.Equal(t, 500, s.Stats().Depth)
	got := drain(t, s, 200)
	require.NoError(t, s.Close())
	s = open(t, path, nil)
	require.Equal(t, want, append(got, drain(t, s, 300)...))
	require.Zero(t, s.Stats().Depth)
	require.Zero(t, s.Stats().Bytes)
	require.Zero(t, s.Stats().Dropped)
}

func TestTriesUntilTaken(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s"), nil)
	require.NoError(t, s.Put("a", nil))
	require.NoError(t, s.Put("b", nil))
	ctx, cancel := context.WithCancel(t.Context())
	var tried []string
	err := s.Drain(ctx, func(_ context.Context, r spool.Record) error {
		tried = append(tried, r.Name)
		switch len(tried) {
		case 1, 2:
			return errors.New("offline")
		case 4:
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"a", "a", "a", "b"}, tried)
}

func TestBoundByBytes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s"), func(c *spool.Config) { c.MaxBytes = 64 << 10 })
	for i := range 500 {
		require.NoError(t, s.Put(fmt.Sprint(i), make([]byte, 1000)))
	}
	stats := s.Stats()
	require.LessOrEqual(t, stats.Bytes, int64(64<<10))
	require.Equal(t, int64(500), int64(stats.Depth)+stats.Dropped)
	require.Equal(t, stats.Full, stats.Dropped)
	got := drain(t, s, stats.Depth)
	require.True(t, strings.HasPrefix(got[len(got)-1], "499="), "the newest are kept")
}

func TestBoundByAge(t *testing.T) {
	now := time.Now()
	s := open(t, filepath.Join(t.TempDir(), "s"), func(c *spool.Config) {
		c.MaxAge, c.Now = time.Hour, func() time.Time { return now }
	})
	require.NoError(t, s.Put("old", nil))
	now = now.Add(2 * time.Hour)
	require.NoError(t, s.Put("new", nil))
	require.Equal(t, []string{"new="}, drain(t, s, 1))
	require.Equal(t, spool.Stats{Dropped: 1, Old: 1}, s.Stats())
}

// One record that cannot be read must not hold up those after it.
func TestDamagedRecordIsDroppedAndCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := open(t, path, nil)
	require.NoError(t, s.Put("bad", nil))
	require.NoError(t, s.Put("good", nil))
	require.NoError(t, s.Close())
	db, err := bolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("records")).Put([]byte{0, 0, 0, 0, 0, 0, 0, 1}, []byte("{"))
	}))
	require.NoError(t, db.Close())

	s = open(t, path, nil)
	require.Equal(t, []string{"good="}, drain(t, s, 1))
	require.Equal(t, spool.Stats{Dropped: 1, Damaged: 1}, s.Stats())
}

func TestDamagedFileIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	garbage := []byte(strings.Repeat("not a spool ", 4096))
	require.NoError(t, os.WriteFile(path, garbage, 0o600))
	s := open(t, path, nil)
	require.NoError(t, s.Put("a", nil))
	require.Equal(t, []string{"a="}, drain(t, s, 1))
	aside, err := os.ReadFile(path + ".damaged")
	require.NoError(t, err)
	require.Equal(t, garbage, aside)
}

func TestWhatABoardWithoutAClockRecordedIsKept(t *testing.T) {
	now := time.Unix(60, 0)
	s := open(t, filepath.Join(t.TempDir(), "s"), func(c *spool.Config) { c.Now = func() time.Time { return now } })
	require.NoError(t, s.Put("early", nil))
	now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []string{"early="}, drain(t, s, 1))
}

func TestTwoProcessesCannotShareIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	open(t, path, nil)
	_, err := spool.Open(spool.Config{Path: path, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "another process")
}
