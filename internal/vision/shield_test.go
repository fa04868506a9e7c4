//go:build cgo

package vision

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/visiontest"
)

func syntheticFiles(t *testing.T) (modelstore.Model, *modelstore.Contents) {
	t.Helper()
	dir := t.TempDir()
	m, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	store, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: []byte(`{}`)})
	require.NoError(t, err)
	files, err := store.Load(m.Name)
	require.NoError(t, err)
	return m, files
}

// Each of these ends the process when OpenCV is called without the shield.
func TestBadNetworkFilesBecomeErrors(t *testing.T) {
	_, good := syntheticFiles(t)
	truncated := good.Weights[:len(good.Weights)/2]
	for name, c := range map[string]struct {
		format          string
		weights, config []byte
	}{
		"no files":              {"caffe", nil, nil},
		"unknown format":        {"keras", good.Weights, good.Config},
		"truncated weights":     {"caffe", truncated, good.Config},
		"weights are text":      {"caffe", good.Config, good.Config},
		"description is binary": {"caffe", good.Weights, good.Weights},
		"unknown layer":         {"caffe", good.Weights, []byte(strings.Replace(string(good.Config), "Pooling", "Pondering", 1))},
		"empty onnx":            {"onnx", nil, nil},
		"onnx is something":     {"onnx", good.Weights, nil},
		"empty tensorflow":      {"tensorflow", nil, nil},
		"tensorflow is caffe":   {"tensorflow", good.Weights, good.Config},
		"empty darknet":         {"darknet", nil, nil},
		"darknet is caffe":      {"darknet", good.Weights, good.Config},
		"darknet is nothing":    {"darknet", nil, []byte("[net]\nwidth=0\n[convolutional]\n")},
	} {
		t.Run(name, func(t *testing.T) {
			net, err := readNetwork(c.format, c.weights, c.config)
			if err == nil { // some read as a network that then cannot run
				defer net.close()
				blob, blobErr := inputBlob(visiontest.Scene(64, 48), modelstore.Input{Width: 32, Height: 32, Scale: 1}, image.Pt(32, 32))
				require.NoError(t, blobErr)
				defer closeMat(blob)
				_, err = net.forward(blob)
			}
			require.ErrorIs(t, err, ErrOpenCV)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestRealNetworksCutShortBecomeErrors(t *testing.T) {
	root := visiontest.TestData(t, "models")
	read := func(elem ...string) []byte {
		data, err := os.ReadFile(filepath.Join(append([]string{root}, elem...)...))
		require.NoError(t, err)
		return data
	}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	onnx := read("yolox_nano.onnx")
	pb, pbtxt := read("res10-ssd-face", "opencv_face_detector_uint8.pb"), read("res10-ssd-face", "opencv_face_detector.pbtxt")
	_, err := readNetwork("onnx", half(onnx), nil)
	require.ErrorIs(t, err, ErrOpenCV)
	_, err = readNetwork("tensorflow", half(pb), pbtxt)
	require.ErrorIs(t, err, ErrOpenCV)
	_, err = readNetwork("tensorflow", pb, half(pbtxt))
	require.ErrorIs(t, err, ErrOpenCV)
}

func TestNetworkIsUsableAfterAnError(t *testing.T) {
	m, files := syntheticFiles(t)
	net, err := readNetwork(m.Format, files.Weights, files.Config)
	require.NoError(t, err)
	defer net.close()
	e := &netEngine{net: net, model: m}
	e.params.Labels = m.Labels
	scene := visiontest.Scene(300, 300, visiontest.Object{Label: "dog", X: 0.4, Y: 0.4})
	for range 2 {
		found, err := e.detect(scene)
		require.NoError(t, err)
		require.Len(t, found, 1)

		tiny, err := inputBlob(scene, modelstore.Input{Width: 8, Height: 8, Scale: 1}, image.Pt(8, 8))
		require.NoError(t, err)
		_, err = net.forward(tiny) // the pooling window does not fit
		closeMat(tiny)
		require.ErrorIs(t, err, ErrOpenCV)
	}
}

func TestOutOfRangeCallsBecomeErrors(t *testing.T) {
	_, err := inputBlob(visiontest.Scene(10, 10), modelstore.Input{Scale: 1}, image.Pt(0, 0))
	require.ErrorIs(t, err, ErrOpenCV)

	m, files := syntheticFiles(t)
	net, err := readNetwork(m.Format, files.Weights, files.Config)
	require.NoError(t, err)
	defer net.close()
	_, err = net.output(3)
	require.ErrorIs(t, err, ErrOpenCV)

	_, err = decodeBGR(nil)
	require.ErrorIs(t, err, ErrOpenCV)
	mat, err := decodeBGR([]byte("not a picture"))
	require.NoError(t, err)
	require.True(t, mat.Empty())
	closeMat(mat)
}

func TestCheckFrame(t *testing.T) {
	require.NoError(t, checkFrame(visiontest.Scene(7, 5)))
	for _, f := range []*event.Frame{
		{},
		{Width: -1, Height: -1, Pix: make([]byte, 3)},
		{Width: 2, Height: 2, Pix: make([]byte, 11)},
		{Width: 1 << 62, Height: 8},
	} {
		require.ErrorIs(t, checkFrame(f), ErrFrame)
	}
}
