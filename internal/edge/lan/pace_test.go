package lan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPace(t *testing.T) {
	now := time.Now()
	p := newPace(now)
	require.Zero(t, p.spend(now, packetsAtOnce))
	require.Equal(t, time.Second, p.spend(now, packetsPerSecond))
	require.Zero(t, p.spend(now.Add(2*time.Second), packetsPerSecond), "two seconds pay the debt and one more")
	require.Zero(t, p.spend(now.Add(time.Hour), packetsAtOnce))
	require.NotZero(t, p.spend(now.Add(time.Hour), 1), "no more is saved up than can be spent at once")
}
