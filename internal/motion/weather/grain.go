package weather

import (
	"math/rand/v2"
	"time"

	"porchlight/internal/event"
)

const (
	grainPixels = 1 << 15
	dayNoise    = 2 // gray levels, one standard deviation
	nightNoise  = 9
	blockSize   = 8                      // pixels
	mostOffset  = 8                      // of a block, in gray levels
	keyEvery    = 2 * time.Second        // the codec starts over, and all blocks change
	gustEvery   = 700 * time.Millisecond // the camera shakes in gusts
)

// grain is a table of normally distributed noise; rows of a frame begin
// anywhere in its first part. Each pixel's three values are independent.
func grain(random *rand.Rand, width int) []int16 {
	table := make([]int16, (grainPixels+width)*3)
	for i := range table {
		table[i] = int16(random.NormFloat64() * 16)
	}
	return table
}

// noiseTable is the grain at a standard deviation; the gray one is for
// infrared, whose three channels are one.
func (s *Sky) noiseTable(deviation int, gray bool) []int16 {
	key := deviation * 2
	if gray {
		key++
	}
	if s.noise[key] == nil {
		table := make([]int16, len(s.grain))
		for i, v := range s.grain {
			if gray {
				v = s.grain[i/3*3]
			}
			table[i] = int16((int(v)*deviation + 8) >> 4)
		}
		s.noise[key] = table
	}
	return s.noise[key]
}

// expand writes the picture with noise, blocks and shaking.
func (s *Sky) expand(f *event.Frame, from []byte, at time.Duration, random *rand.Rand) {
	deviation := 0
	if s.on(Noise, at) {
		deviation = dayNoise
		if isNight(at) {
			deviation = nightNoise
		}
	}
	noise, add := s.noiseTable(deviation, s.dark(at)), addRow
	if s.dark(at) {
		add = addGrayRow
	}
	dx, dy := s.shake(at, random)
	stride := f.Width * 3
	row := make([]byte, stride)
	blocks := s.blocks(f, at)
	across := (f.Width + blockSize - 1) / blockSize
	for y := range f.Height {
		source := from[max(0, min(f.Height-1, y+dy))*stride:][:stride]
		if dx != 0 {
			shiftRow(row, source, dx)
			source = row
		}
		grain := noise[random.IntN(grainPixels)*3:][:stride]
		out := f.Pix[y*stride:][:stride]
		if blocks == nil {
			add(out, source, grain, s.clamp[mostOffset:])
			continue
		}
		for b, offset := range blocks[y/blockSize*across:][:across] {
			i, j := b*blockSize*3, min(stride, (b+1)*blockSize*3)
			add(out[i:j], source[i:j], grain[i:j], s.clamp[mostOffset+offset:])
		}
	}
}

// addRow adds noise to a row, through a clamp table that is mostOffset short.
func addRow(out, source []byte, grain []int16, table []byte) {
	source, grain = source[:len(out)], grain[:len(out)]
	for i := range out {
		out[i] = table[clampBelow-mostOffset+int(source[i])+int(grain[i])]
	}
}

// addGrayRow is addRow where a pixel's three values are one, source and grain alike.
func addGrayRow(out, source []byte, grain []int16, table []byte) {
	source, grain = source[:len(out)], grain[:len(out)]
	for i := 2; i < len(out); i += 3 {
		v := table[clampBelow-mostOffset+int(source[i])+int(grain[i])]
		out[i-2], out[i-1], out[i] = v, v, v
	}
}

// shiftRow moves a row by whole pixels; its end is continued.
func shiftRow(out, in []byte, dx int) {
	if dx > 0 {
		n := copy(out, in[min(len(in), dx*3):])
		copy(out[n:], in[len(in)-(len(out)-n):])
		return
	}
	at := min(len(in), -dx*3)
	copy(out[at:], in)
	copy(out[:at], in[:at])
}

// shake is how far the camera points aside, in pixels.
func (s *Sky) shake(at time.Duration, random *rand.Rand) (dx, dy int) {
	if !s.on(Jitter, at) || s.slot(3, at/gustEvery).IntN(3) == 0 {
		return 0, 0
	}
	return random.IntN(5) - 2, random.IntN(3) - 1
}

// blocks are the offsets of the codec's blocks, row by row, or nil.
func (s *Sky) blocks(f *event.Frame, at time.Duration) []int {
	if !s.on(Blocks, at) {
		return nil
	}
	across, down := (f.Width+blockSize-1)/blockSize, (f.Height+blockSize-1)/blockSize
	random := s.slot(4, at/keyEvery)
	most := 2
	if isNight(at) {
		most = 4
	}
	offsets := make([]int, across*down)
	for i := range offsets {
		offsets[i] = random.IntN(2*most+1) - most
	}
	return offsets
}

// slot is the randomness of one stretch of time for one purpose.
func (s *Sky) slot(purpose uint64, number time.Duration) *rand.Rand {
	return rand.New(rand.NewPCG(s.seed^purpose<<56, uint64(number)))
}
