package gallery_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
)

// network is a finder and embedder that says what it is told to.
type network struct {
	faces   []face.Face
	made    face.Embedding
	err     error
	box     bool // of the crops it wants
	embeds  int
	largest float64
}

func (n *network) Faces(context.Context, *event.Frame) ([]face.Face, error) { return n.faces, n.err }

func (n *network) Embed(ctx context.Context, _ *event.Frame, found face.Face) (face.Embedding, error) {
	n.largest = found.Height()
	return n.EmbedAligned(ctx, nil)
}

func (n *network) EmbedAligned(context.Context, *event.Frame) (face.Embedding, error) {
	n.embeds++
	return n.made, n.err
}

func (n *network) Model() face.Model    { return n.made.Model }
func (n *network) MaxDistance() float64 { return 0.55 }
func (n *network) TakesAligned() bool   { return !n.box }

// at is a face that looks into the camera, its box size pixels wide.
func at(x, y, size, score float64) face.Face {
	f := face.Face{Box: [4]float64{x, y, x + size, y + size}, Score: score}
	for i, p := range face.Template() {
		f.Landmarks[i] = face.Point{X: x + p.X*size/face.CropSide, Y: y + p.Y*size/face.CropSide}
	}
	return f
}

// noise is a sharp picture, gray one without detail.
func noise(side int) *event.Frame {
	f := gray(side)
	for i := range f.Pix {
		f.Pix[i] = byte(i * i / 7)
	}
	return f
}

func gray(side int) *event.Frame {
	return &event.Frame{Width: side, Height: side, Pix: make([]byte, side*side*3)}
}

func TestLookWantsOneGoodFace(t *testing.T) {
	m := model("net", "ab", 8)
	aside := at(50, 50, 100, 1)
	aside.Landmarks[2].X += 28
	for name, c := range map[string]struct {
		faces []face.Face
		frame *event.Frame
		err   error
		says  string
	}{
		"nothing":           {nil, noise(300), gallery.ErrNoFace, "from the front"},
		"a pattern":         {[]face.Face{at(50, 50, 100, 0.6)}, noise(300), gallery.ErrNoFace, ""},
		"one":               {[]face.Face{at(50, 50, 100, 1)}, noise(300), nil, ""},
		"one and a crowd":   {[]face.Face{at(0, 0, 30, 1), at(50, 50, 100, 1), at(200, 0, 20, 1)}, noise(300), nil, ""},
		"one and a pattern": {[]face.Face{at(50, 50, 100, 1), at(0, 0, 90, 0.6)}, noise(300), nil, ""},
		"two":               {[]face.Face{at(50, 50, 100, 1), at(180, 50, 60, 0.9)}, noise(300), gallery.ErrManyFaces, "2 of them: cut out"},
		"far":               {[]face.Face{at(50, 50, 35, 1)}, noise(300), gallery.ErrPoor, "35 pixels"},
		"aside":             {[]face.Face{aside}, noise(300), gallery.ErrPoor, "turned aside"},
		"blurred":           {[]face.Face{at(50, 50, 100, 1)}, gray(300), gallery.ErrPoor, "not sharp"},
		"no face at all":    {[]face.Face{{Score: 1, Box: [4]float64{10, 10, 90, 90}}}, noise(300), face.ErrLandmarks, ""},
	} {
		n := &network{faces: c.faces, made: person(t, m, 1, 1)[0]}
		s, err := gallery.Look(t.Context(), n, n, c.frame)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, name)
			require.ErrorContains(t, err, c.says, name)
			require.Zero(t, n.embeds, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, n.made, s.Embedding, name)
		require.Equal(t, 100.0, s.Face.Height(), name)
		require.Equal(t, 100.0, n.largest, name)
	}
	broken := errors.New("broken")
	_, err := gallery.Look(t.Context(), &network{err: broken}, &network{}, noise(300))
	require.ErrorIs(t, err, broken)
	_, err = gallery.Look(t.Context(), &network{faces: []face.Face{at(50, 50, 100, 1)}}, &network{err: broken}, noise(300))
	require.ErrorIs(t, err, broken)
}

func TestAgreeFindsTheOddOne(t *testing.T) {
	m := model("net", "ab", 64)
	ann := person(t, m, 1, 4)
	for n := range 5 {
		_, err := gallery.Agree(ann[:n], 0.55)
		require.NoError(t, err)
	}
	ann[2] = person(t, m, 2, 1)[0]
	odd, err := gallery.Agree(ann, 0.55)
	require.ErrorIs(t, err, gallery.ErrDiffer)
	require.Equal(t, 2, odd)
	ann[2] = person(t, model("other", "cd", 64), 1, 1)[0]
	_, err = gallery.Agree(ann, 0.55)
	require.ErrorIs(t, err, face.ErrOtherModel)
}

func TestIdentifierAsksTheGalleryOfNow(t *testing.T) {
	m := model("net", "ab", 64)
	path := t.TempDir() + "/faces.json"
	n := &network{made: person(t, m, 1, 9)[8]}
	i, err := gallery.NewIdentifier(n, gallery.At(path))
	require.NoError(t, err)
	identify := func() (string, float64) {
		name, distance, err := i.Identify(t.Context(), face.Crop{Frame: gray(112)})
		require.NoError(t, err)
		return name, distance
	}
	name, distance := identify()
	require.Equal(t, "", name)
	require.Equal(t, 2.0, distance)
	require.Zero(t, n.embeds, "there is nobody to compare with")

	file := gallery.At(path)
	enroll := func(name string, seed uint64) {
		require.NoError(t, file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) {
			return g.With(name, person(t, m, seed, 3), noon())
		}))
	}
	enroll("Ben", 2)
	name, distance = identify()
	require.Equal(t, "", name)
	require.Greater(t, distance, 0.6)
	enroll("Ann", 1)
	name, distance = identify()
	require.Equal(t, "Ann", name)
	require.Less(t, distance, 0.4)
	_, _, err = i.Identify(t.Context(), face.Crop{})
	require.ErrorIs(t, err, face.ErrFrame)
	n.err = errors.New("broken")
	_, _, err = i.Identify(t.Context(), face.Crop{Frame: gray(112)})
	require.ErrorIs(t, err, n.err)

	g, err := file.Current()
	require.NoError(t, err)
	_, err = gallery.NewIdentifier(&network{made: person(t, model("other", "cd", 64), 1, 1)[0]}, g)
	require.ErrorIs(t, err, gallery.ErrModel)
	_, err = gallery.NewIdentifier(&network{box: true}, g)
	require.ErrorIs(t, err, gallery.ErrAligned)
	_, err = gallery.NewIdentifier(n, gallery.At(t.TempDir()))
	require.ErrorIs(t, err, gallery.ErrFile)
}

func TestCamerasShareAnIdentifier(t *testing.T) {
	m := model("net", "ab", 16)
	n := &network{made: person(t, m, 1, 1)[0]}
	file := gallery.At(t.TempDir() + "/faces.json")
	i, err := gallery.NewIdentifier(n, file)
	require.NoError(t, err)
	enroll := func(name string) error {
		return file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) {
			return g.With(name, []face.Embedding{n.made}, noon())
		})
	}
	require.NoError(t, enroll("Ann"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				name, _, err := i.Identify(t.Context(), face.Crop{Frame: gray(112)})
				assert.NoError(t, err)
				assert.Equal(t, "Ann", name)
			}
		})
	}
	wg.Go(func() { assert.NoError(t, enroll("Ann")) }) // read anew meanwhile
	wg.Wait()
	require.Equal(t, 200, n.embeds)
}
