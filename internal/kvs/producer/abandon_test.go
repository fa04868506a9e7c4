package producer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAbandon: not even the fragment under way is completed.
func TestAbandon(t *testing.T) {
	r := newRig(t, nil)
	begun := make(chan struct{}, 10)
	r.service.onBegin = func(*moment) error { begun <- struct{}{}; return nil }
	ctx, abandon := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	require.NoError(t, r.Begin(r.camera.always()))
	r.camera.frame(true)
	r.camera.frame(false)
	<-begun
	abandon(ErrAbandon)
	require.NoError(t, <-done)
	r.service.wait()
	require.Empty(t, r.starts())
	require.Equal(t, 1, r.Stats().Unpersisted, "it is sent when the camera may be seen again")
	r.service.clean()
}
