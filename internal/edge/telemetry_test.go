package edge

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/sensors"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/iot/spool"
	"porchlight/internal/pipeline"
)

func TestMeter(t *testing.T) {
	u, counted := testUplink(t, t.TempDir()), &tally{}
	require.NoError(t, u.Put("porchlight/v1/home/replies", []byte("{}")))
	start := time.Now()
	m := &meter{
		version: "1", stateDir: t.TempDir(), tally: counted, born: start, spools: map[string]*spool.Spool{"events": u.events},
		sensors: func() []sensors.Status {
			return []sensors.Status{{Sensor: event.Sensor{Name: "gate"}, Available: true, LastSeen: start}}
		},
		session: func() iot.Stats { return iot.Stats{Connects: 3, Dropped: 2, CertificateExpires: start.Add(time.Hour)} },
	}
	counted.count("home.door", pipeline.Stats{Frames: 100, Inferences: 4}, 50, 7)
	first := m.read(start)
	require.Zero(t, first.Cameras[0].FPS, "there is nothing to compare with")
	counted.count("home.door", pipeline.Stats{Frames: 400, Inferences: 9, Events: 1}, 90, 9)
	second := m.read(start.Add(time.Minute))
	require.Equal(t, event.CameraTelemetry{
		Camera: "home.door", FPS: 5, Frames: 400, Inferences: 9, Events: 1, Decoded: 90, Spared: 9,
	}, second.Cameras[0])
	require.Equal(t, 60.0, second.Uptime)
	require.EqualValues(t, 2, second.Reconnects)
	require.EqualValues(t, 2, second.Unheard)
	require.Equal(t, 1, second.Spools[0].Depth)
	require.Positive(t, second.Spools[0].Bytes)
	require.Positive(t, second.Memory)
	require.Positive(t, second.DiskFree)
	require.NotNil(t, second.Certificate)
	require.True(t, second.Sensors[0].Available)
	require.NotNil(t, second.Sensors[0].Seen)
	counted.forget("home.door")
	require.Empty(t, m.read(start.Add(2*time.Minute)).Cameras)

	for i := range 32 {
		counted.count(fmt.Sprintf("home.a-camera-with-a-rather-long-name-%d", i), pipeline.Stats{Frames: 1e9}, 1e9, 1e9)
	}
	payload, err := m.read(start.Add(3 * time.Minute)).Marshal()
	require.NoError(t, err)
	require.LessOrEqual(t, len(payload), event.MaxPayload)
	var sent event.Telemetry
	require.NoError(t, json.Unmarshal(payload, &sent))
	require.True(t, sent.Truncated)
	require.NotEmpty(t, sent.Cameras)
}
