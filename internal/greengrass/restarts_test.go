package greengrass_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass"
)

func TestThirdExitWithinAnHourWaits(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	r := greengrass.Restarts{File: filepath.Join(t.TempDir(), "exits"), Now: func() time.Time { return now }}
	delay := func() time.Duration {
		d, err := r.Delay()
		require.NoError(t, err)
		return d
	}
	require.Zero(t, delay())
	require.NoError(t, r.AwaitExit(t.Context()))
	now = now.Add(10 * time.Minute)
	require.NoError(t, r.AwaitExit(t.Context()))

	require.Equal(t, 50*time.Minute, delay())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.AwaitExit(ctx), context.Canceled)
	now = now.Add(20 * time.Minute)
	require.Equal(t, 30*time.Minute, delay())
	now = now.Add(30 * time.Minute)
	require.Zero(t, delay())
	require.NoError(t, r.AwaitExit(t.Context()))
	require.Equal(t, 10*time.Minute, delay(), "the second exit still counts")
}

func TestExitsThatCannotBeKnown(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "exits")
	r := greengrass.Restarts{File: file, Now: func() time.Time { return now }}
	require.NoError(t, os.WriteFile(file, []byte("[cut off"), 0o600))
	delay, err := r.Delay()
	require.NoError(t, err)
	require.Equal(t, time.Hour, delay, "better too long than broken")

	require.NoError(t, os.Remove(file))
	require.NoError(t, r.AwaitExit(t.Context()))
	require.NoError(t, r.AwaitExit(t.Context()))
	now = now.Add(-24 * time.Hour)
	delay, err = r.Delay()
	require.NoError(t, err)
	require.Zero(t, delay, "the clock was set back")

	r.File = filepath.Join(file, "in a file")
	_, err = r.Delay()
	require.Error(t, err)
	require.Error(t, r.AwaitExit(t.Context()))
	r.File = filepath.Join(t.TempDir(), "none", "exits")
	require.Error(t, r.AwaitExit(t.Context()))
}
