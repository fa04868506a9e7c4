//go:build cgo

package vision_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
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

func TestOpenFallsBackOnTheWeakDetector(t *testing.T) {
	d := open(t, openStore(t, t.TempDir()), "", 0)
	require.True(t, d.Weak())
	require.Equal(t, vision.PeopleModel, d.Model())
	found, err := d.Detect(t.Context(), visiontest.Scene(320, 240))
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = d.Detect(t.Context(), visiontest.Scene(20, 20)) // smaller than its window
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	store := openStore(t, t.TempDir())
	_, err := vision.Open(store, "yolox-nano", 0)
	require.ErrorIs(t, err, modelstore.ErrMissing)
	require.ErrorContains(t, err, "porchlight models pull yolox-nano")
	_, err = vision.Open(store, "resnet", 0)
	require.ErrorIs(t, err, modelstore.ErrUnknownModel)
}

func TestVerifiedFilesThatAreNoNetworkAreAnError(t *testing.T) {
	dir := t.TempDir()
	m, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	m.Name, m.Format, m.Files = "nonsense", "onnx", m.Files[1:] // Caffe weights called ONNX
	data, err := json.Marshal(modelstore.Manifest{
		Models: []modelstore.Model{m}, Labels: map[string][]string{m.LabelList: m.Labels},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o600))
	_, err = vision.Open(openStore(t, dir), "nonsense", 0)
	require.ErrorIs(t, err, vision.ErrModel)
	require.ErrorContains(t, err, "synthetic_ssd.caffemodel")
	require.ErrorContains(t, err, "choose another model")
}

func TestDetectRefusesAndRecovers(t *testing.T) {
	d, err := vision.Open(syntheticStore(t), visiontest.Model, 0)
	require.NoError(t, err)
	_, err = d.Detect(t.Context(), &event.Frame{Width: 4, Height: 4, Pix: make([]byte, 5)})
	require.ErrorIs(t, err, vision.ErrFrame)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	scene := visiontest.Scene(400, 300, visiontest.Object{Label: "dog", X: 0.25, Y: 0.25})
	_, err = d.Detect(ctx, scene)
	require.ErrorIs(t, err, context.Canceled)
	found, err := d.Detect(t.Context(), scene)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.Detect(t.Context(), scene)
	require.ErrorIs(t, err, vision.ErrClosed)
}

// An object that moves between the network's windows is still one object.
func TestSyntheticSSDFollowsAMovingRectangle(t *testing.T) {
	d := open(t, syntheticStore(t), visiontest.Model, 0)
	for i := range 60 {
		o := visiontest.Object{Label: "person", X: 0.013 * float64(i), Y: 0.007 * float64(i)}
		found, err := d.Detect(t.Context(), visiontest.Scene(640, 480, o))
		require.NoError(t, err)
		require.Len(t, found, 1, "%+v: %+v", o, found)
		require.Greater(t, found[0].Box.IoU(o.Box()), 0.55, "%+v: %+v", o, found)
	}
}

func TestDetectorsInParallelDoNotDisturbEachOther(t *testing.T) {
	require.NoError(t, vision.SetThreads(1))
	t.Cleanup(func() { require.NoError(t, vision.SetThreads(-1)) })
	store := syntheticStore(t)
	var wg sync.WaitGroup
	for _, label := range []string{"person", "dog", "car"} {
		d := open(t, store, visiontest.Model, 0)
		wg.Go(func() {
			for i := range 20 {
				o := visiontest.Object{Label: label, X: 0.05 * float64(i%16), Y: 0.1}
				found, err := d.Detect(t.Context(), visiontest.Scene(320, 240, o))
				assert.NoError(t, err)
				assert.True(t, len(found) == 1 && contains(found, o), "%+v: %+v", o, found)
			}
		})
	}
	wg.Wait()
}
