//go:build cgo

package vision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

// BenchmarkDetect measures one frame on one thread.
func BenchmarkDetect(b *testing.B) {
	store := openStore(b, visiontest.TestData(b, "models"))
	frame := readFrame(b, visiontest.TestData(b, "oracle", "frames", "vtest_0100.png"))
	require.NoError(b, vision.SetThreads(1))
	b.Cleanup(func() { require.NoError(b, vision.SetThreads(-1)) })
	for _, model := range []string{"yolox-nano", "yolo-fastest-1.1-xl", "mobilenetv2-yolov3-nano-voc", "res10-face"} {
		b.Run(model, func(b *testing.B) { benchmark(b, open(b, store, model, 0), frame) })
	}
	b.Run(vision.PeopleModel, func(b *testing.B) {
		d, err := vision.NewPeopleDetector(0)
		require.NoError(b, err)
		defer d.Close()
		benchmark(b, d, frame)
	})
}

func benchmark(b *testing.B, d *vision.Detector, frame *event.Frame) {
	for b.Loop() {
		if _, err := d.Detect(b.Context(), frame); err != nil {
			b.Fatal(err)
		}
	}
}
