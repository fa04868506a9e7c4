// Package weather makes bad weather for tests: a still picture and twelve
// hours of what outdoor cameras see without anybody moving. There are sensor
// noise, rain, the switch between color and infrared, headlights, daylight
// that drifts, lightning, shaking, leaves and a codec's blocks.
//
// It is deterministic: a frame depends on the picture, the seed, the effects
// and the time alone, not on the frames before it.
package weather

import (
	"math/rand/v2"
	"time"

	"porchlight/internal/event"
)

// Sky is the weather over one picture. It is not safe for concurrent use.
type Sky struct {
	base    *event.Frame
	seed    uint64
	effects Effect

	day, night *canvas
	grain      []int16         // noise of standard deviation 1, in 1/16 gray levels
	noise      map[int][]int16 // by standard deviation, in gray levels as the clamp wants them
	clamp      []byte
	scratch    []byte // a frame in the making
	sequence   int64
}

// canvas is the picture under one kind of light.
type canvas struct {
	pix   []byte // as the camera's sensor has it
	toned []byte // as it is exposed
	gain  int    // of toned, in 1/gainSteps
	lift  int    // of toned, in gray levels
}

const (
	clampBelow = 512 // values under 0 that the clamp table takes
	gainSteps  = 256
)

// New returns the weather over a picture, which must have the pixels its size
// asks for. Without effects it has all.
func New(base *event.Frame, seed uint64, effects ...Effect) *Sky {
	s := &Sky{base: base, seed: seed, noise: map[int][]int16{}}
	for _, e := range effects {
		s.effects |= e
	}
	if s.effects == 0 {
		s.effects = All
	}
	s.clamp = make([]byte, clampBelow+256+512)
	for i := range s.clamp {
		s.clamp[i] = byte(max(0, min(255, i-clampBelow)))
	}
	s.grain = grain(rand.New(rand.NewPCG(seed, 1)), base.Width)
	s.day, s.night = &canvas{pix: base.Pix}, &canvas{pix: infrared(base)}
	return s
}

// Epoch is the wall clock at the start of the time line: four in the
// afternoon.
func Epoch() time.Time { return time.Date(2026, 1, 10, 16, 0, 0, 0, time.UTC) }

// Frame is the picture at a time of the time line, which repeats after Length.
// Its pixels are its own. Its Sequence counts the calls.
func (s *Sky) Frame(at time.Duration) *event.Frame { return s.render(s.day, s.night, at) }

// Over is the weather over another picture of the same size, for scenes in
// which something moves.
func (s *Sky) Over(picture *event.Frame, at time.Duration) *event.Frame {
	night := &canvas{}
	if s.dark(at) {
		night.pix = infrared(picture)
	}
	return s.render(&canvas{pix: picture.Pix}, night, at)
}

func (s *Sky) render(day, night *canvas, at time.Duration) *event.Frame {
	f := &event.Frame{
		Sequence: s.sequence, Time: Epoch().Add(at), Offset: at,
		Width: s.base.Width, Height: s.base.Height, Pix: make([]byte, len(s.base.Pix)),
	}
	s.sequence++
	random := rand.New(rand.NewPCG(s.seed, uint64(at)))
	from := day
	if s.dark(at) {
		from = night
	}
	from.expose(s.exposure(at))
	s.expand(f, s.scenery(from.toned, at), at, random)
	if s.on(Rain, at) {
		rain(f, random, isNight(at))
	}
	return f
}

// scenery is what there is to see before the sensor adds its noise.
func (s *Sky) scenery(toned []byte, at time.Duration) []byte {
	leaves, lamps := s.on(Leaves, at), s.Sweep(at)
	if !leaves && !lamps {
		return toned
	}
	s.scratch = append(s.scratch[:0], toned...)
	f := &event.Frame{Width: s.base.Width, Height: s.base.Height, Pix: s.scratch}
	if leaves {
		sway(f, at, s.seed)
	}
	if lamps {
		s.headlights(f, at)
	}
	return s.scratch
}

func (s *Sky) on(e Effect, at time.Duration) bool { return s.effects&e != 0 && e.at(at) }

// dark: the camera's infrared is on.
func (s *Sky) dark(at time.Duration) bool { return s.effects&Infrared != 0 && isNight(at) }
