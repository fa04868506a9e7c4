package gallery_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
)

func noon() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

func model(name, hash string, dimension int) face.Model {
	return face.Model{Name: name, SHA256: strings.Repeat(hash, 32), Dimension: dimension}
}

// person makes pictures of one face: vectors near one that the seed chooses.
func person(t testing.TB, m face.Model, seed uint64, pictures int) (list []face.Embedding) {
	t.Helper()
	middle, noise := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, uint64(pictures)))
	center := make([]float32, m.Dimension)
	for i := range center {
		center[i] = float32(middle.NormFloat64())
	}
	for range pictures {
		raw := make([]float32, m.Dimension)
		for i := range raw {
			raw[i] = center[i] + 0.4*float32(noise.NormFloat64())
		}
		e, err := face.NewEmbedding(m, raw)
		require.NoError(t, err)
		list = append(list, e)
	}
	return list
}

func add(t testing.TB, g *gallery.Gallery, name string, pictures []face.Embedding) *gallery.Gallery {
	t.Helper()
	g, err := g.With(name, pictures, noon())
	require.NoError(t, err)
	return g
}

func TestPersonsComeAndGo(t *testing.T) {
	m := model("net", "ab", 64)
	g := gallery.Empty()
	require.Empty(t, g.Persons())
	_, some := g.Model()
	require.False(t, some)
	found, err := g.Nearest(person(t, m, 1, 1)[0])
	require.NoError(t, err)
	require.Equal(t, match.Match{Distance: 2}, found.Best)

	one := add(t, g, "Zoë", person(t, m, 1, 3))
	two := add(t, one, "Ann", person(t, m, 2, 2))
	more := add(t, two, "Zoë", person(t, m, 1, 2))
	require.Empty(t, g.Persons(), "a gallery does not change")
	require.Len(t, two.Persons()[1].Pictures, 3)
	persons := more.Persons()
	require.Len(t, persons, 2)
	require.Equal(t, "Ann", persons[0].Name)
	require.Equal(t, noon(), persons[1].Enrolled)
	require.Len(t, persons[1].Pictures, 5)
	for name, seed := range map[string]uint64{"Zoë": 1, "Ann": 2} {
		found, err := more.Nearest(person(t, m, seed, 7)[6])
		require.NoError(t, err)
		said, ok := match.Rule{}.Name(found)
		require.True(t, ok)
		require.Equal(t, name, said)
	}
	found, err = more.Nearest(person(t, m, 9, 1)[0])
	require.NoError(t, err)
	_, ok := match.Rule{}.Name(found)
	require.False(t, ok, "%+v", found)

	less, err := more.Without("Ann")
	require.NoError(t, err)
	found, err = less.Nearest(person(t, m, 2, 7)[6])
	require.NoError(t, err)
	require.Equal(t, "Zoë", found.Best.Name)
	require.Greater(t, found.Best.Distance, 0.6)
	_, err = less.Without("Ann")
	require.ErrorIs(t, err, gallery.ErrUnknown)
	none, err := less.Without("Zoë")
	require.NoError(t, err)
	add(t, none, "Zoë", person(t, model("other", "cd", 32), 1, 1)) // nobody is left to compare with
}

func TestModelsAreNotMixed(t *testing.T) {
	g := add(t, gallery.Empty(), "Ann", person(t, model("net", "ab", 16), 1, 1))
	for says, m := range map[string]face.Model{
		"its faces do not compare with those of other": model("other", "cd", 16),
		"with other files": model("net", "cd", 16),
	} {
		_, err := g.With("Ben", person(t, m, 2, 1), noon())
		require.ErrorIs(t, err, gallery.ErrModel)
		require.ErrorContains(t, err, says)
		_, err = g.Nearest(person(t, m, 2, 1)[0])
		require.ErrorIs(t, err, gallery.ErrModel)
	}
	mixed := append(person(t, model("a", "ab", 8), 1, 1), person(t, model("b", "cd", 8), 1, 1)...)
	_, err := gallery.Empty().With("Ann", mixed, noon())
	require.ErrorIs(t, err, face.ErrOtherModel)
}

func TestBounds(t *testing.T) {
	m := model("net", "ab", 4)
	for _, name := range []string{"", " Ann", "Ann ", "A\nB", "\x00", "a\xffb", strings.Repeat("é", 65)} {
		_, err := gallery.Empty().With(name, person(t, m, 1, 1), noon())
		require.ErrorIs(t, err, gallery.ErrName, "%q", name)
	}
	add(t, gallery.Empty(), strings.Repeat("é", 64), person(t, m, 1, 1))
	_, err := gallery.Empty().With("Ann", nil, noon())
	require.ErrorIs(t, err, face.ErrEmbedding)
	g := add(t, gallery.Empty(), "Ann", person(t, m, 1, gallery.MaxPictures))
	_, err = g.With("Ann", person(t, m, 1, 1), noon())
	require.ErrorIs(t, err, gallery.ErrFull)
	for i := len(g.Persons()); i < gallery.MaxPersons; i++ {
		g = add(t, g, fmt.Sprint("p", i), person(t, m, uint64(i), 1))
	}
	_, err = g.With("one more", person(t, m, 1, 1), noon())
	require.ErrorIs(t, err, gallery.ErrFull)
	data, err := g.Encode()
	require.NoError(t, err)
	again, err := gallery.Decode(data)
	require.NoError(t, err)
	require.Len(t, again.Persons(), gallery.MaxPersons)
}

func TestFileKeepsTheGallery(t *testing.T) {
	m := model("net", "ab", 32)
	path := filepath.Join(t.TempDir(), "not", "yet", "faces.json")
	file := gallery.At(path)
	g, err := file.Current()
	require.NoError(t, err)
	require.Empty(t, g.Persons())
	enroll := func(name string, seed uint64) {
		require.NoError(t, gallery.At(path).Update(func(g *gallery.Gallery) (*gallery.Gallery, error) {
			return g.With(name, person(t, m, seed, 2), noon())
		}))
	}
	enroll("Ann", 1)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	enroll("Ben", 2)
	g, err = file.Current() // written by others
	require.NoError(t, err)
	require.Len(t, g.Persons(), 2)
	same, err := file.Current()
	require.NoError(t, err)
	require.Same(t, g, same)
	got, ok := g.Model()
	require.True(t, ok)
	require.Equal(t, m, got)
	for i, e := range person(t, m, 2, 2) {
		require.InDeltaSlice(t, e.Vector, g.Persons()[1].Pictures[i].Vector, 1e-6)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	// What was known of a person who is removed is in no file any more.
	require.NoError(t, file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) { return g.Without("Ben") }))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 2, "the gallery and its lock")

	// A change that fails changes nothing.
	require.ErrorIs(t, file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) { return g.Without("Ben") }), gallery.ErrUnknown)
	still, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(still))
	require.NoError(t, os.Remove(path))
	g, err = file.Current()
	require.NoError(t, err)
	require.Empty(t, g.Persons())
}

func TestUpdatesDoNotLoseEachOther(t *testing.T) {
	m := model("net", "ab", 8)
	path := filepath.Join(t.TempDir(), "faces.json")
	var wg sync.WaitGroup
	for i := range 8 {
		file, pictures := gallery.At(path), person(t, m, uint64(i), 1)
		wg.Go(func() {
			for j := range 5 {
				err := file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) {
					return g.With(fmt.Sprint(i, " ", j), pictures, noon())
				})
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	g, err := gallery.At(path).Current()
	require.NoError(t, err)
	require.Len(t, g.Persons(), 40)
}

func TestBadFilesAreRefusedAndKept(t *testing.T) {
	g := add(t, add(t, gallery.Empty(), "Ann", person(t, model("net", "ab", 2), 1, 1)), "Ben", person(t, model("net", "ab", 2), 2, 1))
	data, err := g.Encode()
	require.NoError(t, err)
	good := string(data)
	path := filepath.Join(t.TempDir(), "faces.json")
	for says, text := range map[string]string{
		"EOF":                    good[:len(good)/2],
		"unknown field":          strings.Replace(good, `"persons"`, `"people"`, 1),
		"version 2":              strings.Replace(good, `"version":1`, `"version":2`, 1),
		"want a name, a SHA-256": strings.Replace(good, `"sha256":"ab`, `"sha256":"`, 1),
		"want 8":                 strings.Replace(good, `"embeddings":["`, `"embeddings":["AAAA`, 1),
		"its length is":          strings.Replace(good, `"embeddings":["`, `"embeddings":["AAAAAAAAAAA=","`, 1),
		"0 embeddings":           regexp.MustCompile(`"embeddings":\[[^]]*\]`).ReplaceAllString(good, `"embeddings":[]`),
		"not in the order":       strings.Replace(good, `"Ben"`, `"Ann"`, 1),
		"name of a person":       strings.Replace(good, `"Ben"`, `"\u0007"`, 1),
		"something follows":      good + good,
		"restore " + path:        "",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		file := gallery.At(path)
		_, err := file.Current()
		require.ErrorIs(t, err, gallery.ErrFile, says)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) { return g, nil }), gallery.ErrFile)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
	_, err = gallery.At(t.TempDir()).Current()
	require.ErrorIs(t, err, gallery.ErrFile, "a folder")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	require.Error(t, gallery.At(filepath.Join(path, "faces.json")).Update(nil))
}

func TestDefaultPath(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	path, err := gallery.DefaultPath()
	require.NoError(t, err)
	require.Equal(t, "/data/porchlight/faces.json", path)
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "/home/ann")
	path, err = gallery.DefaultPath()
	require.NoError(t, err)
	require.Equal(t, "/home/ann/.local/share/porchlight/faces.json", path)
}

func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := gallery.Decode(data)
		if err != nil {
			require.ErrorIs(t, err, gallery.ErrFile)
			return
		}
		once, err := g.Encode()
		require.NoError(t, err)
		again, err := gallery.Decode(once)
		require.NoError(t, err)
		require.Len(t, again.Persons(), len(g.Persons()))
		require.False(t, bytes.Contains(once, []byte("NaN")))
	})
}
