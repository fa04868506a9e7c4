package slot_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update/slot"
)

func newSlot(t *testing.T) (slot.Slot, string) {
	path := filepath.Join(t.TempDir(), "update", "slot.json")
	return slot.At(path), path
}

func read(t *testing.T, s slot.Slot) slot.Choice {
	t.Helper()
	c, err := s.Read()
	require.NoError(t, err)
	return c
}

func TestVersionProvesItself(t *testing.T) {
	s, _ := newSlot(t)
	require.Equal(t, slot.Choice{}, read(t, s))
	require.NoError(t, s.Try("v1", "job", "base"))
	c, err := s.Start("base")
	require.NoError(t, err)
	require.Equal(t, slot.Choice{Current: "v1", Trial: true, Starts: 1, Owner: "job", Basis: "base"}, c)
	require.NoError(t, s.Try("v1", "job", "base"))
	require.Equal(t, c, read(t, s), "the same trial goes on")
	require.NoError(t, s.Confirm("v1"))
	for range 5 {
		c, err = s.Start("base")
		require.NoError(t, err)
		require.Equal(t, slot.Choice{Current: "v1", Owner: "job", Basis: "base"}, c)
	}
	require.NoError(t, s.Revert("v1", "too late"))
	require.Equal(t, "v1", read(t, s).Current, "it has proved itself")
	require.NoError(t, s.Try("v2", "job2", "base"))
	require.NoError(t, s.Revert("v2", "no good"))
	require.Equal(t, slot.Choice{Current: "v1", Owner: "job2", Basis: "base", Failed: "v2", Reason: "no good"}, read(t, s))
	require.ErrorIs(t, s.Confirm("v2"), slot.ErrNotCurrent)
}

func TestVersionHasTwoStarts(t *testing.T) {
	s, _ := newSlot(t)
	require.NoError(t, s.Try("v1", "job", "base"))
	for range slot.MostStarts {
		c, err := s.Start("base")
		require.NoError(t, err)
		require.Equal(t, "v1", c.Current)
	}
	c, err := s.Start("base")
	require.NoError(t, err)
	require.Equal(t, slot.Choice{Owner: "job", Basis: "base", Failed: "v1", Reason: "it did not prove itself in 2 starts of the program"}, c)
}

func TestATrialIsNothingToGoBackTo(t *testing.T) {
	s, _ := newSlot(t)
	require.NoError(t, s.Try("v1", "a", ""))
	require.NoError(t, s.Confirm("v1"))
	require.NoError(t, s.Try("v2", "b", ""))
	require.NoError(t, s.Try("v3", "c", ""))
	require.Equal(t, "v1", read(t, s).Previous)
	require.NoError(t, s.Try("v3", "d", ""))
	require.Equal(t, slot.Choice{Current: "v3", Previous: "v1", Trial: true, Owner: "d"}, read(t, s))
	require.NoError(t, s.Confirm("v3"))
	require.NoError(t, s.Drop("v1", "its files are gone"))
	require.Empty(t, read(t, s).Previous)
	require.NoError(t, s.Drop("v3", "its files are gone"))
	require.Empty(t, read(t, s).Current)
}

// Who installs something else with the device means it to be used.
func TestAnotherBasis(t *testing.T) {
	s, _ := newSlot(t)
	require.NoError(t, s.Try("v1", "job", "base"))
	require.NoError(t, s.Confirm("v1"))
	c, err := s.Start("newer base")
	require.NoError(t, err)
	require.Empty(t, c.Current)
	require.Equal(t, "v1", c.Failed)
}

func TestDamagedFile(t *testing.T) {
	s, path := newSlot(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(`{"current":"v1`), 0o600))
	c, err := s.Start("base")
	require.NoError(t, err)
	require.Equal(t, slot.Choice{}, c)
	require.NoError(t, s.Try("v1", "job", "base"))
	require.Equal(t, "v1", read(t, s).Current)
}
