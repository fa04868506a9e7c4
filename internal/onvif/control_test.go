package onvif

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/onvif/simulator"
)

// patience bounds waits that end early when all is well.
const patience = 30 * time.Second

func TestRequestKeyframe(t *testing.T) {
	cfg := porch()
	cam := start(t, cfg)
	now := time.Now()
	d, err := Connect(t.Context(), Config{
		Address: cam.Host(), User: cfg.User, Password: cfg.Password, Timeout: patience, Log: discard(), now: func() time.Time { return now },
	})
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.RequestKeyframe(t.Context(), "main"))
	require.NoError(t, d.RequestKeyframe(t.Context(), "main"), "within the second")
	require.NoError(t, d.RequestKeyframe(t.Context(), "sub"))
	now = now.Add(time.Second)
	require.NoError(t, d.RequestKeyframe(t.Context(), "main"))
	require.Equal(t, []string{"main", "sub", "main"}, cam.Keyframes())
}

func TestRequestKeyframeNotKnown(t *testing.T) {
	cfg := porch()
	cfg.Answer = func(operation string, good []byte) []byte {
		if operation == "SetSynchronizationPoint" {
			return []byte(`<Envelope><Body><Fault><Code><Value>s:Receiver</Value><Subcode><Value>ter:ActionNotSupported</Value></Subcode></Code>` +
				`<Reason><Text>no</Text></Reason></Fault></Body></Envelope>`)
		}
		return good
	}
	err := signIn(t, start(t, cfg), cfg).RequestKeyframe(t.Context(), "main")
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "SetSynchronizationPoint: no (ter:ActionNotSupported)")
}

func TestMoveAndStop(t *testing.T) {
	cfg := porch()
	cam := start(t, cfg)
	d := signIn(t, cam, cfg)
	require.NoError(t, d.Move(t.Context(), "main", Velocity{Pan: 0.5}, 1500*time.Millisecond))
	require.NoError(t, d.Move(t.Context(), "main", Velocity{Tilt: -7, Zoom: 0.25}, time.Hour))
	require.NoError(t, d.Move(t.Context(), "main", Velocity{Pan: math.NaN(), Tilt: 1}, 5*time.Second))
	require.NoError(t, d.Move(t.Context(), "main", Velocity{}, time.Second))
	require.NoError(t, d.Stop(t.Context(), "main"))
	require.Equal(t, []simulator.Move{
		{Profile: "main", Pan: 0.5, Timeout: "PT1.5S"},
		{Profile: "main", Tilt: -1, Zoom: 0.25, Timeout: "PT10S"},
		{Profile: "main", Tilt: 1, Timeout: "PT5S"},
		{Profile: "main", Stop: true},
		{Profile: "main", Stop: true},
	}, cam.Moves())
}

func TestALostStopEndsByItself(t *testing.T) {
	cfg := porch()
	cam := start(t, cfg)
	d := signIn(t, cam, cfg)
	require.NoError(t, d.Move(t.Context(), "main", Velocity{Pan: 1}, time.Millisecond))
	require.Eventually(t, func() bool {
		moves := cam.Moves()
		return len(moves) > 1 && moves[len(moves)-1].Stop
	}, patience, 10*time.Millisecond)
	require.Equal(t, "PT0.1S", cam.Moves()[0].Timeout, "the camera is told too")
}

func TestCloseStopsWhatMoves(t *testing.T) {
	cfg := porch()
	cam := start(t, cfg)
	d := signIn(t, cam, cfg)
	require.NoError(t, d.Move(t.Context(), "main", Velocity{Zoom: 1}, maxMove))
	d.Close()
	moves := cam.Moves()
	require.True(t, moves[len(moves)-1].Stop)
	require.ErrorIs(t, d.Move(t.Context(), "main", Velocity{Zoom: 1}, maxMove), ErrUnreachable)
	require.Len(t, cam.Moves(), len(moves))
}
