package spool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/iot/spool"
)

// lines is a log that counts its lines.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) with(part string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func (l *lines) into(c *spool.Config) { c.Log = slog.New(slog.NewTextHandler(l, nil)) }

// refuse puts records in and has those called poison refused; one more follows.
func refuse(t *testing.T, s *spool.Spool, payloads ...[]byte) {
	t.Helper()
	for _, p := range payloads {
		require.NoError(t, s.Put("poison", p))
	}
	require.NoError(t, s.Put("last", nil))
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Drain(ctx, func(_ context.Context, r spool.Record) error {
		if r.Name == "poison" {
			return fmt.Errorf("not authorized: %w", spool.ErrRefused)
		}
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRefusedIsSetAsideAndCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := open(t, path, nil)
	refuse(t, s, []byte("bad"))
	require.Equal(t, spool.Stats{Dropped: 1, Refused: 1, SetAside: 1}, s.Stats())
	require.NoError(t, s.Close())
	_, err := s.Refused()
	require.ErrorIs(t, err, spool.ErrClosed)

	s = open(t, path, nil)
	aside, err := s.Refused()
	require.NoError(t, err)
	require.Len(t, aside, 1)
	require.Equal(t, "poison", aside[0].Name)
	require.Equal(t, "bad", string(aside[0].Payload))
	require.Contains(t, aside[0].Reason, "not authorized")
	require.False(t, aside[0].Since.Before(aside[0].At))
	require.Equal(t, spool.Stats{SetAside: 1}, s.Stats())
}

func TestWhatIsSetAsideIsBounded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s"), func(c *spool.Config) { c.MaxBytes = 1 << 20 })
	var many [][]byte
	for i := range 120 {
		many = append(many, fmt.Append(nil, i))
	}
	refuse(t, s, many...)
	aside, err := s.Refused()
	require.NoError(t, err)
	require.Len(t, aside, 100)
	require.Equal(t, "20", string(aside[0].Payload), "the oldest go")
	require.Equal(t, 100, s.Stats().SetAside)
	require.EqualValues(t, 120, s.Stats().Refused)

	refuse(t, s, make([]byte, 100<<10), make([]byte, 100<<10), make([]byte, 1000))
	aside, err = s.Refused()
	require.NoError(t, err)
	require.Len(t, aside, 2, "a quarter of the bound, and the encoding counts")
	refuse(t, s, make([]byte, 300<<10))
	require.Zero(t, s.Stats().SetAside, "what is too large for it goes at once")
	require.Zero(t, s.Stats().Depth)
}

// A peer whose window is full is tried again soon, without a line for each try.
func TestBusyPeerSetsThePace(t *testing.T) {
	log := &lines{}
	s := open(t, filepath.Join(t.TempDir(), "s"), log.into)
	for i := range 3 {
		require.NoError(t, s.Put(fmt.Sprint(i), nil))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var tried []string
	err := s.Drain(ctx, func(_ context.Context, r spool.Record) error {
		tried = append(tried, r.Name)
		switch len(tried) {
		case 1, 2, 4:
			return fmt.Errorf("window of 10: %w", spool.ErrBusy)
		case 6:
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"0", "0", "0", "1", "1", "2"}, tried)
	require.Zero(t, log.with("try again"))
	require.Equal(t, spool.Stats{}, s.Stats())
}

func TestTheSameFaultIsSaidOnce(t *testing.T) {
	log := &lines{}
	s := open(t, filepath.Join(t.TempDir(), "s"), log.into)
	require.NoError(t, s.Put("a", nil))
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := s.Drain(ctx, func(context.Context, spool.Record) error {
		switch tries++; tries {
		case 1, 2:
			return errors.New("offline")
		case 3:
			return errors.New("no bucket")
		}
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, log.with("offline"))
	require.Equal(t, 1, log.with("no bucket"))
	require.Equal(t, 1, log.with("sending goes on"))
}
