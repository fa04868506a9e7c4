package event_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

// Of many cameras it is said first what is wrong with their video.
func TestTelemetryOfManyCameras(t *testing.T) {
	t.Parallel()
	many := event.Telemetry{At: event.At(time.Now()), Version: "1.2.3"}
	for i := range 32 {
		c := event.CameraTelemetry{Camera: fmt.Sprintf("home.cam-%d", i), FPS: 5, Frames: 1e5, Inferences: 1e4, Decoded: 1e5, Video: &event.VideoTelemetry{
			Record: "recording", DiskBytes: 1e10, Upload: "sending", UploadBytes: 1e9, Sent: 1e5, Persisted: 1e5,
		}, Live: &event.LiveTelemetry{Signaling: "connected", Joined: 20}}
		switch i {
		case 3:
			c.Video.Record = "full"
		case 5:
			c.Video.Upload = "over"
		case 7:
			c.Video.UploadLost = 1
		case 9:
			c.Live.Signaling = "connecting"
		case 11:
			c.Live.Viewers = 2
		}
		many.Cameras = append(many.Cameras, c)
	}
	few := many
	few.Cameras = many.Cameras[:4]
	payload, err := few.Marshal()
	require.NoError(t, err)
	var sent event.Telemetry
	require.NoError(t, json.Unmarshal(payload, &sent))
	require.Equal(t, few.Cameras, sent.Cameras)
	require.False(t, sent.Truncated)

	payload, err = many.Marshal()
	require.NoError(t, err)
	require.LessOrEqual(t, len(payload), event.MaxPayload)
	sent = event.Telemetry{}
	require.NoError(t, json.Unmarshal(payload, &sent))
	require.Len(t, sent.Cameras, 32)
	require.True(t, sent.Truncated)
	for i, c := range sent.Cameras {
		require.Equal(t, i == 3 || i == 5 || i == 7, c.Video != nil, c.Camera)
		require.Equal(t, i == 9 || i == 11, c.Live != nil, c.Camera)
	}
	require.NotNil(t, many.Cameras[0].Video, "what was given is not changed")
}
