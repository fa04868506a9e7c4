package backoff_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/backoff"
)

func TestDelaysDoubleUpToABound(t *testing.T) {
	b := backoff.Backoff{Min: time.Second, Max: 5 * time.Second}
	for range 2 {
		for _, about := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
			d := b.Delay()
			require.GreaterOrEqual(t, d, about/2)
			require.Less(t, d, about*3/2)
		}
		require.Equal(t, 5, b.Tries())
		b.Reset()
	}
}

func TestJitterOfNothing(t *testing.T) { require.Zero(t, backoff.Jitter(0)) }

func TestPauseEndsWithTheContext(t *testing.T) {
	backoff.Pause(t.Context(), time.Nanosecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	backoff.Pause(ctx, 24*time.Hour)
}
