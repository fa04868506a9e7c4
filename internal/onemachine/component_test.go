package onemachine

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A panic of the component ends it with status 2, which must not end the rest.
func TestComponentIsStartedAgainAfterAPanic(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "camera")
	script := "#!/bin/sh\necho run >> " + dir + "/runs\n[ $(wc -l < " + dir + "/runs) -gt 1 ] || exit 2\nexec sleep 60\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runComponent(ctx, program, nil, &bytes.Buffer{}, slog.New(slog.DiscardHandler))
	}()
	require.Eventually(t, func() bool {
		runs, _ := os.ReadFile(filepath.Join(dir, "runs"))
		return bytes.Count(runs, []byte("\n")) == 2
	}, time.Minute, 20*time.Millisecond)
	cancel()
	<-ended
}
