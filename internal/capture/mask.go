package capture

import (
	"math"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/polygon"
	"porchlight/internal/privacy"
)

const (
	maskGray = privacy.Gray

	// maskWidth and maskHeight are the cells of the grid in which video is
	// covered, twelve pixels wide in Full HD. A cell that a polygon touches is
	// covered whole.
	maskWidth, maskHeight = 160, 90
)

// cover returns boxes that cover the polygons whole, and up to two cells
// beyond their edges, whatever the size of the picture.
func cover(polygons []polygon.Polygon) []ffmpeg.Cover {
	if len(polygons) == 0 {
		return nil
	}
	cells := polygon.Mask(polygons, maskWidth, maskHeight)
	for _, p := range polygons {
		outline(p, cells)
	}
	var boxes []ffmpeg.Cover
	for row := 0; row < maskHeight; row++ {
		for from := 0; from < maskWidth; from++ {
			if !cells[row*maskWidth+from] {
				continue
			}
			to, bottom := from, row
			for to < maskWidth && cells[row*maskWidth+to] {
				to++
			}
			for bottom < maskHeight && whole(cells[bottom*maskWidth+from:bottom*maskWidth+to]) {
				clear(cells[bottom*maskWidth+from : bottom*maskWidth+to])
				bottom++
			}
			boxes = append(boxes, ffmpeg.Cover{
				Left: float64(from) / maskWidth, Top: float64(row) / maskHeight,
				Right: float64(to) / maskWidth, Bottom: float64(bottom) / maskHeight,
			})
		}
	}
	return boxes
}

// outline adds the cells through which the edges of a polygon run: those
// around points so close together that none is missed. Every other cell is
// in the polygon or out of it as its middle is.
func outline(p polygon.Polygon, cells []bool) {
	for i, a := range p {
		b := p[(i+1)%len(p)]
		steps := math.Ceil(2 * math.Max(math.Abs(b.X-a.X)*maskWidth, math.Abs(b.Y-a.Y)*maskHeight))
		for step := 0.0; step <= steps; step++ {
			t := step / math.Max(steps, 1)
			x, y := int((a.X+t*(b.X-a.X))*maskWidth), int((a.Y+t*(b.Y-a.Y))*maskHeight)
			for row := max(y-1, 0); row <= min(y+1, maskHeight-1); row++ {
				for column := max(x-1, 0); column <= min(x+1, maskWidth-1); column++ {
					cells[row*maskWidth+column] = true
				}
			}
		}
	}
}

func whole(cells []bool) bool {
	for _, c := range cells {
		if !c {
			return false
		}
	}
	return true
}
