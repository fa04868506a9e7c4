package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func TestRecordingCommands(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var length time.Duration
	stream, fault := "home.door", error(nil)
	r := Recordings{
		Record: func(_ context.Context, camera string, l time.Duration) (Recording, error) {
			length = l
			if fault != nil {
				return Recording{}, fault
			}
			require.Equal(t, "home.door", camera)
			return Recording{Stream: stream, From: from, To: from.Add(l)}, nil
		},
		Stop: func(context.Context, string) (Recording, error) {
			return Recording{Stream: stream, From: from, To: from.Add(time.Second)}, nil
		},
	}
	record, stop := r.RecordHandler(), r.StopHandler()
	for _, c := range []struct {
		seconds any
		want    time.Duration // 0: rejected
	}{
		{nil, time.Minute}, {90.0, 90 * time.Second}, {1.5, 1500 * time.Millisecond}, {"120", 2 * time.Minute}, {json.Number("3600"), time.Hour},
		{0.5, 0}, {3601.0, 0}, {-1.0, 0}, {"soon", 0}, {"NaN", 0}, {true, 0}, {map[string]any{}, 0},
	} {
		args := map[string]any{}
		if c.seconds != nil {
			args["seconds"] = c.seconds
		}
		length = 0
		result, err := record(t.Context(), event.Command{Camera: "home.door", Args: args})
		require.Equal(t, c.want, length, "%v", c.seconds)
		if c.want == 0 {
			require.ErrorIs(t, err, ErrRejected, "%v", c.seconds)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, map[string]any{"stream": "home.door", "from": "2026-11-21T12:00:00.000Z", "to": event.At(from.Add(c.want)).String()}, result)
	}
	result, err := stop(t.Context(), event.Command{Camera: "home.door"})
	require.NoError(t, err)
	require.Equal(t, "2026-11-21T12:00:01.000Z", result["to"])
	stream = ""
	result, err = stop(t.Context(), event.Command{Camera: "home.door"})
	require.NoError(t, err)
	require.NotContains(t, result, "stream")
	fault = fmt.Errorf("%w: because", ErrRejected)
	result, err = record(t.Context(), event.Command{Camera: "home.door"})
	require.ErrorIs(t, err, fault)
	require.Nil(t, result)
	require.False(t, errors.Is(err, ErrUnsupported))
}
