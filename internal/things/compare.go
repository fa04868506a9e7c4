package things

import (
	"math"
	"slices"
)

// blob is a set of joined cells: its bounds, half open, its size and its cells.
type blob struct {
	x0, y0, x1, y1 int
	size           int
	cells          []int
}

const (
	differs   = 20.0  // levels by which a cell's color must differ, light evened out
	leastPart = 0.001 // of the frame: smaller things are leaves
	mostPart  = 0.6   // of the zone: larger ones are changes of light
	edgeRatio = 1.4   // how much sharper the outline must be in one picture
	edgeLeast = 8.0   // levels: the least sharpness of the outline of a thing
)

// differences returns the blobs in which the zone looks different.
func (g *grid) differences(before, after *picture) []blob {
	light := evenOut(g, before, after)
	mask := make([]bool, len(g.inside))
	zone := 0
	for i, in := range g.inside {
		if in {
			zone++
			mask[i] = distance(before.cells[i], after.cells[i], light) > differs
		}
	}
	var out []blob
	for _, b := range g.blobs(mask) {
		part := float64(b.size*g.cell*g.cell) / float64(g.width*g.height)
		if part >= leastPart && float64(b.size) <= mostPart*float64(zone) {
			out = append(out, b)
		}
	}
	return out
}

// evenOut returns by how much each channel has become brighter overall: the
// median over the cells, which a thing that covers less than half cannot shift.
func evenOut(g *grid, before, after *picture) (gain [3]float32) {
	for c := range 3 {
		var ratios []float32
		for i, in := range g.inside {
			if in {
				ratios = append(ratios, (after.cells[i][c]+8)/(before.cells[i][c]+8))
			}
		}
		gain[c] = 1
		if len(ratios) > 0 {
			slices.Sort(ratios)
			gain[c] = ratios[len(ratios)/2]
		}
	}
	return gain
}

func distance(before, after [3]float32, gain [3]float32) float64 {
	most := 0.0
	for c := range 3 {
		most = math.Max(most, math.Abs(float64((before[c]+8)*gain[c]-(after[c]+8))))
	}
	return most
}

// blobs joins the marked cells that touch at a side.
func (g *grid) blobs(mask []bool) []blob {
	var out []blob
	taken := make([]bool, len(mask))
	for i := range mask {
		if !mask[i] || taken[i] {
			continue
		}
		b := blob{x0: g.columns, y0: g.rows}
		taken[i] = true
		for queue := []int{i}; len(queue) > 0; {
			at := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			x, y := at%g.columns, at/g.columns
			b.x0, b.y0, b.x1, b.y1 = min(b.x0, x), min(b.y0, y), max(b.x1, x+1), max(b.y1, y+1)
			b.size++
			b.cells = append(b.cells, at)
			for _, n := range g.neighbours(at) {
				if n >= 0 && mask[n] && !taken[n] {
					taken[n] = true
					queue = append(queue, n)
				}
			}
		}
		out = append(out, b)
	}
	return out
}

// neighbours of a cell: left, right, above, below; -1 where there is none.
func (g *grid) neighbours(i int) [4]int {
	out := [4]int{-1, -1, -1, -1}
	if x := i % g.columns; x > 0 {
		out[0] = i - 1
	}
	if i%g.columns < g.columns-1 {
		out[1] = i + 1
	}
	if i >= g.columns {
		out[2] = i - g.columns
	}
	if i+g.columns < len(g.inside) {
		out[3] = i + g.columns
	}
	return out
}

// verdict tells a thing that came from one that went by its outline, which is
// sharp in the picture that shows the thing and absent in the other. A shadow
// or a wet patch is sharp in neither, and there is no verdict.
func verdict(g *grid, b blob, before, after *picture) (Kind, bool) {
	in := make(map[int]bool, len(b.cells))
	for _, i := range b.cells {
		in[i] = true
	}
	var was, is float64
	steps := 0
	for _, i := range b.cells {
		for _, n := range g.neighbours(i) {
			if n >= 0 && !in[n] {
				was += distance(before.cells[i], before.cells[n], [3]float32{1, 1, 1})
				is += distance(after.cells[i], after.cells[n], [3]float32{1, 1, 1})
				steps++
			}
		}
	}
	if steps == 0 {
		return "", false
	}
	was, is = was/float64(steps), is/float64(steps)
	switch {
	case is >= edgeLeast && is > was*edgeRatio:
		return Appeared, true
	case was >= edgeLeast && was > is*edgeRatio:
		return Removed, true
	}
	return "", false
}
