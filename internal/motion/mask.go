package motion

import "porchlight/internal/polygon"

// rasterize marks the cells whose center lies in one of the polygons. It
// returns nil when there are none.
func rasterize(masks []polygon.Polygon, cols, rows int) []bool {
	if len(masks) == 0 {
		return nil
	}
	cells := make([]bool, cols*rows)
	for y := range rows {
		for x := range cols {
			p := polygon.Point{X: (float64(x) + 0.5) / float64(cols), Y: (float64(y) + 0.5) / float64(rows)}
			for _, m := range masks {
				cells[y*cols+x] = cells[y*cols+x] || inside(m, p)
			}
		}
	}
	return cells
}

// inside counts the edges to the right of the point: odd is inside.
func inside(shape polygon.Polygon, p polygon.Point) bool {
	in := false
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(b.X-a.X)*(p.Y-a.Y)/(b.Y-a.Y) {
			in = !in
		}
	}
	return in
}
