package things

import (
	"math"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/polygon"
)

// grid cuts the rectangle around a zone into square cells of whole pixels.
type grid struct {
	x, y, cell    int // of the top left corner, and the side, in pixels
	columns, rows int
	inside        []bool // by cell: its middle lies in the zone
	box           event.Box
	width, height int // of the frame
}

const mostCells = 64 // on the longer side

func newGrid(area polygon.Polygon, width, height int) *grid {
	box := event.Box{X0: 1, Y0: 1}
	for _, p := range area {
		box.X0, box.Y0 = math.Min(box.X0, p.X), math.Min(box.Y0, p.Y)
		box.X1, box.Y1 = math.Max(box.X1, p.X), math.Max(box.Y1, p.Y)
	}
	box = box.Clip()
	w, h := int(math.Ceil(box.Width()*float64(width))), int(math.Ceil(box.Height()*float64(height)))
	cell := max(2, (max(w, h)+mostCells-1)/mostCells)
	g := &grid{
		x: int(box.X0 * float64(width)), y: int(box.Y0 * float64(height)), cell: cell,
		columns: w / cell, rows: h / cell, box: box, width: width, height: height,
	}
	g.inside = make([]bool, g.columns*g.rows)
	for i := range g.inside {
		c := g.fractions(blob{i % g.columns, i / g.columns, i%g.columns + 1, i/g.columns + 1, 1, nil})
		g.inside[i] = area.Contains(polygon.Point{X: (c.X0 + c.X1) / 2, Y: (c.Y0 + c.Y1) / 2})
	}
	return g
}

// fractions is where a blob lies in the frame.
func (g *grid) fractions(b blob) event.Box {
	return event.Box{
		X0: float64(g.x+b.x0*g.cell) / float64(g.width), Y0: float64(g.y+b.y0*g.cell) / float64(g.height),
		X1: float64(g.x+b.x1*g.cell) / float64(g.width), Y1: float64(g.y+b.y1*g.cell) / float64(g.height),
	}.Clip()
}

// picture holds the mean color of each cell, BGR.
type picture struct{ cells [][3]float32 }

func (g *grid) sample(f *event.Frame) *picture {
	p := &picture{cells: make([][3]float32, g.columns*g.rows)}
	n := float32(g.cell * g.cell)
	for row := range g.rows {
		for column := range g.columns {
			var sum [3]int
			for y := range g.cell {
				i := ((g.y+row*g.cell+y)*f.Width + g.x + column*g.cell) * 3
				for range g.cell {
					sum[0], sum[1], sum[2] = sum[0]+int(f.Pix[i]), sum[1]+int(f.Pix[i+1]), sum[2]+int(f.Pix[i+2])
					i += 3
				}
			}
			p.cells[row*g.columns+column] = [3]float32{float32(sum[0]) / n, float32(sum[1]) / n, float32(sum[2]) / n}
		}
	}
	return p
}

// blend moves the picture towards a newer one that comes step later, as an
// average over the time given.
func (p *picture) blend(newer *picture, step, over time.Duration) {
	rate := float32(min(1, max(0.02, step.Seconds()/over.Seconds())))
	for i := range p.cells {
		for c := range 3 {
			p.cells[i][c] += (newer.cells[i][c] - p.cells[i][c]) * rate
		}
	}
}
