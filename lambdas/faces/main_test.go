//go:build cgo

package main

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/env"
)

func TestBadConfigurationIsNamed(t *testing.T) {
	vars := map[string]string{}
	try := func() error {
		_, err := wire(t.Context(), env.Lookup(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }), slog.New(slog.DiscardHandler))
		return err
	}
	t.Setenv("AWS_REGION", "us-east-1")
	for _, name := range []string{"TABLE_NAME", "RESPONSE_QUEUE_URL", "DEVICE_ROLE_ID"} {
		require.ErrorContains(t, try(), name)
		vars[name] = "x"
	}
	require.NoError(t, try())
	vars["FACE_MAX_DISTANCE"] = "far"
	require.ErrorContains(t, try(), `FACE_MAX_DISTANCE is "far"`)
}
