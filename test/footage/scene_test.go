package footage

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/motion/weather"
	"porchlight/internal/pipeline"
	"porchlight/internal/region"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

// stillScene is a picture on which nothing moves.
type stillScene struct {
	parked bool // a vehicle is on it, at rest from the start
	shown  []weather.Span
	frame  func(*testing.T) *event.Frame
}

// stillScenes are those of the footage, or one that the tests paint. The street
// is the most restless in the headlights, and shown for a part of the time.
func stillScenes() map[string]stillScene {
	const minute = time.Minute
	all := []weather.Span{{From: 0, To: time.Hour}, {From: time.Hour, To: 4 * time.Hour}, {From: 4 * time.Hour, To: weather.Length + 10*minute}}
	if os.Getenv("PORCHLIGHT_TESTDATA") == "" {
		return map[string]stillScene{
			"house": {false, all, func(*testing.T) *event.Frame { return weather.Scene(streamWidth, 360, 3) }},
		}
	}
	some := []weather.Span{
		{From: 55 * minute, To: 70 * minute}, {From: weather.Dusk - 5*minute, To: weather.Dusk + 50*minute},
		{From: 295 * minute, To: 310 * minute}, {From: weather.Dawn - 5*minute, To: weather.Dawn + 5*minute},
	}
	return map[string]stillScene{
		"room":   {false, all, func(t *testing.T) *event.Frame { return moment(t, "one-by-one-person-detection.mp4", 2) }},
		"street": {true, some, func(t *testing.T) *event.Frame { return withoutPassersBy(t, "vtest.avi") }},
		"drive":  {true, all, parkedCar},
	}
}

// streamWidth in pixels, of the small stream that a camera offers for this.
const streamWidth = 640

// testdata returns the folder with footage and models.
func testdata(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PORCHLIGHT_TESTDATA")
	if dir == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no footage")
	}
	return dir
}

// eye opens the real model, or the synthetic one where there is no footage.
func eye(t *testing.T) *vision.Detector {
	t.Helper()
	name, dir := model, t.TempDir()
	if data := os.Getenv("PORCHLIGHT_TESTDATA"); data != "" {
		dir = filepath.Join(data, "models")
	} else {
		name = visiontest.Model
		_, err := visiontest.WriteSyntheticSSD(dir)
		require.NoError(t, err)
	}
	store, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	require.NoError(t, err)
	detector, err := vision.Open(store, name, pipeline.WeakScore)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, detector.Close()) })
	return detector
}

var errSeen = errors.New("enough seen")

// between returns the frames of a part of a video file.
func between(t *testing.T, file string, from, to time.Duration) (frames []*event.Frame) {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	err := capture.Run(ctx, capture.Config{
		Name: "home.clip", URL: file, FPS: 5, MaxWidth: streamWidth, Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler),
	}, func(f *event.Frame) {
		switch {
		case ctx.Err() != nil:
		case f.Offset > to:
			stop(errSeen)
		case f.Offset >= from:
			frames = append(frames, f)
		}
	})
	require.NoError(t, err)
	require.NotEmpty(t, frames, "%s has frames from %v to %v", file, from, to)
	return frames
}

func moment(t *testing.T, clip string, seconds float64) *event.Frame {
	t.Helper()
	at := time.Duration(seconds * float64(time.Second))
	return between(t, filepath.Join(testdata(t), "footage", clip), at, at+time.Second)[0]
}

// withoutPassersBy is what stays of a clip when each pixel has the median of
// its values: those who walk are gone, what is parked is there.
func withoutPassersBy(t *testing.T, clip string) *event.Frame {
	t.Helper()
	const every = 10
	all := between(t, filepath.Join(testdata(t), "footage", clip), 0, time.Hour)
	out := *all[0]
	out.Pix = make([]byte, len(all[0].Pix))
	var values []byte
	for i := range out.Pix {
		values = values[:0]
		for k := 0; k < len(all); k += every {
			values = append(values, all[k].Pix[i])
		}
		slices.Sort(values)
		out.Pix[i] = values[len(values)/2]
	}
	return &out
}

// parkedCar puts a car, cut out of a photograph, on an empty ground.
func parkedCar(t *testing.T) *event.Frame {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata(t), "footage", "img", "dog.jpg"))
	require.NoError(t, err)
	photo, err := vision.DecodeImage(data)
	require.NoError(t, err)
	car := vehicle(t, photo)
	w, h := float64(photo.Width), float64(photo.Height)
	from := region.Region{
		X: int(car.Box.X0 * w), Y: int(car.Box.Y0 * h), Width: int(car.Box.Width() * w), Height: int(car.Box.Height() * h),
	}
	base := moment(t, "car-detection.mp4", 2)
	out := *base
	out.Pix = slices.Clone(base.Pix)
	paste(&out, region.Crop(photo, from), base.Width/8, base.Height/3)
	return &out
}

// paste puts a picture on another, with its left upper corner at x,y.
func paste(on, picture *event.Frame, x, y int) {
	width := min(picture.Width, on.Width-x) * 3
	for row := range min(picture.Height, on.Height-y) {
		copy(on.Pix[((y+row)*on.Width+x)*3:][:width], picture.Pix[row*picture.Width*3:])
	}
}

// vehicle is the one the model is surest of.
func vehicle(t *testing.T, f *event.Frame) event.Detection {
	t.Helper()
	found, err := eye(t).Detect(t.Context(), f)
	require.NoError(t, err)
	best := event.Detection{}
	for _, d := range found {
		if (d.Label == "car" || d.Label == "truck" || d.Label == "bus") && d.Score > best.Score {
			best = d
		}
	}
	require.GreaterOrEqual(t, best.Score, minScore, "the model sees a vehicle")
	return best
}

// requireVehicle: what is parked would make an event if it were not at rest.
func (n *night) requireVehicle(t *testing.T) {
	t.Helper()
	v := vehicle(t, n.sky.Frame(0))
	t.Logf("parked: %s %.2f at %.2f", v.Label, v.Score, v.Box)
}
