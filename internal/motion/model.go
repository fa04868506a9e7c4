package motion

import "math"

// model is what is known of each cell of the grid when nothing moves there.
type model struct {
	cols, rows int
	masked     []bool  // or nil
	probes     []int32 // cells that tell of all: a quarter of the unmasked ones
	unmasked   int

	background []int32   // in units of level<<fineBits
	former     []int32   // what the background was until something stopped there
	formerEnds []float64 // when former is forgotten, by now
	candidate  []int32   // what a changed cell shows
	stable     []float32 // seconds for which the candidate has stayed
	now        float64   // seconds that were learnt
	noise      []int32   // mean absolute difference when still, in units of level
	tolerance  []int32   // a cell that differs by more has changed; in units of level
	edge       []bool    // the background has an edge here

	state     []uint8 // of the last frame
	changed   int     // cells that are not still
	edges     int     // cells with an edge
	edgesLost int     // of those, changed
	tuned     int     // counts frames, for tuning a part of the rows in each
	rowEdges  []int
}

// States of a cell.
const (
	still    uint8 = iota
	returned       // shows what the background was before
	weak           // differs by more than its tolerance
	strong         // differs by much more
)

const (
	// What stays in place and unchanged for absorbSeconds becomes background;
	// what was background before is known again for formerSeconds, so that
	// whoever stood and leaves uncovers no ghost.
	absorbSeconds = 10
	formerSeconds = 900

	learnSeconds = 20.0 // for a still cell to follow most of a slow change
	noiseSeconds = 8.0  // of averaging of a cell's noise

	frameNoiseFactor = 4.5 // standard deviations of the whole frame
	cellNoiseFactor  = 4   // mean absolute differences of a cell, 3.2 standard deviations
	mostNoise        = 14 * level
	edgeAllowance    = 0.75 // of the step to the next cell: a camera that shakes by as much is still
	edgeStep         = 14 * level
	tunedRows        = 4   // every how many frames a row is tuned
	weakPart         = 0.4 // of the threshold, from which a cell counts
)

func newModel(cols, rows int, masked []bool) model {
	n := cols * rows
	m := model{
		cols: cols, rows: rows, masked: masked,
		background: make([]int32, n), former: make([]int32, n), formerEnds: make([]float64, n),
		candidate: make([]int32, n), stable: make([]float32, n),
		noise: make([]int32, n), tolerance: make([]int32, n), edge: make([]bool, n),
		state: make([]uint8, n), rowEdges: make([]int, rows),
	}
	for y := range rows {
		for x := range cols {
			i := y*cols + x
			if masked != nil && masked[i] {
				continue
			}
			m.unmasked++
			if (x+y%2)%2 == 0 && y%2 == 0 || n < 256 {
				m.probes = append(m.probes, int32(i))
			}
		}
	}
	return m
}

// relearn takes a grid as the background.
func (m *model) relearn(luma []int32) {
	for i, v := range luma {
		m.background[i] = v << fineBits
		m.noise[i] = level
	}
	clear(m.formerEnds)
	clear(m.stable)
	m.tuned = 0
}

// brighten moves all that is remembered by a shift of the light.
func (m *model) brighten(shift int32) {
	for _, cells := range [][]int32{m.background, m.former, m.candidate} {
		for i := range cells {
			cells[i] += shift << fineBits
		}
	}
}

// tune sets the tolerances of a part of the rows from the threshold, the
// frame's noise, each cell's noise and the background's edges. After relearn
// it sets all.
func (m *model) tune(threshold, noise int32) {
	floor := max(int32(weakPart*float64(threshold)), int32(frameNoiseFactor*float64(noise)))
	step := tunedRows
	if m.tuned == 0 {
		step = 1
	}
	for y := m.tuned % step; y < m.rows; y += step {
		m.tuneRow(y, floor)
	}
	m.tuned++
	m.edges = 0
	for _, n := range m.rowEdges {
		m.edges += n
	}
}

func (m *model) tuneRow(y int, floor int32) {
	above, here, below := m.row(m.background, y-1), m.row(m.background, y), m.row(m.background, y+1)
	noise, tolerance, edge := m.row(m.noise, y), m.row(m.tolerance, y), m.edge[y*m.cols:(y+1)*m.cols]
	m.rowEdges[y] = 0
	for x, v := range here {
		if m.masked != nil && m.masked[y*m.cols+x] {
			tolerance[x] = math.MaxInt32 / 4
			continue
		}
		step := max(abs(above[x]-v), abs(below[x]-v), abs(here[max(0, x-1)]-v), abs(here[min(m.cols-1, x+1)]-v)) >> fineBits
		tolerance[x] = max(floor, cellNoiseFactor*min(noise[x], mostNoise)) + int32(edgeAllowance*float32(step))
		edge[x] = step > edgeStep
		if edge[x] {
			m.rowEdges[y]++
		}
	}
}

// row y, or the nearest there is.
func (m *model) row(cells []int32, y int) []int32 {
	y = max(0, min(m.rows-1, y))
	return cells[y*m.cols : (y+1)*m.cols]
}

func abs(v int32) int32 {
	if v < 0 {
		return -v
	}
	return v
}

// classify sets the state of every cell and counts those that have changed.
func (m *model) classify(luma []int32, l *light) {
	shift, doubt := l.shift, l.doubt()
	m.changed, m.edgesLost = 0, 0
	background, tolerance, state := m.background[:len(luma)], m.tolerance[:len(luma)], m.state[:len(luma)]
	for i, v := range luma {
		d := abs(v - shift - background[i]>>fineBits)
		if d <= tolerance[i]+doubt {
			state[i] = still
			continue
		}
		state[i] = m.differing(i, v-shift, d, doubt)
	}
}

func (m *model) differing(i int, v, d, doubt int32) uint8 {
	if m.formerEnds[i] > m.now && abs(v-m.former[i]>>fineBits) <= m.tolerance[i]+doubt {
		return returned
	}
	m.changed++
	if m.edge[i] {
		m.edgesLost++
	}
	if d > (m.tolerance[i]+doubt)*5/3 {
		return strong
	}
	return weak
}

// fraction of the unmasked cells that have changed.
func (m *model) fraction() float64 {
	return float64(m.changed) / float64(max(1, m.unmasked))
}

// learn takes in a grid whose cells have been classified.
func (m *model) learn(luma []int32, shift int32, dt float64) {
	m.now += dt
	rate := portion(dt, learnSeconds)
	noisy := portion(dt*tunedRows, noiseSeconds)
	background, state := m.background[:len(luma)], m.state[:len(luma)]
	for i, v := range luma {
		if state[i] == still {
			background[i] += scale((v-shift)<<fineBits-background[i], rate)
			continue
		}
		m.learnDiffering(i, v-shift, float32(dt))
	}
	for y := m.tuned % tunedRows; y < m.rows; y += tunedRows {
		m.learnNoise(y, luma, shift, noisy)
	}
}

func (m *model) learnDiffering(i int, v int32, dt float32) {
	v <<= fineBits
	switch {
	case m.state[i] == returned:
		m.background[i], m.formerEnds[i], m.stable[i] = v, 0, 0
	case abs(v-m.candidate[i])>>fineBits > m.tolerance[i]:
		m.candidate[i], m.stable[i] = v, 0
	default:
		m.candidate[i] += (v - m.candidate[i]) / 8
		m.stable[i] += dt
		if m.stable[i] > absorbSeconds {
			// Who changes posture is absorbed twice, but hides the same thing.
			if m.formerEnds[i] <= m.now {
				m.former[i] = m.background[i]
			}
			m.formerEnds[i] = m.now + formerSeconds
			m.background[i], m.stable[i] = m.candidate[i], 0
		}
	}
}

// learnNoise averages how far the cells of a row lie from the background. What
// moves counts no more than the most noise there may be.
func (m *model) learnNoise(y int, luma []int32, shift int32, rate int64) {
	background, now, noise := m.row(m.background, y), m.row(luma, y), m.row(m.noise, y)
	for x, v := range now {
		d := min(abs(v-shift-background[x]>>fineBits), mostNoise)
		noise[x] += scale(d-noise[x], rate)
	}
}

// portion of a difference that is made up in dt, in 1/65536.
func portion(dt, seconds float64) int64 {
	return int64(65536 * (1 - math.Exp(-dt/seconds)))
}

func scale(v int32, rate int64) int32 { return int32(int64(v) * rate >> 16) }
