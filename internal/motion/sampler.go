package motion

import "math"

// sampler reduces a frame to a grid of brightness.
//
// Each cell is the sum of 3x3 pixels spread over it, of which five give green,
// two red and two blue, as the mosaic of a camera's sensor does: that weighs
// the colors nearly as luma does and reads a third of the bytes.
type sampler struct {
	width, height int
	cols, rows    int
	colored       bool // the last frame had color
	seen          bool // a frame

	offset [3][]int32 // byte offset within a row, for each of a cell's three columns
	raw    []int32    // one row of sums
	smooth []int32    // the grid blurred along its rows
	luma   []int32    // the grid blurred both ways
	tone   []int32    // sum of samples to logarithmic brightness
}

const (
	gridRows    = 100
	gridMaxCols = 400 // of very wide pictures

	// level is one gray level in the sampled grid, and fine the number of
	// further bits of the background.
	levelBits = 8
	level     = 1 << levelBits
	fineBits  = 8

	// toneKnee is where the scale turns from linear to logarithmic, in gray
	// levels. Lower would make more of a dark scene's noise than of its light.
	toneKnee = 40
)

func newSampler(width, height int) sampler {
	s := sampler{width: width, height: height}
	s.rows = min(height, gridRows)
	s.cols = min(max(1, (width*s.rows+height/2)/height), width, gridMaxCols)
	for k := range s.offset {
		s.offset[k] = make([]int32, s.cols)
		for x := range s.cols {
			s.offset[k][x] = int32(spread(x, k, s.cols, width) * 3)
		}
	}
	s.raw = make([]int32, s.cols)
	s.smooth = make([]int32, s.cols*s.rows)
	s.luma = make([]int32, s.cols*s.rows)
	s.tone = toneCurve()
	return s
}

// spread is where the k-th of three samples of a cell lies.
func spread(cell, k, cells, size int) int {
	return min(size-1, (6*cell+2*k+1)*size/(6*cells))
}

// toneCurve maps the sum of nine samples to brightness in sixteenths of a
// level, 0..255: proportional to ln(1 + v/knee). The blur adds the other bits.
func toneCurve() []int32 {
	curve := make([]int32, 9*255+1)
	top := math.Log1p(255.0 / toneKnee)
	for i := range curve {
		curve[i] = int32(math.Round(255 * 16 * math.Log1p(float64(i)/9/toneKnee) / top))
	}
	return curve
}

func (s *sampler) fits(width, height int) bool { return s.width == width && s.height == height }

// sample returns the grid of a frame in units of level. It is overwritten by
// the next call.
func (s *sampler) sample(pix []byte) []int32 {
	stride := s.width * 3
	var color [2]int
	for y := range s.rows {
		var row [3][]byte
		for k := range row {
			at := spread(y, k, s.rows, s.height) * stride
			row[k] = pix[at : at+stride]
		}
		s.sampleRow(row)
		if y%8 == 4 || s.rows < 8 {
			s.sampleColor(row[1], &color)
		}
		blurRow(s.smooth[y*s.cols:(y+1)*s.cols], s.raw)
	}
	blurColumns(s.luma, s.smooth, s.cols)
	s.judgeColor(color)
	return s.luma
}

func (s *sampler) sampleRow(row [3][]byte) {
	left, middle, right := s.offset[0], s.offset[1][:len(s.offset[0])], s.offset[2][:len(s.offset[0])]
	raw := s.raw[:len(left)]
	top, center, bottom := row[0], row[1], row[2]
	for x, l := range left {
		m, r := middle[x], right[x]
		sum := int32(top[l+1]) + int32(top[m+2]) + int32(top[r+1]) +
			int32(center[l]) + int32(center[m+1]) + int32(center[r]) +
			int32(bottom[l+1]) + int32(bottom[m+2]) + int32(bottom[r+1])
		raw[x] = s.tone[sum]
	}
}

// A cell has color when its channels differ by more than colorSpread gray
// levels: codecs keep gray within a few. A picture is gray when hardly a cell
// has color, and colored when nearly half of it has; between, it stays what it
// was, as a red car does not make a gray yard a colored picture.
const (
	colorSpread = 8
	grayPart    = 0.005
	coloredPart = 0.4
	firstPart   = 0.05 // divides the first picture of a source
)

// sampleColor counts the cells in color[0] and those with color in color[1].
func (s *sampler) sampleColor(row []byte, color *[2]int) {
	for x := 0; x < s.cols; x += 4 {
		p := row[s.offset[1][x]:]
		b, g, r := p[0], p[1], p[2]
		color[0]++
		if max(b, g, r)-min(b, g, r) > colorSpread {
			color[1]++
		}
	}
}

func (s *sampler) judgeColor(color [2]int) {
	part := float64(color[1]) / float64(color[0])
	if !s.seen {
		s.colored, s.seen = part > firstPart, true
		return
	}
	s.colored = part > coloredPart || s.colored && part > grayPart
}

// blurRow and blurColumns weigh 1 2 1, together a Gaussian of sigma 0.7 with
// sum 16; edges are continued.
func blurRow(out, in []int32) {
	last := len(in) - 1
	if last == 0 {
		out[0] = 4 * in[0]
		return
	}
	out = out[:len(in)]
	out[0] = 3*in[0] + in[1]
	a, b := in[0], in[1]
	for i := 2; i <= last; i++ {
		c := in[i]
		out[i-1] = a + 2*b + c
		a, b = b, c
	}
	out[last] = a + 3*b
}

func blurColumns(out, in []int32, cols int) {
	rows := len(in) / cols
	for y := range rows {
		above := in[max(0, y-1)*cols:][:cols]
		here := in[y*cols:][:cols]
		below := in[min(rows-1, y+1)*cols:][:cols]
		to := out[y*cols:][:cols]
		for x := range to {
			to[x] = above[x] + 2*here[x] + below[x]
		}
	}
}
