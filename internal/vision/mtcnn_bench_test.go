//go:build cgo

package vision

import (
	"fmt"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/vision/visiontest"
)

// BenchmarkMTCNNNetworks measures each network on each instruction set, and
// pooling, on one thread.
func BenchmarkMTCNNNetworks(b *testing.B) {
	m, files := faceModel(b, "mtcnn")
	for set, name := range []string{"best", "portable", "avx2"} {
		nets, err := readMTCNN(m, files, simd(set))
		require.NoError(b, err)
		defer nets.close()
		picture := generated(1, 461, 346) // 768 x 576 at the first scale
		b.Run(fmt.Sprintf("%s/proposal/461x346", name), func(b *testing.B) {
			for b.Loop() {
				_, err = nets.propose(picture, 461)
			}
		})
		small, large, out := generated(batch, 24, 24), generated(batch, 48, 48), make([]float32, batch*15)
		b.Run(fmt.Sprintf("%s/refining/%d", name, batch), func(b *testing.B) {
			for b.Loop() {
				err = nets.refine(small, batch, out)
			}
		})
		b.Run(fmt.Sprintf("%s/output/%d", name, batch), func(b *testing.B) {
			for b.Loop() {
				err = nets.output(large, batch, out)
			}
		})
		require.NoError(b, err)
	}
	scene, size := visiontest.Scene(768, 576), image.Pt(461, 346)
	out := make([]float32, size.X*size.Y*3)
	b.Run("pool/768x576", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, pool(scene, image.Rect(0, 0, 768, 576), size, 0, size.Y, out))
		}
	})
}
