//go:build cgo

package vision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

// TestThreadsAreSetWhileOthersSee sets the number of threads as a device does
// that opens another model while its cameras go on with the one they have.
func TestThreadsAreSetWhileOthersSee(t *testing.T) {
	t.Cleanup(func() { require.NoError(t, vision.SetThreads(-1)) })
	store := syntheticStore(t)
	o := visiontest.Object{Label: "person", X: 0.1, Y: 0.1}
	d, scene := open(t, store, visiontest.Model, 0), visiontest.Scene(320, 240, o)
	seen := make(chan error, 1)
	go func() {
		for range 300 {
			if _, err := d.Detect(t.Context(), scene); err != nil {
				seen <- err
				return
			}
		}
		seen <- nil
	}()
	for n := 0; ; n++ {
		select {
		case err := <-seen:
			require.NoError(t, err)
			return
		default:
			require.NoError(t, vision.SetThreads(1+n%2))
		}
	}
}
