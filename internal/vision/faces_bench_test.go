//go:build cgo

package vision_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

// BenchmarkFaces measures one frame on one thread and on two.
func BenchmarkFaces(b *testing.B) {
	store := openStore(b, visiontest.TestData(b, "models"))
	frames := map[string]*event.Frame{
		"480x270":   readFrame(b, visiontest.TestData(b, "oracle", "frames", "face-demographics-walking_0020.png")),
		"768x576":   readFrame(b, visiontest.TestData(b, "oracle", "frames", "vtest_0100.png")),
		"1920x1080": readFrame(b, visiontest.TestData(b, "oracle", "frames", "facenet_video_0000.png")),
	}
	b.Cleanup(func() { require.NoError(b, vision.SetThreads(-1)) })
	for _, c := range []struct {
		model    string
		minFaces []int
	}{{"mtcnn", []int{20, 40}}, {"yunet", []int{20}}, {"yunet-n-320", []int{20}}} {
		for _, minFace := range c.minFaces {
			for _, threads := range []int{1, 2} {
				for _, size := range []string{"480x270", "768x576", "1920x1080"} {
					b.Run(fmt.Sprintf("%s/min%d/threads%d/%s", c.model, minFace, threads, size), func(b *testing.B) {
						require.NoError(b, vision.SetThreads(threads))
						d := openFaces(b, store, c.model, minFace)
						for b.Loop() {
							if _, err := d.Faces(b.Context(), frames[size]); err != nil {
								b.Fatal(err)
							}
						}
					})
				}
			}
		}
	}
}
