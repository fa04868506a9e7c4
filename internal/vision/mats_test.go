//go:build cgo && matprofile

package vision

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"porchlight/internal/event"
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
