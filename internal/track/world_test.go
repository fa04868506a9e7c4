package track_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/track"
	"porchlight/internal/track/mot"
)

// thing is what a world shows and a detector finds.
type thing struct {
	id     int64
	label  string
	box    event.Box
	score  float64
	hidden bool // behind something, and not found
	unseen bool // in view, but the detector misses it
}

// world draws frames of things before a wall, each with a pattern of its own,
// and finds them as a detector would.
type world struct {
	rng            *rand.Rand
	at             time.Time
	width, height  int
	things         []*thing
	shakeX, shakeY float64 // of the camera, in fractions of the frame
	gain, offset   float64 // of the light
	glare          event.Box
	jitter         float64 // of box sides, in sizes of the box
	missed         float64 // part of the detections
	noise          int     // gray levels
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func newWorld(things ...*thing) *world {
	return &world{rng: rand.New(rand.NewPCG(1, 2)), at: noon, width: 160, height: 90, things: things, gain: 1, noise: 4}
}

// cell is the brightness of a cell of a pattern: the same for the same numbers.
func cell(seed int64, x, y int) int {
	h := uint64(seed)*0x9e3779b97f4a7c15 ^ uint64(x+1000)*0xbf58476d1ce4e5b9 ^ uint64(y+1000)*0x94d049bb133111eb
	h ^= h >> 31
	h *= 0xd6e8feb86659fd93
	return 40 + int(h>>32%160)
}

func (w *world) frame() *event.Frame {
	f := &event.Frame{Width: w.width, Height: w.height, Time: w.at, Pix: make([]byte, w.width*w.height*3)}
	w.draw(f, event.Box{X1: 1, Y1: 1}, 0, 16)
	for _, v := range w.things {
		if !v.hidden {
			w.draw(f, v.box, v.id+1, 6)
		}
	}
	w.shine(f)
	dice := w.rng.Uint64() | 1
	for i := range f.Pix {
		dice ^= dice << 13
		dice ^= dice >> 7
		dice ^= dice << 17
		v := w.gain*float64(f.Pix[i]) + w.offset + float64(int(dice%uint64(2*w.noise+1))-w.noise)
		f.Pix[i] = uint8(max(0, min(255, v)))
	}
	return f
}

// shine brightens a part of the frame, the more the farther right.
func (w *world) shine(f *event.Frame) {
	px := func(v float64, size int) int { return int(v * float64(size)) }
	x0 := px(w.glare.X0, w.width)
	for y := px(w.glare.Y0, w.height); y < px(w.glare.Y1, w.height); y++ {
		for x := x0; x < px(w.glare.X1, w.width); x++ {
			for i := (y*w.width + x) * 3; i < (y*w.width+x)*3+3; i++ {
				f.Pix[i] = uint8(min(255, int(f.Pix[i])+400*(x-x0)/w.width))
			}
		}
	}
}

// draw fills a box with the pattern of a seed, cells a side.
func (w *world) draw(f *event.Frame, b event.Box, seed int64, cells int) {
	px := func(v float64, size int) int { return int(math.Round(v * float64(size))) }
	x0, x1 := px(b.X0+w.shakeX, w.width), px(b.X1+w.shakeX, w.width)
	y0, y1 := px(b.Y0+w.shakeY, w.height), px(b.Y1+w.shakeY, w.height)
	for y := max(0, y0); y < min(y1, w.height); y++ {
		for x := max(0, x0); x < min(x1, w.width); x++ {
			v := cell(seed, (x-x0)*cells/(x1-x0), (y-y0)*cells/(y1-y0))
			i := (y*w.width + x) * 3
			f.Pix[i], f.Pix[i+1], f.Pix[i+2] = uint8(v), uint8(v), uint8((v+cell(seed, -1, -1))/2)
		}
	}
}

// found is what a detector finds: of two things that overlap by half, one.
func (w *world) found() []event.Detection {
	var out []event.Detection
	for i := len(w.things) - 1; i >= 0; i-- {
		v := w.things[i]
		box := event.Box{X0: v.box.X0 + w.shakeX, Y0: v.box.Y0 + w.shakeY, X1: v.box.X1 + w.shakeX, Y1: v.box.Y1 + w.shakeY}
		covered := slices.ContainsFunc(w.things[i+1:], func(o *thing) bool { return !o.hidden && o.label == v.label && o.box.IoU(v.box) > 0.5 })
		if v.hidden || v.unseen || covered || w.rng.Float64() < w.missed || box.Clip().Area() < box.Area()/3 {
			continue
		}
		side := func(size float64) float64 { return w.rng.NormFloat64() * w.jitter * size }
		b := box
		b.X0, b.X1 = b.X0+side(v.box.Width()), b.X1+side(v.box.Width())
		b.Y0, b.Y1 = b.Y0+side(v.box.Height()), b.Y1+side(v.box.Height())
		out = append(out, event.Detection{Label: v.label, Score: v.score, Box: b.Clip()})
	}
	return out
}

func everywhere() []event.Box { return []event.Box{{X1: 1, Y1: 1}} }

// look shows the world to a tracker and then lets time pass.
func (w *world) look(t *track.Tracker, next time.Duration) []track.Track {
	tracks := t.Update(track.Sight{Frame: w.frame(), Looked: everywhere(), Found: w.found()})
	w.at = w.at.Add(next)
	return tracks
}

// truth is what of the world can be seen.
func (w *world) truth() (out []mot.Object) {
	for _, v := range w.things {
		if !v.hidden && v.box.Clip().Area() >= v.box.Area()/2 {
			out = append(out, mot.Object{ID: v.id, Box: v.box.Clip()})
		}
	}
	return out
}

func seen(tracks []track.Track) (out []mot.Object) {
	for _, t := range tracks {
		if t.Seen && t.True {
			out = append(out, mot.Object{ID: t.ID, Box: t.Box})
		}
	}
	return out
}

// play shows the world for a time, changed by move at each look, and scores
// the tracks that have proved true.
func (w *world) play(t *testing.T, tracker *track.Tracker, lasting time.Duration, step func() time.Duration, move func(since time.Duration)) mot.Score {
	t.Helper()
	var frames []mot.Frame
	for begin := w.at; w.at.Sub(begin) < lasting; {
		move(w.at.Sub(begin))
		truth := w.truth()
		frames = append(frames, mot.Frame{Truth: truth, Found: seen(w.look(tracker, step()))})
	}
	score, err := mot.Evaluate(frames, 0.4)
	require.NoError(t, err)
	return score
}

func everySecond() time.Duration { return time.Second }
func fiveASecond() time.Duration { return 200 * time.Millisecond }

func person(id int64, x, y float64) *thing {
	return &thing{id: id, label: "person", score: 0.8, box: event.Box{X0: x, Y0: y, X1: x + 0.08, Y1: y + 0.4}}
}

func car(id int64, x, y float64) *thing {
	return &thing{id: id, label: "car", score: 0.75, box: event.Box{X0: x, Y0: y, X1: x + 0.2, Y1: y + 0.2}}
}

func (v *thing) to(x float64) { v.box.X0, v.box.X1 = x, x+v.box.Width() }

func byID(t *testing.T, tracks []track.Track, id int64) track.Track {
	t.Helper()
	for _, v := range tracks {
		if v.ID == id {
			return v
		}
	}
	require.Failf(t, "no such track", "id %d in %+v", id, tracks)
	return track.Track{}
}
