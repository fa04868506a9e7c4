//go:build cgo

package region_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/region"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

// tally counts the persons that are there and those that were found.
type tally struct {
	there, found, inferences int
	scores                   float64
}

func (c *tally) add(there []event.Box, found []region.Found) {
	for _, b := range there {
		c.there++
		best := 0.
		for _, f := range found {
			if f.Label == "person" && !f.Cut && f.Box.IoU(b) > 0.5 {
				best = max(best, f.Score)
			}
		}
		c.scores += best
		if best > 0.5 {
			c.found++
		}
	}
}

func (c *tally) recall() float64 { return float64(c.found) / float64(c.there) }
func (c *tally) mean() float64   { return c.scores / float64(c.there) }

// Pedestrians of 56 to 110 pixels. Who is there is told by overlapping regions
// all over the frame, each enlarged.
func TestRegionsShowSmallPeopleOnRealFootage(t *testing.T) {
	clip := visiontest.TestData(t, "footage", "vtest.avi")
	store, err := modelstore.New(modelstore.Config{Dir: visiontest.TestData(t, "models"), Manifest: models.Manifest()})
	require.NoError(t, err)
	d, err := vision.Open(store, "yolox-nano", 0.1)
	require.NoError(t, err)
	defer d.Close()
	look := func(f *event.Frame, regions []region.Region, c *tally) []region.Found {
		var looks []region.Look
		for _, r := range regions {
			found, err := d.Detect(t.Context(), region.Crop(f, r))
			require.NoError(t, err)
			looks = append(looks, region.Look{Region: r, Found: found})
			c.inferences++
		}
		return region.Merge(f.Width, f.Height, looks)
	}
	// The second view is a camera that sees twice as wide: gray around the
	// same picture.
	views := []region.Region{region.Whole(768, 576), {X: -384, Y: -288, Width: 1536, Height: 1152}}
	var whole, zoomed [2]tally
	choosers := []*region.Chooser{region.New(region.Config{}, nil), region.New(region.Config{}, nil)}
	err = capture.Run(t.Context(), capture.Config{
		URL: clip, FPS: 0.1, Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler),
	}, func(f *event.Frame) {
		there := people(look(f, tiles(f.Width, f.Height, 256), &tally{}))
		for i, v := range views {
			view := region.Crop(f, v)
			var boxes []event.Box
			for _, b := range there {
				boxes = append(boxes, event.Box{
					X0: (b.X0*float64(f.Width) - float64(v.X)) / float64(v.Width), X1: (b.X1*float64(f.Width) - float64(v.X)) / float64(v.Width),
					Y0: (b.Y0*float64(f.Height) - float64(v.Y)) / float64(v.Height), Y1: (b.Y1*float64(f.Height) - float64(v.Y)) / float64(v.Height),
				})
			}
			whole[i].add(boxes, look(view, []region.Region{region.Whole(view.Width, view.Height)}, &whole[i]))
			zoomed[i].add(boxes, look(view, choosers[i].Choose(view.Width, view.Height, nil, boxes), &zoomed[i]))
		}
	})
	require.NoError(t, err)
	for i, v := range views {
		t.Logf("%d x %d: whole frame: %d of %d persons, mean score %.2f, %d inferences; regions: %d, %.2f, %d inferences",
			v.Width, v.Height, whole[i].found, whole[i].there, whole[i].mean(), whole[i].inferences,
			zoomed[i].found, zoomed[i].mean(), zoomed[i].inferences)
		require.Greater(t, whole[i].there, 20)
		require.GreaterOrEqual(t, zoomed[i].recall(), 0.9)
		require.Greater(t, zoomed[i].mean(), whole[i].mean())
		require.LessOrEqual(t, zoomed[i].inferences, 3*whole[i].inferences)
	}
	require.Greater(t, zoomed[1].recall(), whole[1].recall()+0.2)
}

func people(found []region.Found) []event.Box {
	var list []event.Box
	for _, f := range found {
		if f.Label == "person" && f.Score > 0.6 && !f.Cut {
			list = append(list, f.Box)
		}
	}
	return list
}

// tiles are squares that cover a frame, each half over the next.
func tiles(width, height, side int) []region.Region {
	var list []region.Region
	for y := 0; y+side/2 < height; y += side / 2 {
		for x := 0; x+side/2 < width; x += side / 2 {
			list = append(list, region.Region{X: min(x, width-side), Y: min(y, height-side), Width: side, Height: side})
		}
	}
	return list
}
