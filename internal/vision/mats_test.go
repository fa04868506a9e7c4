//go:build cgo && matprofile

package vision

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/decode"
	"porchlight/internal/vision/visiontest"
)

// A Mat has no finalizer: one that is not closed is lost memory.
func TestEveryMatIsClosed(t *testing.T) {
	m, files := syntheticFiles(t)
	scene := visiontest.Scene(64, 48, visiontest.Object{Label: "dog", X: 0.2, Y: 0.2})
	people, err := NewPeopleDetector(0)
	require.NoError(t, err)
	start := gocv.MatProfile.Count()
	for name, c := range map[string]struct {
		run  func() error
		fail bool
	}{
		"detect": {run: func() error { return runSynthetic(m.Format, files.Weights, files.Config, 300, m.Labels, scene) }},
		"detect, wrong input size": {fail: true, run: func() error {
			return runSynthetic(m.Format, files.Weights, files.Config, 8, m.Labels, scene)
		}},
		"detect, wrong labels": {fail: true, run: func() error {
			return runSynthetic(m.Format, files.Weights, files.Config, 300, m.Labels[:1], scene)
		}},
		"bad network": {fail: true, run: func() error {
			_, err := readNetwork("caffe", files.Weights[:40], files.Config)
			return err
		}},
		"no frame":      {fail: true, run: func() error { _, err := people.Detect(t.Context(), &event.Frame{}); return err }},
		"people":        {run: func() error { _, err := people.Detect(t.Context(), visiontest.Scene(200, 200)); return err }},
		"not a picture": {fail: true, run: func() error { _, err := DecodeImage([]byte("\xff\xd8\xff")); return err }},
		"no Mat to decode into": {fail: true, run: func() error {
			_, err := decodeBGR(nil)
			return err
		}},
	} {
		err := c.run()
		require.Equal(t, c.fail, err != nil, "%s: %v", name, err)
		require.Equal(t, start, gocv.MatProfile.Count(), name)
	}
}

func TestEveryMatOfTheFaceDetectorsIsClosed(t *testing.T) {
	_, files := syntheticFiles(t)
	scene := visiontest.Scene(64, 48)
	mtcnn, mtcnnFiles := faceModel(t, "mtcnn")
	yunet, _ := faceModel(t, "yunet")
	start := gocv.MatProfile.Count()
	for name, c := range map[string]struct {
		run  func() error
		fail bool
	}{
		"yunet": {run: func() error { return findFaces(t, yunet, scene) }},
		"yunet, another network": {fail: true, run: func() error {
			other := yunet
			other.Name, other.Input = "yolox-nano", modelstore.Input{Width: 416, Height: 416, Scale: 1}
			return findFaces(t, other, scene)
		}},
		"mtcnn": {run: func() error {
			engine, err := openMTCNN(mtcnn, mtcnnFiles, 20)
			if err != nil {
				return err
			}
			defer engine.close()
			_, err = engine.find(t.Context(), visiontest.Scene(200, 200))
			return err
		}},
		"mtcnn, other networks": {fail: true, run: func() error {
			_, err := openMTCNN(mtcnn, &modelstore.Contents{Parts: map[string]modelstore.Network{
				"det1": files.Network, "det2": files.Network, "det3": files.Network,
			}}, 20)
			return err
		}},
	} {
		err := c.run()
		require.Equal(t, c.fail, err != nil, "%s: %v", name, err)
		require.Equal(t, start, gocv.MatProfile.Count(), name)
	}
}

func TestEveryMatOfTheEmbedderIsClosed(t *testing.T) {
	m, files := syntheticFiles(t)
	m.Kind, m.Decoder = modelstore.KindEmbedding, modelstore.DecoderEmbedding
	net, err := readNetwork(m.Format, files.Weights, files.Config)
	require.NoError(t, err)
	e := &Embedder{net: net, spec: m}
	start := gocv.MatProfile.Count()
	for side, fails := range map[int]bool{300: false, 8: true} {
		e.spec.Input.Width, e.spec.Input.Height = side, side
		_, err := e.forward(visiontest.Scene(64, 64))
		require.Equal(t, fails, err != nil, "%d: %v", side, err)
		require.Equal(t, start, gocv.MatProfile.Count(), side)
	}
	require.NoError(t, e.Close())
}

func findFaces(t *testing.T, m modelstore.Model, f *event.Frame) error {
	_, files := faceModel(t, m.Name)
	engine, err := openYuNet(m, files, 20)
	if err != nil {
		return err
	}
	defer engine.close()
	_, err = engine.find(t.Context(), f)
	return err
}

func runSynthetic(format string, weights, config []byte, side int, labels []string, scene *event.Frame) error {
	net, err := readNetwork(format, weights, config)
	if err != nil {
		return err
	}
	e := &netEngine{net: net, params: decode.Params{Labels: labels, Score: 0.3}}
	e.model.Decoder = "detection_output"
	e.model.Input.Width, e.model.Input.Height, e.model.Input.Scale = side, side, 1/127.5
	e.model.Input.Mean = [3]float64{127.5, 127.5, 127.5}
	defer e.close()
	_, err = e.detect(scene)
	return err
}
