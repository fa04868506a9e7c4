//go:build cgo

package vision_test

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

func folder(t testing.TB, elem ...string) (paths []string) {
	t.Helper()
	dir := visiontest.TestData(t, elem...)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths
}

// Fifty persons with three pictures each are told from each other in five
// others, and from 200 strangers.
func TestOpenSetRecognition(t *testing.T) {
	e := openEmbedder(t, visiontest.EmbeddingDir(t), "")
	embed := func(paths []string) (list []face.Embedding) {
		for _, path := range paths {
			made, err := e.EmbedAligned(t.Context(), readFrame(t, path))
			require.NoError(t, err)
			list = append(list, made)
		}
		return list
	}
	g, queries := gallery.Empty(), map[string][]face.Embedding{}
	for _, person := range folder(t, "faces", "lfw112", "known") {
		name := filepath.Base(person)
		all := embed(folder(t, "faces", "lfw112", "known", name))
		require.Len(t, all, 8)
		_, err := gallery.Agree(all[:3], e.MaxDistance())
		require.NoError(t, err, name)
		g, err = g.With(name, all[:3], time.Now())
		require.NoError(t, err)
		queries[name] = all[3:]
	}
	var total, first, named, wrong int
	for name, list := range queries {
		for _, q := range list {
			found, err := g.Nearest(q)
			require.NoError(t, err)
			said, ok := match.Rule{}.Name(found)
			total++
			first += count(found.Best.Name == name)
			named += count(ok && said == name)
			wrong += count(ok && said != name)
		}
	}
	strangers := embed(folder(t, "faces", "lfw112", "unknown"))
	accepted, alone := 0, 0
	for _, q := range strangers {
		found, err := g.Nearest(q)
		require.NoError(t, err)
		_, ok := match.Rule{}.Name(found)
		accepted += count(ok)
		alone += count(found.Best.Distance <= match.DefaultMaxDistance)
	}
	t.Logf("rank 1: %d of %d; named right %d, wrong %d; strangers given a name: %d of %d, by the threshold alone %d",
		first, total, named, wrong, accepted, len(strangers), alone)
	require.Equal(t, [2]int{250, 200}, [2]int{total, len(strangers)})
	require.GreaterOrEqual(t, first, 249)
	require.GreaterOrEqual(t, named, 248)
	require.Zero(t, wrong)
	require.LessOrEqual(t, accepted, 4)
	require.LessOrEqual(t, alone, 4)
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Two persons, each enrolled from a clip of their own, are named by the crops
// of a clip that shows both, as a pipeline collects them.
func TestIdentifierNamesPeopleThroughConsensus(t *testing.T) {
	dir := visiontest.EmbeddingDir(t)
	d, e := openFaces(t, openStore(t, dir), "mtcnn", 40), openEmbedder(t, dir, "")
	file := gallery.At(filepath.Join(t.TempDir(), "faces.json"))
	identifier, err := gallery.NewIdentifier(e, file)
	require.NoError(t, err)
	for name, clip := range map[string]string{"Him": "male", "Her": "female"} {
		pictures := enrollFrom(t, d, e, "head-pose-face-detection-"+clip+".gif")
		require.NoError(t, file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) { return g.With(name, pictures, time.Now()) }))
	}

	tracks := map[string]*seen{}
	frames(t, "head-pose-face-detection-female-and-male.gif", func(f *event.Frame) {
		found, err := d.Faces(t.Context(), f)
		require.NoError(t, err)
		for _, x := range found {
			if x.Score < 0.9 {
				continue
			}
			side := "left"
			if x.Box[0]+x.Box[2] > float64(f.Width) {
				side = "right"
			}
			if tracks[side] == nil {
				tracks[side] = newSeen()
			}
			tracks[side].look(t, identifier, f, x)
		}
	})
	require.Len(t, tracks, 2)
	names := map[string]bool{}
	for side, s := range tracks {
		name, share, ok := s.consensus.Name()
		t.Logf("%s: %s with %.2f of the votes, distances to %.2f", side, name, share, s.furthest)
		require.True(t, ok, side)
		require.Greater(t, share, 0.9)
		names[name] = true
	}
	require.Equal(t, map[string]bool{"Him": true, "Her": true}, names)

	// Who is removed is not named from then on.
	require.NoError(t, file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) { return g.Without("Him") }))
	for _, s := range tracks {
		name, distance, err := identifier.Identify(t.Context(), s.last)
		require.NoError(t, err)
		require.NotEqual(t, "Him", name)
		require.Equal(t, name == "Her", distance < e.MaxDistance())
	}
}

// seen is one person of a clip.
type seen struct {
	picker    *face.Picker
	consensus *face.Consensus
	last      face.Crop
	furthest  float64
}

func newSeen() *seen {
	return &seen{
		picker:    face.NewPicker(face.PickerConfig{Interval: 200 * time.Millisecond}), // the clip is short
		consensus: face.NewConsensus(face.ConsensusConfig{}),
	}
}

func (s *seen) look(t *testing.T, identifier *gallery.Identifier, f *event.Frame, found face.Face) {
	crop, err := face.Align(f, found.Landmarks, face.CropSide)
	require.NoError(t, err)
	s.picker.Offer(face.Crop{Frame: crop, Face: found, Quality: face.Assess(found, crop), Time: f.Time})
	next, ok := s.picker.Next(f.Time)
	if !ok || !s.consensus.Try() {
		return
	}
	name, distance, err := identifier.Identify(t.Context(), next)
	require.NoError(t, err)
	s.last, s.furthest = next, math.Max(s.furthest, distance)
	s.consensus.Add(face.Vote{Name: name, Distance: distance, Quality: next.Quality.Overall})
}

// enrollFrom takes a picture from each quarter of a clip.
func enrollFrom(t *testing.T, d *vision.FaceDetector, e *vision.Embedder, clip string) (pictures []face.Embedding) {
	var all []*event.Frame
	frames(t, clip, func(f *event.Frame) {
		keep := *f
		keep.Pix = slices.Clone(f.Pix)
		all = append(all, &keep)
	})
	for i := range 4 {
		for _, f := range all[i*len(all)/4 : (i+1)*len(all)/4] {
			s, err := gallery.Look(t.Context(), d, e, f)
			if err == nil {
				pictures = append(pictures, s.Embedding)
				break
			}
		}
	}
	require.GreaterOrEqual(t, len(pictures), 3, clip)
	_, err := gallery.Agree(pictures, e.MaxDistance())
	require.NoError(t, err)
	return pictures
}

func frames(t *testing.T, clip string, each func(*event.Frame)) {
	t.Helper()
	err := capture.Run(t.Context(), capture.Config{
		Name: clip, URL: visiontest.TestData(t, "footage", clip), Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler),
	}, each)
	require.NoError(t, err)
}
