package liveview

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live"
)

func TestTelemetry(t *testing.T) {
	t.Parallel()
	require.Equal(t, &event.LiveTelemetry{Signaling: "connecting"}, Stats{Signaling: signaling.Stats{State: signaling.Connecting}}.Telemetry())
	s := Stats{
		Signaling: signaling.Stats{State: signaling.Connected},
		Live: live.Stats{Joined: 7, Refused: 2, Dropped: 1, Viewers: []live.ViewerStats{
			{Bits: 1e6, Loss: 0.1, RTT: 20 * time.Millisecond}, {Bits: 2e6, Loss: 0.01, RTT: 90 * time.Millisecond},
		}},
		Join: live.Join{Answered: 9 * time.Millisecond, DTLS: 80 * time.Millisecond, Keyframe: 140 * time.Millisecond},
	}
	require.Equal(t, &event.LiveTelemetry{
		Signaling: "connected", Viewers: 2, Bits: 3e6, Loss: 0.1, RTT: 90, Joined: 7, Refused: 2, Dropped: 1,
		Join: &event.JoinTelemetry{Answered: 9, Connected: 80, Picture: 140},
	}, s.Telemetry())
}

// Only the newest viewers count, and of each the phases that it has reached.
func TestJoins(t *testing.T) {
	t.Parallel()
	var j joins
	require.Zero(t, j.median(nil))
	viewer := func(answered, picture time.Duration) live.ViewerStats {
		return live.ViewerStats{Join: live.Join{Answered: answered, Keyframe: picture}}
	}
	j.left(viewer(time.Hour, time.Hour))
	for range mostJoins - 3 {
		j.left(viewer(2, 0))
	}
	j.left(viewer(1, 5))
	require.Len(t, j.last, mostJoins-1)
	require.Equal(t, live.Join{Answered: 2, Keyframe: time.Hour}, j.median(nil))
	got := j.median([]live.ViewerStats{viewer(4, 6), viewer(3, 7)})
	require.Equal(t, live.Join{Answered: 2, Keyframe: 6}, got, "the oldest is forgotten")
	for range 3 * mostJoins {
		j.left(viewer(8, 8))
	}
	require.Len(t, j.last, mostJoins)
	require.Equal(t, live.Join{Answered: 8, Keyframe: 8}, j.median(nil))
}

// Without live view there is nothing that could go wrong.
func TestNothingIsShown(t *testing.T) {
	t.Parallel()
	var s *Studio
	require.Empty(t, s.All())
	require.NoError(t, s.Close())
	var w *Show
	w.Close(true)
	require.Zero(t, w.Stats())
}

func TestOneMachine(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4566": true, "http://localhost:4566": true, "http://[::1]:4566": true,
		"": false, "https://kinesisvideo.eu-west-1.amazonaws.com": false, "http://192.168.1.5:4566": false, "%": false,
	} {
		require.Equal(t, want, oneMachine(endpoint), endpoint)
	}
}
