//go:build cgo

package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/vision/visiontest"
)

// What the program prints are the faces of the reference implementation.
func TestFacesDetectAgreesWithTheOracle(t *testing.T) {
	var oracle struct {
		Images []struct {
			Image         string
			Width, Height int
			Faces         []struct {
				Box       [4]float64
				Score     float64
				Landmarks [5][2]float64
			}
		}
	}
	data, err := os.ReadFile(visiontest.TestData(t, "oracle", "mtcnn_min40.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &oracle))
	args := []string{"faces", "detect", "--json", "--min-face", "40", "--models", visiontest.TestData(t, "models")}
	for _, img := range oracle.Images {
		args = append(args, visiontest.TestData(t, img.Image))
	}
	r := porchlight(t, args...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, r.stderr)
	found := lines[faceLine](t, r)
	near := func(a, b float64) bool { return math.Abs(a-b) < 0.01 }
	for _, img := range oracle.Images {
		for _, want := range img.Faces {
			i := slices.IndexFunc(found, func(got faceLine) bool {
				same := got.File == visiontest.TestData(t, img.Image) && got.Width == img.Width && got.Height == img.Height && got.Frame == 0
				for i := range want.Box {
					same = same && near(got.Box[i], want.Box[i])
				}
				for i, p := range want.Landmarks {
					same = same && near(got.Landmarks[i][0], p[0]) && near(got.Landmarks[i][1], p[1])
				}
				return same && math.Abs(got.Score-want.Score) < 1e-4
			})
			require.GreaterOrEqual(t, i, 0, "%s: %+v not in %+v", img.Image, want, found)
			found = slices.Delete(found, i, i+1)
		}
	}
	require.Empty(t, found)
}

func TestFacesDetectInAnimations(t *testing.T) {
	gif := visiontest.TestData(t, "footage", "head-pose-face-detection-female.gif")
	r := porchlight(t, "faces", "detect", "--json", "--model", "yunet", "--models", visiontest.TestData(t, "models"), gif)
	require.Equal(t, 0, r.code, r.stderr)
	frames := map[int64]bool{}
	for _, l := range lines[faceLine](t, r) {
		require.Equal(t, [2]int{480, 270}, [2]int{l.Width, l.Height})
		frames[l.Frame] = true
	}
	require.GreaterOrEqual(t, len(frames), 18, "of 23 frames of one person")
}

func TestFacesDetectForPeople(t *testing.T) {
	image := visiontest.TestData(t, "faces", "multiface.jpg")
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte("no picture"), 0o600))
	r := porchlight(t, "faces", "detect", "--min-face", "40", "--models", visiontest.TestData(t, "models"), text, image)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, text)
	require.Contains(t, r.stderr, "1 of 2 files")
	table := strings.Split(strings.TrimSpace(r.stdout), "\n")
	require.Len(t, table, 7)
	require.Contains(t, table[0], "LEFT EYE")
	require.Contains(t, strings.Join(strings.Fields(table[1]), " "), image+" 0 1.000 551 45 632 156 580,89 617,92 599,121 576,127 611,130")
}

func TestFacesDetectSaysWhichModelIsWrong(t *testing.T) {
	dir := syntheticDir(t)
	scene := writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(64, 48))
	r := porchlight(t, "faces", "detect", "--models", dir, scene)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "porchlight models pull mtcnn")
	for _, model := range []string{"resnet", "yolox-nano", "res10-face", visiontest.Model} {
		r = porchlight(t, "faces", "detect", "--models", dir, "--model", model, scene)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, "mtcnn")
	}
	r = porchlight(t, "detect", "--models", dir, "--model", "mtcnn", scene)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "porchlight faces detect --model mtcnn")
}
