package liveview

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	var s Studio
	require.NotContains(t, s.commands("home.door"), "snapshot", "there is nothing to take one with")
	s.cfg.Snapshot = func(_ context.Context, camera string) (map[string]any, error) {
		if camera != "home.door" {
			return nil, errors.New("secret: no such bucket")
		}
		return map[string]any{"key": "k"}, nil
	}
	do := func(camera, name string) (any, error) {
		return s.commands(camera)[name].Do(t.Context(), live.Request{Type: name})
	}
	result, err := do("home.door", "snapshot")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"key": "k"}, result)
	var fault *live.Fault
	_, err = do("home.yard", "snapshot")
	require.ErrorAs(t, err, &fault)
	require.Equal(t, live.CodeFailed, fault.Code)
	require.NotContains(t, fault.Text, "secret")
	for name := range missing() {
		_, err = do("home.door", name)
		require.ErrorAs(t, err, &fault)
		require.Equal(t, CodeUnsupported, fault.Code)
		require.NotEmpty(t, fault.Text)
	}

	often := s.commands("home.door")["snapshot"]
	for range 1000 { // far faster than one every two seconds
		if _, err = often.Do(t.Context(), live.Request{}); err != nil {
			break
		}
	}
	require.ErrorAs(t, err, &fault)
	require.Equal(t, live.CodeRate, fault.Code)
}
