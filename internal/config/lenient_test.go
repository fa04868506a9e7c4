package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

func tree(t *testing.T, cameras string) map[string]any {
	t.Helper()
	head, _, _ := strings.Cut(good, "cameras:")
	tree, err := config.ReadTree([]byte(head + cameras))
	require.NoError(t, err)
	return tree
}

func TestABadCameraCostsItselfAlone(t *testing.T) {
	first, faults, err := config.Lenient(tree(t, "cameras: {door: {source: rtsp://a, fps: 4}, yard: {source: rtsp://b}}"), nil)
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Len(t, first.Cameras, 2)

	second, faults, err := config.Lenient(tree(t, "cameras: {door: {source: rtsp://a, fps: many}, yard: {source: rtsp://c}, shed: {fps: 3}}"), first)
	require.NoError(t, err)
	require.Len(t, faults, 2)
	require.Equal(t, "door", faults[0].Camera)
	require.ErrorContains(t, faults[0].Err, "cameras.door.fps")
	require.ErrorIs(t, faults[0].Err, config.ErrInvalid)
	require.ErrorContains(t, faults[1].Err, "cameras.shed.source")
	require.Equal(t, first.Cameras["door"], second.Cameras["door"], "the last that could be used")
	require.Equal(t, "rtsp://c", second.Cameras["yard"].Source)
	require.NotContains(t, second.Cameras, "shed")
}

func TestWhatIsNoCameraIsAnError(t *testing.T) {
	for _, text := range []string{"cameras: 7", "spool: {max_age: old}", "nonsense: 1", "cameras: {door: rtsp://u:secret@a}"} {
		_, faults, err := config.Lenient(tree(t, text), nil)
		if len(faults) > 0 {
			err = faults[0].Err
		}
		require.ErrorIs(t, err, config.ErrInvalid, text)
		require.NotContains(t, err.Error(), "secret")
	}
	c, _, err := config.Lenient(tree(t, "cameras:"), nil)
	require.NoError(t, err)
	require.Empty(t, c.Cameras)
}

func TestOverlay(t *testing.T) {
	base := map[string]any{"a": map[string]any{"x": 1, "y": []any{1, 2}}, "b": 1}
	got := config.Overlay(base, map[string]any{"a": map[string]any{"y": []any{3}, "z": map[string]any{"q": 1}}, "c": 2})
	require.Equal(t, map[string]any{"a": map[string]any{"x": 1, "y": []any{3}, "z": map[string]any{"q": 1}}, "b": 1, "c": 2}, got)
	require.Equal(t, map[string]any{"x": 1, "y": []any{1, 2}}, base["a"], "the base stays as it is")
}
