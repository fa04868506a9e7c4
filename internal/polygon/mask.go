package polygon

import (
	"iter"
	"math"
	"slices"
)

// Span is a run of cells in one row of a grid: From to To, both included.
type Span struct{ Row, From, To int }

// Mask returns which cells of a grid of width by height, laid over the frame,
// have their middle in one of the polygons, by the rule of Contains. Rows come
// one after the other from the top. It is empty for a grid without cells.
func Mask(polys []Polygon, width, height int) []bool {
	mask := make([]bool, max(0, width)*max(0, height))
	for _, poly := range polys {
		for s := range poly.Spans(width, height) {
			row := mask[s.Row*width:]
			for i := s.From; i <= s.To; i++ {
				row[i] = true
			}
		}
	}
	return mask
}

// Spans yields the cells of a grid of width by height, laid over the frame,
// that have their middle in the polygon, from the top to the bottom. Spans of
// one row come in no order and may overlap.
func (poly Polygon) Spans(width, height int) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		if len(poly) < 3 || width <= 0 || height <= 0 {
			return
		}
		lowest, highest := poly.heights()
		first, last := cells(lowest, highest, height)
		var cuts []float64
		for row := first; row <= last; row++ {
			cuts = poly.cut(middle(row, height), cuts[:0])
			for i := 0; i+1 < len(cuts); i += 2 {
				from, to := cells(cuts[i], cuts[i+1], width)
				if from <= to && !yield(Span{row, from, to}) {
					return
				}
			}
		}
	}
}

// heights returns the smallest and the largest y of the corners.
func (poly Polygon) heights() (smallest, largest float64) {
	smallest, largest = math.Inf(1), math.Inf(-1)
	for _, p := range poly {
		smallest, largest = math.Min(smallest, p.Y), math.Max(largest, p.Y)
	}
	return smallest, largest
}

// cut appends to cuts the pairs of x between which, both included, the height
// y lies in the polygon: first what lies between its edges, then the edges
// that only touch this height.
func (poly Polygon) cut(y float64, cuts []float64) []float64 {
	var touching []float64
	for i, corner := range poly {
		e := edgeBetween(corner, poly[(i+1)%len(poly)])
		switch {
		case !(e.top.Y <= y && y <= e.bottom.Y):
		case e.level():
			from, to := e.between()
			touching = append(touching, from, to)
		case y == e.bottom.Y:
			touching = append(touching, e.bottom.X, e.bottom.X)
		default:
			cuts = append(cuts, e.at(y))
		}
	}
	slices.Sort(cuts)
	return append(cuts, touching...)
}

// middle of cell i of n, as a fraction of the frame.
func middle(i, n int) float64 { return (float64(i) + 0.5) / float64(n) }

// cells returns the first and the last of n cells whose middle lies between
// from and to, both included; first is past last when there is none.
func cells(from, to float64, n int) (first, last int) {
	first, last = nearCell(from, n), nearCell(to, n)
	for first > 0 && middle(first-1, n) >= from {
		first--
	}
	for first < n && !(middle(first, n) >= from) {
		first++
	}
	for last < n-1 && middle(last+1, n) <= to {
		last++
	}
	for last >= 0 && !(middle(last, n) <= to) {
		last--
	}
	return first, last
}

// nearCell is the cell in which x lies, or the nearest. Rounding may make it
// wrong by one.
func nearCell(x float64, n int) int {
	cell := math.Floor(x * float64(n))
	if !(cell > 0) {
		return 0
	}
	return int(math.Min(cell, float64(n-1)))
}
