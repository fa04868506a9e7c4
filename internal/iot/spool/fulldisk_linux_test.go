package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/childtest"
	"porchlight/internal/iot/spool"
)

// endure puts records in while the disk fills up, sends some, makes room and
// goes on: nothing is lost, all is in order, and in the end all is on disk.
func endure(t *testing.T, path string, makeRoom func()) {
	const before, after = 40, 10
	payload := make([]byte, 10<<10)
	log := &lines{}
	s := open(t, path, log.into)
	put := func(i int) error { return s.Put(fmt.Sprint(i), payload) }
	full := 0
	for i := range before {
		if err := put(i); err != nil {
			require.ErrorContains(t, err, "free some space")
			full++
		}
	}
	require.Positive(t, full)
	require.Equal(t, full, s.Stats().InMemory)
	require.Equal(t, before, s.Stats().Depth)

	// Sending goes on, each record once, though nothing can be removed.
	var got []string
	take := func(n int) {
		for _, r := range drain(t, s, n) {
			name, _, _ := strings.Cut(r, "=")
			got = append(got, name)
		}
	}
	take(3)
	require.Equal(t, before-3, s.Stats().Depth)

	makeRoom()
	for i := range after {
		require.NoError(t, put(before+i), "there is room again")
	}
	stats := s.Stats()
	require.Zero(t, stats.InMemory)
	require.Zero(t, stats.Dropped)
	require.Equal(t, before-3+after, stats.Depth)
	require.Equal(t, 1, log.with("takes records again"))

	require.NoError(t, s.Close())
	s = open(t, path, nil)
	require.Equal(t, stats.Depth, s.Stats().Depth, "all of it is on disk")
	require.Equal(t, stats.Bytes, s.Stats().Bytes)
	take(stats.Depth)
	var want []string
	for i := range before + after {
		want = append(want, fmt.Sprint(i))
	}
	require.Equal(t, want, got)
}

// A disk is full when no file may grow.
func TestFullDiskByLimit(t *testing.T) {
	dir, child := childtest.Run(t, nil)
	if !child {
		return
	}
	limit := func(bytes uint64) {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: 1 << 40}))
	}
	path := filepath.Join(dir, "s")
	open(t, path, nil).Close()
	limit(96 << 10)
	endure(t, path, func() { limit(1 << 40) })
}

// A disk is full when others have filled it: a small file system, mounted where
// nobody else sees it.
func TestFullDiskForReal(t *testing.T) {
	dir, child := childtest.Run(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	})
	if !child {
		return
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("cannot mount: ", err)
	}
	other := filepath.Join(dir, "other")
	file, err := os.Create(other)
	require.NoError(t, err)
	defer file.Close()
	path := filepath.Join(dir, "s")
	open(t, path, nil).Close()
	block := make([]byte, 4<<10)
	for left := uint64(1); left > 0; { // to the last block but the few that the spool gets
		var disk syscall.Statfs_t
		require.NoError(t, syscall.Statfs(dir, &disk))
		if left = disk.Bavail * uint64(disk.Bsize); left <= 96<<10 {
			break
		}
		_, err := file.Write(block)
		require.NoError(t, err)
	}
	endure(t, path, func() { require.NoError(t, file.Truncate(0)) })
}

// What is removed from a spool that others leave no room for stays removed.
func TestSendingGoesOnOnAFullDisk(t *testing.T) {
	dir, child := childtest.Run(t, nil)
	if !child {
		return
	}
	limit := func(bytes uint64) {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: 1 << 40}))
	}
	path := filepath.Join(dir, "s")
	s := open(t, path, nil)
	for i := range 6 {
		require.NoError(t, s.Put(fmt.Sprint(i), []byte("x")))
	}
	limit(1) // not even in place
	require.Equal(t, []string{"0=x", "1=x", "2=x"}, drain(t, s, 3))
	require.Equal(t, 3, s.Stats().Depth)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := s.Drain(ctx, func(_ context.Context, r spool.Record) error {
		if r.Name == "3" {
			return spool.ErrRefused
		}
		cancel()
		return errors.New("enough")
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, spool.Stats{Depth: 2, Bytes: s.Stats().Bytes, Dropped: 1, Refused: 1}, s.Stats())
	limit(1 << 40)
	require.Equal(t, []string{"4=x"}, drain(t, s, 1))
	require.NoError(t, s.Close())
	s = open(t, path, nil)
	require.Equal(t, 1, s.Stats().Depth, "those in between are gone too")
	require.Equal(t, []string{"5=x"}, drain(t, s, 1))
	require.Zero(t, s.Stats().Bytes)
}
