package onvif

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlaceKnowsACameraAgain(t *testing.T) {
	require.Equal(t, Place("rtsp://h/x?a=1"), Place("rtsp://u:p@H:554/x?password=q&a=1"))
	require.NotEqual(t, Place("rtsp://h/x?channel=1"), Place("rtsp://h/x?channel=2"))
	require.Equal(t, "rtsp://u:%zz@h", Place("rtsp://u:%zz@h"))
}

func TestForSource(t *testing.T) {
	cfg := porch()
	cfg.Password = "s3cret"
	cam := start(t, cfg)
	config := Config{Address: cam.Host(), Timeout: patience, Log: discard()}
	d, p, err := ForSource(t.Context(), config, "rtsp://admin:s3cret@127.0.0.1/main?channel=1")
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, "main", p.Token)
	require.NoError(t, d.RequestKeyframe(t.Context(), p.Token))
	require.Equal(t, []string{"main"}, cam.Keyframes())

	_, _, err = ForSource(t.Context(), config, "rtsp://admin:s3cret@127.0.0.1/other")
	require.ErrorIs(t, err, ErrUnsupported)
	_, _, err = ForSource(t.Context(), config, "rtsp://admin:wr0ng@127.0.0.1/main")
	require.ErrorIs(t, err, ErrUnauthorized)
	require.NotContains(t, err.Error(), "wr0ng")
	for _, source := range []string{"/dev/video0", "http://127.0.0.1/x", "rtsp://", "rtsp://u:hunter2%zz@h"} {
		_, _, err = ForSource(t.Context(), config, source)
		require.ErrorIs(t, err, ErrAddress)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
