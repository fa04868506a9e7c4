//go:build cgo

package vision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

func syntheticStore(t testing.TB) *modelstore.Store {
	t.Helper()
	dir := t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	return openStore(t, dir)
}

func openStore(t testing.TB, dir string) *modelstore.Store {
	t.Helper()
	store, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	require.NoError(t, err)
	return store
}

func open(t testing.TB, store *modelstore.Store, model string, minScore float64) *vision.Detector {
	t.Helper()
	d, err := vision.Open(store, model, minScore)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestSyntheticSSDFindsColoredRectanglesExactly(t *testing.T) {
	d := open(t, syntheticStore(t), visiontest.Model, 0)
	require.Equal(t, visiontest.Model, d.Model())
	require.False(t, d.Weak())
	for _, objects := range [][]visiontest.Object{
		nil,
		{{Label: "person", X: 0, Y: 0}},
		{{Label: "person", X: 0.15, Y: 0.25}, {Label: "car", X: 0.8, Y: 0.8}},
		{{Label: "dog", X: 0.55, Y: 0.25}, {Label: "person", X: 0.15, Y: 0.25}, {Label: "car", X: 0.35, Y: 0.65}},
		{{Label: "person", X: 0.1, Y: 0.25}, {Label: "person", X: 0.5, Y: 0.25}},
	} {
		found, err := d.Detect(t.Context(), visiontest.Scene(640, 480, objects...))
		require.NoError(t, err)
		require.Len(t, found, len(objects), "%+v", found)
		for _, o := range objects {
			require.True(t, contains(found, o), "%+v not in %+v", o, found)
		}
	}
}

func contains(found []event.Detection, o visiontest.Object) bool {
	for _, d := range found {
		if d.Label == o.Label && d.Box.IoU(o.Box()) > 0.999 && d.Score > 0.9 {
			return true
		}
	}
	return false
}
