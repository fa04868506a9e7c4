package weather

import (
	"math"
	"time"

	"porchlight/internal/event"
)

// sway moves the rows of the picture's upper left corner, where Scene has its
// tree, to and fro by up to four pixels, as branches in gusts of wind.
func sway(f *event.Frame, at time.Duration, seed uint64) {
	width, height := f.Width/5, f.Height*2/5
	if width < 16 {
		return
	}
	seconds := at.Seconds()
	gust := 2.5 + 1.5*math.Sin(seconds*0.7+float64(seed%7))
	buffer := make([]byte, width*3)
	for y := range height {
		row := f.Pix[y*f.Width*3:][:width*3]
		dx := int(math.Round(gust * math.Sin(seconds*5+float64(y)/9)))
		if dx == 0 {
			continue
		}
		shiftRow(buffer, row, dx)
		copy(row, buffer)
	}
}
