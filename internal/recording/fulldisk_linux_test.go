package recording_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/childtest"
	"porchlight/internal/recording"
)

// endure records while the disk fills up, makes room and goes on: the camera
// never waits, and what was recorded stays.
func endure(t *testing.T, dir string, makeRoom func()) {
	r := &rig{camera: newCamera(t), dir: dir, log: &lines{}}
	r.library = openLibrary(t, dir, r.log, func(c *recording.LibraryConfig) { c.MinFree = 1 }) // no guard
	r.size = 4000
	r.record(always)
	seconds := 0
	for r.Stats().State != recording.Full {
		require.Less(t, seconds, 200)
		r.seconds(1)
		seconds++
		want := r.now.Add(-1100 * time.Millisecond)
		require.Eventually(t, func() bool {
			s := r.Stats()
			return s.State == recording.Full || !s.Safe.Before(want)
		}, patience, time.Millisecond)
	}
	require.Equal(t, 1, r.log.count("recording has stopped"))
	safe := r.Stats().Safe
	before := starts(t, r.library, noon, safe)
	require.NotEmpty(t, before)

	makeRoom()
	for range 30 {
		r.seconds(1)
	}
	require.Eventually(t, func() bool { return r.Stats().State == recording.Recording }, patience, time.Millisecond)
	r.seconds(3)
	r.safe(r.now.Add(-1100 * time.Millisecond))
	r.stop()
	require.Equal(t, before, starts(t, r.library, noon, safe))
	require.Positive(t, r.Stats().Lost, "and it says so")
	again := openAgain(t, r)
	require.Equal(t, before, starts(t, again, noon, safe))
	require.Greater(t, len(all(t, again)), len(before)+10)
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
	limit(500 << 10)
	endure(t, dir, func() { limit(1 << 40) })
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
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skip("cannot mount: ", err)
	}
	other := filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, make([]byte, 7<<20), 0o600))
	endure(t, dir, func() { require.NoError(t, os.Remove(other)) })
}

// TestFaultyDisk: recording stops where folders cannot be made, and goes on
// where they can again.
func TestFaultyDisk(t *testing.T) {
	dir := t.TempDir()
	r := &rig{camera: newCamera(t), dir: dir, log: &lines{}}
	r.library = openLibrary(t, dir, r.log, nil)
	blocker := filepath.Join(dir, "home.door")
	require.NoError(t, os.WriteFile(blocker, nil, 0o600))
	r.record(always)
	r.seconds(3)
	require.Eventually(t, func() bool { return r.Stats().State == recording.Faulty }, patience, time.Millisecond)
	require.Error(t, r.Stats().Err)
	require.NoError(t, os.Remove(blocker))
	r.safe(after(1.9))
	r.stop()
	require.Equal(t, at(0, 1, 2), all(t, r.library), "memory has bridged it")
	require.Zero(t, r.Stats().Lost)
}
