package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLive(t *testing.T) {
	t.Parallel()
	c, err := ParseCamera([]byte("source: rtsp://door/\n"))
	require.NoError(t, err)
	require.Equal(t, Live{Enabled: true, Viewers: 10}, c.Live)
	c, err = ParseCamera([]byte(`{source: "rtsp://door/", live: {enabled: "false", viewers: "50", playout_delay: 200ms}}`))
	require.NoError(t, err)
	require.Equal(t, Live{Viewers: 50, PlayoutDelay: 200 * time.Millisecond}, c.Live)
	for text, path := range map[string]string{
		"{viewers: 0}": "live.viewers", "{viewers: 51}": "live.viewers",
		"{playout_delay: -1s}": "live.playout_delay", "{playout_delay: 11s}": "live.playout_delay", "{on: true}": "live.on",
	} {
		_, err := ParseCamera([]byte("source: rtsp://door/\nlive: " + text + "\n"))
		require.ErrorContains(t, err, path)
	}
}
