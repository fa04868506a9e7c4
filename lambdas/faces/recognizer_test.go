//go:build cgo

package main

import (
	"bytes"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/facematch"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

func opened(t *testing.T, vars map[string]string) *recognizer {
	t.Helper()
	vars["MODELS_DIR"] = visiontest.EmbeddingDir(t)
	r := newRecognizer(env.Lookup(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }), slog.New(slog.DiscardHandler))
	require.NoError(t, r.ready(t.Context()))
	t.Cleanup(func() { require.NoError(t, r.open.finder.Close()); require.NoError(t, r.open.embedder.Close()) })
	return r
}

func picture(t *testing.T, path string) *event.Frame {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	f, err := vision.DecodeImage(data)
	require.NoError(t, err)
	return f
}

func encoded(t *testing.T, f *event.Frame, quality int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, f, &jpeg.Options{Quality: quality}))
	return out.Bytes()
}

// tight cuts a face out as the clients of the public project do: the box
// without margin, stretched to a square, its contrast to the full range.
func tight(t *testing.T, f *event.Frame, found face.Face, size, quality int) []byte {
	t.Helper()
	crop, err := face.CutBox(f, found, size, 0)
	require.NoError(t, err)
	lo, hi := byte(255), byte(0)
	for _, v := range crop.Pix {
		lo, hi = min(lo, v), max(hi, v)
	}
	for i, v := range crop.Pix {
		crop.Pix[i] = byte(255 * (float64(v) - float64(lo)) / max(1, float64(hi)-float64(lo)))
	}
	return encoded(t, crop, quality)
}

func glob(t *testing.T, elem ...string) []string {
	t.Helper()
	paths, err := filepath.Glob(visiontest.TestData(t, elem...))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}

// Persons enrolled from whole pictures are named right in tight crops of other
// pictures, and strangers are not named.
func TestTightCropsAreNamed(t *testing.T) {
	r := opened(t, map[string]string{})
	const persons, strangers = 20, 60
	g := gallery.Empty()
	type query struct{ name, path string }
	var queries []query
	for _, dir := range glob(t, "faces", "lfw112", "known", "*")[:persons] {
		name := filepath.Base(dir)
		var taken []face.Embedding
		for i, path := range glob(t, "faces", "lfw112", "known", name, "*") {
			if i >= 3 {
				queries = append(queries, query{name, path})
				continue
			}
			e, err := r.open.embedder.EmbedAligned(t.Context(), picture(t, path))
			require.NoError(t, err)
			taken = append(taken, e)
		}
		var err error
		g, err = g.With(name, taken, time.Now())
		require.NoError(t, err)
	}
	for _, path := range glob(t, "faces", "lfw112", "unknown", "*")[:strangers] {
		queries = append(queries, query{"", path})
	}
	for _, how := range []struct{ size, quality int }{{240, 75}, {160, 70}} {
		var right, wrong, missed, lost, accepted int
		for _, q := range queries {
			f := picture(t, q.path)
			s, err := face.Surround(f, 224, 1) // twice as large, which the detector likes
			require.NoError(t, err)
			found, err := r.open.finder.Faces(t.Context(), s.Frame)
			require.NoError(t, err)
			if len(found) == 0 {
				continue // the client would have sent nothing
			}
			e, err := r.Look(t.Context(), tight(t, f, s.Back(found[0]), how.size, how.quality))
			if err != nil {
				require.ErrorIs(t, err, gallery.ErrNoFace)
				lost++
				continue
			}
			nearest, err := g.Nearest(e)
			require.NoError(t, err)
			name, known := match.Rule{MaxDistance: r.MaxDistance()}.Name(nearest)
			switch {
			case known && q.name == "":
				accepted++
			case known && name == q.name:
				right++
			case known:
				wrong++
			case q.name != "":
				missed++
			}
		}
		t.Logf("%d pixels, quality %d: of %d pictures of %d persons %d named right, %d wrong, %d called unknown, of %d strangers %d given a name; in %d of all no face was found again",
			how.size, how.quality, 5*persons, persons, right, wrong, missed, strangers, accepted, lost)
		require.Zero(t, wrong)
		require.GreaterOrEqual(t, right, 5*persons*85/100)
		require.LessOrEqual(t, accepted, strangers*3/100)
		require.LessOrEqual(t, lost, len(queries)*3/100)
	}
}

// Whole photographs work too, in whatever size they come.
func TestWholePicturesAreNamed(t *testing.T) {
	r := opened(t, map[string]string{})
	look := func(name string) face.Embedding {
		data, err := os.ReadFile(visiontest.TestData(t, "faces", "people", filepath.FromSlash(name)))
		require.NoError(t, err)
		e, err := r.Look(t.Context(), data)
		require.NoError(t, err)
		return e
	}
	for a, b := range map[string]string{"obama/obama.jpg": "obama/obama2.jpg", "rose_leslie/img1.jpg": "rose_leslie/img2.jpg"} {
		d, err := look(a).Distance(look(b))
		require.NoError(t, err)
		require.Less(t, d, r.MaxDistance(), a)
	}
	d, err := look("obama/obama.jpg").Distance(look("kit_harington/john2.jpeg"))
	require.NoError(t, err)
	require.Greater(t, d, 0.7)
}

func TestPicturesWithoutFaces(t *testing.T) {
	r := opened(t, map[string]string{"FACE_DETECTOR": "mtcnn", "FACE_EMBEDDING": visiontest.EmbeddingModel})
	for _, size := range [][2]int{{240, 240}, {160, 160}, {1, 1}, {2000, 3}, {640, 480}} {
		f := &event.Frame{Width: size[0], Height: size[1], Pix: make([]byte, size[0]*size[1]*3)}
		for i := range f.Pix {
			f.Pix[i] = byte(100 + i%7)
		}
		_, err := r.Look(t.Context(), encoded(t, f, 90))
		require.ErrorIs(t, err, gallery.ErrNoFace, "%v", size)
	}
	whole := encoded(t, visiontest.Scene(64, 48), 90)
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("no picture"), "half a picture": whole[:len(whole)/2], "GIF": []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
	} {
		_, err := r.Look(t.Context(), data)
		require.ErrorIs(t, err, facematch.ErrPicture, name)
	}
}

func TestMissingNetworksAreNamedWithTheCure(t *testing.T) {
	dir := t.TempDir()
	r := newRecognizer(env.Lookup(func(name string) (string, bool) { return dir, name == "MODELS_DIR" }), slog.New(slog.DiscardHandler))
	_, err := r.Look(t.Context(), nil)
	require.ErrorIs(t, err, modelstore.ErrNoEmbedding)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "porchlight models pull sface")
}
