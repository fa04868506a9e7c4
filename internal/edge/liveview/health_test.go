package liveview

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/kvs/signaling"
)

// What is wrong is said when it lasts, once, and so is its end.
func TestHealth(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var h health
	connecting := signaling.Stats{State: signaling.Connecting, Fault: fmt.Errorf("%w: no network", signaling.ErrConnection)}
	silent := func(s signaling.Stats, after time.Duration) {
		t.Helper()
		_, changed := h.judge(s, now.Add(after))
		require.False(t, changed)
	}
	silent(signaling.Stats{State: signaling.Connecting}, 0)
	silent(connecting, time.Second)
	silent(signaling.Stats{State: signaling.Connected}, patience)
	silent(connecting, 2*patience)
	silent(connecting, 3*patience-time.Second)
	message, changed := h.judge(connecting, now.Add(3*patience))
	require.True(t, changed)
	require.Equal(t, "cannot be watched live: signaling was interrupted: no network", message)
	silent(connecting, 4*patience)
	message, changed = h.judge(signaling.Stats{State: signaling.Connected}, now.Add(5*patience))
	require.True(t, changed)
	require.Empty(t, message)

	taken := signaling.Stats{State: signaling.StandingBy, Fault: signaling.ErrReplaced}
	silent(taken, 6*patience)
	message, _ = h.judge(taken, now.Add(6*patience+gravePatience))
	require.Contains(t, message, "another connection has taken this one's place")
	silent(taken, 7*patience)

	h = health{since: now.Add(time.Hour)} // and then the clock was set back
	silent(connecting, 0)
	require.Equal(t, now, h.since)
}
