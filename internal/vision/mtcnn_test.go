//go:build cgo

package vision

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

func faceModel(t testing.TB, name string) (modelstore.Model, *modelstore.Contents) {
	t.Helper()
	store, err := modelstore.New(modelstore.Config{Dir: visiontest.TestData(t, "models"), Manifest: models.Manifest()})
	require.NoError(t, err)
	m, err := store.Model(name)
	require.NoError(t, err)
	files, err := store.Load(name)
	require.NoError(t, err)
	return m, files
}

type netOutput struct {
	Shape []int
	Data  []float32
}

// generated is the input of the oracle: three planes from a linear
// congruential generator, as pixels in the order blue, green, red.
func generated(n, width, height int) []float32 {
	out := make([]float32, n*width*height*3)
	x := uint32(12345)
	for i := range n {
		for c := range 3 {
			for p := range width * height {
				x = 1664525*x + 1013904223
				out[(i*width*height+p)*3+2-c] = float32(float64(x>>8)/(1<<24)*2 - 1)
			}
		}
	}
	return out
}

// Every instruction set gives what another engine computes.
func TestMTCNNNetworksAgreeWithAnIndependentEvaluation(t *testing.T) {
	data, err := os.ReadFile(visiontest.TestData(t, "oracle", "mtcnn_nets.json"))
	require.NoError(t, err)
	var oracle struct{ Outputs map[string][]netOutput }
	require.NoError(t, json.Unmarshal(data, &oracle))
	m, files := faceModel(t, "mtcnn")
	for _, set := range []simd{simdBest, simdAVX2, simdPortable} {
		nets, err := readMTCNN(m, files, set)
		require.NoError(t, err)
		defer nets.close()
		checked := 0
		for name, outputs := range oracle.Outputs {
			var kind rune
			var n, width, height int
			_, err := fmt.Sscanf(name, "%cnet_%dx3x%dx%d", &kind, &n, &height, &width)
			require.NoError(t, err, name)
			in := generated(n, width, height)
			var got []float32
			switch kind {
			case 'p':
				require.Equal(t, 1, n)
				got, err = nets.propose(in, width)
			case 'r':
				got = make([]float32, n*5)
				err = nets.refine(in, n, got)
			case 'o':
				got = make([]float32, n*15)
				err = nets.output(in, n, got)
			}
			require.NoError(t, err)
			want := interleaved(outputs)
			require.Len(t, got, len(want), name)
			for i := range want {
				require.InDelta(t, want[i], got[i], 1e-4, "%s: instruction set %d: number %d", name, set, i)
			}
			checked++
		}
		require.Equal(t, len(oracle.Outputs), checked)
		require.GreaterOrEqual(t, checked, 3)
	}
}

// interleaved orders an evaluation's planes as this package does: the second
// of the two probabilities, then the box, then the landmarks.
func interleaved(outputs []netOutput) (list []float32) {
	slices.SortStableFunc(outputs, func(a, b netOutput) int { return a.Shape[1] - b.Shape[1] })
	samples, cells := outputs[0].Shape[0], 1
	for _, d := range outputs[0].Shape[2:] {
		cells *= d
	}
	for s := range samples {
		for i := range cells {
			for _, o := range outputs {
				channels := o.Shape[1]
				first := 0
				if channels == 2 {
					first = 1
				}
				for c := first; c < channels; c++ {
					list = append(list, o.Data[(s*channels+c)*cells+i])
				}
			}
		}
	}
	return list
}

func TestPoolAveragesIntegerBins(t *testing.T) {
	f := &event.Frame{Width: 5, Height: 2, Pix: make([]byte, 30)}
	for i := range 10 {
		copy(f.Pix[i*3:], []byte{byte(i), byte(20 * i), 255})
	}
	out := make([]float32, 9)
	require.NoError(t, pool(f, image.Rect(1, 0, 5, 2), image.Pt(3, 1), 0, 1, out))
	// Columns 1-2, 2-3 and 3-4 of both rows.
	for i, mean := range []float64{(1 + 2 + 6 + 7) / 4., (2 + 3 + 7 + 8) / 4., (3 + 4 + 8 + 9) / 4.} {
		require.InDelta(t, (mean-127.5)/128, out[3*i], 1e-6)
		require.InDelta(t, (20*mean-127.5)/128, out[3*i+1], 1e-6)
		require.InDelta(t, (255-127.5)/128, out[3*i+2], 1e-6)
	}
	// Magnified: the single pixel over and over.
	out = make([]float32, 4*4*3)
	require.NoError(t, pool(f, image.Rect(2, 1, 3, 2), image.Pt(4, 4), 0, 4, out))
	for i := range 16 {
		require.InDelta(t, (7-127.5)/128, out[3*i], 1e-6)
	}
	// More rows in a bin than 16-bit sums hold.
	tall := &event.Frame{Width: 1, Height: 600, Pix: slices.Repeat([]byte{255, 255, 1}, 600)}
	out = make([]float32, 6)
	require.NoError(t, pool(tall, image.Rect(0, 0, 1, 600), image.Pt(1, 2), 0, 2, out))
	require.Equal(t, []float32{127.5 / 128, 127.5 / 128, -126.5 / 128, 127.5 / 128, 127.5 / 128, -126.5 / 128}, out)
}

// Bands of a picture are the picture: what follows from rows of their own is
// what follows from all of them.
func TestBandsAreTheWholePicture(t *testing.T) {
	m, files := faceModel(t, "mtcnn")
	nets, err := readMTCNN(m, files, simdBest)
	require.NoError(t, err)
	defer nets.close()
	const width, height = 61, 83
	in := generated(1, width, height)
	whole, err := nets.propose(in, width)
	require.NoError(t, err)
	var joined []float32
	const rows, cells = 9, (height+1)/2 - 5
	for y := 0; y < cells; y += rows {
		last := min(y+rows, cells)
		part, err := nets.propose(in[2*y*width*3:min(2*last+10, height)*width*3], width)
		require.NoError(t, err)
		joined = append(joined, part...)
	}
	require.Equal(t, whole, joined)
}

func TestMTCNNRefusesOtherNetworks(t *testing.T) {
	m, files := faceModel(t, "mtcnn")
	swapped := &modelstore.Contents{Parts: map[string]modelstore.Network{
		"det1": files.Parts["det1"], "det2": files.Parts["det3"], "det3": files.Parts["det2"],
	}}
	_, err := openMTCNN(m, swapped, 20)
	require.ErrorIs(t, err, ErrOpenCV)
	require.ErrorContains(t, err, "layer")
	delete(swapped.Parts, "det2")
	_, err = openMTCNN(m, swapped, 40)
	require.ErrorContains(t, err, "det2")
	cut := files.Parts["det1"]
	cut.Weights = cut.Weights[:len(cut.Weights)/2]
	swapped.Parts["det1"] = cut
	_, err = openMTCNN(m, swapped, 40)
	require.ErrorIs(t, err, ErrOpenCV)
	require.ErrorContains(t, err, cut.WeightsPath)
}

func TestMTCNNStopsWithItsContext(t *testing.T) {
	m, files := faceModel(t, "mtcnn")
	engine, err := openMTCNN(m, files, 20)
	require.NoError(t, err)
	d := &FaceDetector{model: "mtcnn", engine: engine}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	scene := visiontest.Scene(200, 200)
	cancel()
	_, err = engine.find(ctx, scene)
	require.ErrorIs(t, err, context.Canceled)
	found, err := d.Faces(t.Context(), scene)
	require.NoError(t, err)
	require.Empty(t, found)
}
