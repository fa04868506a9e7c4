//go:build cgo

package main

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face/gallery"
	"porchlight/internal/vision/visiontest"
)

// galleryDir sets up models, among them the test data's for telling faces
// apart, and a gallery in which there is nobody.
func galleryDir(t *testing.T) (file string) {
	t.Helper()
	t.Setenv("PORCHLIGHT_MODELS", visiontest.EmbeddingDir(t))
	file = filepath.Join(t.TempDir(), "faces.json")
	t.Setenv("PORCHLIGHT_GALLERY", file)
	return file
}

func photo(t *testing.T, name string) string {
	return visiontest.TestData(t, "faces", "people", filepath.FromSlash(name))
}

func enroll(t *testing.T, name string, files ...string) {
	t.Helper()
	r := porchlight(t, append([]string{"faces", "enroll", name}, files...)...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, r.stdout)
	require.Contains(t, r.stderr, name+" is enrolled")
}

func enrollFive(t *testing.T) {
	for name, file := range map[string]string{
		"Alex": "alex_lacamoire/img1.jpg", "Joe": "biden/biden.jpg", "Kit": "kit_harington/john1.jpeg",
		"Barack": "obama/obama.jpg", "Rose Leslie": "rose_leslie/img1.jpg",
	} {
		enroll(t, name, photo(t, file))
	}
}

// Five persons, enrolled from one picture each, are known in other pictures;
// strangers are not.
func TestPeopleAreKnownFromOnePicture(t *testing.T) {
	galleryDir(t)
	enrollFive(t)
	want := map[string]string{
		photo(t, "biden/biden2.jpg"): "Joe", photo(t, "kit_harington/john2.jpeg"): "Kit",
		photo(t, "obama/obama2.jpg"): "Barack", photo(t, "rose_leslie/img2.jpg"): "Rose Leslie",
		photo(t, "alex_lacamoire/img1.jpg"): "Alex", // the very picture
	}
	strangers, err := filepath.Glob(visiontest.TestData(t, "faces", "celeb", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, strangers, 4)
	strangers = append(strangers, visiontest.TestData(t, "footage", "messi5.jpg"), visiontest.TestData(t, "footage", "basketball1.png"))
	for _, model := range []string{"mtcnn", "yunet"} {
		args := append([]string{"faces", "identify", "--json", "--model", model}, strangers...)
		for file := range want {
			args = append(args, file)
		}
		r := porchlight(t, args...)
		require.Equal(t, 0, r.code, r.stderr)
		named, others := map[string]string{}, 0
		for _, l := range lines[identityLine](t, r) {
			require.Zero(t, l.Frame)
			require.NotNil(t, l.Distance)
			require.Greater(t, l.Box[2], l.Box[0])
			if l.Name == nil {
				others++
				require.Greater(t, *l.Distance, 0.6, "%s with %s", l.File, model)
				continue
			}
			require.Less(t, *l.Distance, 0.55, "%s with %s", l.File, model)
			require.Empty(t, named[l.File])
			named[l.File] = *l.Name
		}
		require.Equal(t, want, named, model)
		require.GreaterOrEqual(t, others, 5, model)
	}
}

func TestIdentifyInVideosAndForPeople(t *testing.T) {
	galleryDir(t)
	enroll(t, "Kit", photo(t, "kit_harington/john1.jpeg"), photo(t, "kit_harington/john2.jpeg"))
	clip := visiontest.TestData(t, "footage", "head-pose-face-detection-female.gif")
	r := porchlight(t, "faces", "identify", "--json", "--model", "yunet", clip)
	require.Equal(t, 0, r.code, r.stderr)
	last := int64(0)
	for _, l := range lines[identityLine](t, r) {
		require.Nil(t, l.Name)
		last = max(last, l.Frame)
	}
	require.Greater(t, last, int64(15))

	r = porchlight(t, "faces", "identify", photo(t, "kit_harington/john2.jpeg"), photo(t, "obama/obama.jpg"))
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "DISTANCE")
	require.Regexp(t, `john2.jpeg .* Kit +0\.`, r.stdout)
	require.Regexp(t, `obama.jpg .* \(nobody known\) +[01]\.`, r.stdout)
	r = porchlight(t, "faces", "identify", "--max-distance", "0.01", "--json", photo(t, "kit_harington/john2.jpeg"))
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, `"name":null,"distance":0.`)
}

func TestPersonsAreListedAndForgotten(t *testing.T) {
	file := galleryDir(t)
	r := porchlight(t, "faces", "list", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, r.stdout)
	r = porchlight(t, "faces", "identify", "--json", photo(t, "obama/obama2.jpg"))
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, `"name":null,"distance":null}`)
	require.Contains(t, r.stderr, "nobody is enrolled")

	r = porchlight(t, "faces", "enroll", "--json", "Barack", photo(t, "obama/obama.jpg"), photo(t, "obama/obama2.jpg"))
	require.Equal(t, 0, r.code, r.stderr)
	require.Len(t, lines[identityLine](t, r), 2)
	enroll(t, "Rose", photo(t, "rose_leslie/img1.jpg"))
	enroll(t, "Rose", photo(t, "rose_leslie/img2.jpg")) // one more
	r = porchlight(t, "faces", "list", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	persons := lines[personLine](t, r)
	require.Len(t, persons, 2)
	require.Equal(t, "Barack", persons[0].Name)
	for _, p := range persons {
		require.Equal(t, 2, p.Pictures)
		require.Equal(t, visiontest.EmbeddingModel, p.Model)
		require.False(t, p.Enrolled.IsZero())
	}
	r = porchlight(t, "faces", "list")
	require.Equal(t, 0, r.code, r.stderr)
	require.Regexp(t, `Rose +2 +20`, r.stdout)
	require.Contains(t, r.stderr, file)

	r = porchlight(t, "faces", "remove", "Barack")
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stderr, "Barack is forgotten")
	r = porchlight(t, "faces", "identify", "--json", photo(t, "obama/obama2.jpg"))
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, `"name":null`)
	r = porchlight(t, "faces", "remove", "Barack")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "porchlight faces list")
}

// One bad picture and nothing is enrolled; what is said names it and the cure.
func TestEnrollRefusesWhatWouldSpoilTheGallery(t *testing.T) {
	file := galleryDir(t)
	good := photo(t, "obama/obama.jpg")
	for says, files := range map[string][]string{
		"multiface.jpg: several faces in the picture, 6 of them: cut out": {good, visiontest.TestData(t, "faces", "multiface.jpg")},
		"eagle.jpg: no face in the picture: use one in which":             {visiontest.TestData(t, "footage", "img", "eagle.jpg"), good},
		"small.jpg: the face is not good enough to enroll: it is":         {small(t, good, 8), good},
		"it is a video":                       {visiontest.TestData(t, "footage", "head-pose-face-detection-male.gif")},
		"the pictures do not show one person": {good, photo(t, "obama/obama2.jpg"), photo(t, "biden/biden.jpg")},
		"absent.jpg":                          {good, "absent.jpg"},
	} {
		r := porchlight(t, append([]string{"faces", "enroll", "--json", "Barack"}, files...)...)
		require.Equal(t, 1, r.code, says)
		require.Contains(t, r.stderr, says)
		require.Contains(t, r.stderr, "Barack is not enrolled")
		require.Empty(t, r.stdout)
		require.NoFileExists(t, file)
	}
	enroll(t, "Barack", good)
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	r := porchlight(t, "faces", "enroll", "Barry", photo(t, "obama/obama2.jpg"))
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "enrolled already, as Barack")
	r = porchlight(t, "faces", "enroll", "Barack", photo(t, "biden/biden.jpg"))
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "biden.jpg: the pictures do not show one person")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// small writes a picture from as far as so many times the distance.
func small(t *testing.T, from string, times int) string {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	whole, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	f := &event.Frame{Width: whole.Bounds().Dx() / times, Height: whole.Bounds().Dy() / times}
	for i := range f.Width * f.Height {
		r, g, b, _ := whole.At(i%f.Width*times, i/f.Width*times).RGBA()
		f.Pix = append(f.Pix, byte(b>>8), byte(g>>8), byte(r>>8))
	}
	return writePNG(t, filepath.Join(t.TempDir(), "small.jpg"), f)
}

func TestRecognitionSaysWhatIsMissingOrWrong(t *testing.T) {
	dir := syntheticDir(t)
	scene := writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(64, 48))
	file := filepath.Join(dir, "faces.json")
	t.Setenv("PORCHLIGHT_GALLERY", file)
	t.Setenv("PORCHLIGHT_MODELS", dir)
	for _, verb := range [][]string{{"enroll", "Ann"}, {"identify"}} {
		call := func(flags ...string) result {
			return porchlight(t, append(append(append([]string{"faces", verb[0]}, flags...), verb[1:]...), scene)...)
		}
		r := call()
		require.Equal(t, 1, r.code)
		require.Equal(t, "porchlight: face recognition is unavailable: no embedding model is installed: porchlight models pull sface\n", r.stderr)
		r = call("--embedding", "mtcnn")
		require.Equal(t, 2, r.code)
		require.Contains(t, r.stderr, "does not tell faces apart")
		r = call("--embedding", "resnet")
		require.Equal(t, 2, r.code)
		r = call("--embedding", "sface")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.stderr, "porchlight models pull sface")
	}
	for _, args := range [][]string{
		{"faces", "enroll", " Ann", scene},
		{"faces", "enroll", "Ann"},
		{"faces", "identify", "--max-distance", "3", scene},
		{"faces", "identify", "--min-face", "0", scene},
		{"faces", "remove"},
	} {
		r := porchlight(t, args...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
	}
	r := porchlight(t, "detect", "--model", "sface", scene)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "porchlight faces identify --embedding sface")

	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	r = porchlight(t, "faces", "list")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "restore "+file)
}

// The gallery of a model that is not the one at hand is not compared with.
func TestGalleriesOfOtherModelsAreRefused(t *testing.T) {
	file := galleryDir(t)
	enroll(t, "Kit", photo(t, "kit_harington/john1.jpeg"))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	other := strings.Replace(string(data), `"name":"`+visiontest.EmbeddingModel+`","sha256":"`, `"name":"other-net","sha256":"00`, 1)
	i := strings.Index(other, `"sha256":"`) + len(`"sha256":"`)
	other = other[:i+62] + other[i+64:] // still a hash
	require.NoError(t, os.WriteFile(file, []byte(other), 0o600))
	r := porchlight(t, "faces", "identify", photo(t, "kit_harington/john2.jpeg"))
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, gallery.ErrModel.Error()+", other-net")
}
