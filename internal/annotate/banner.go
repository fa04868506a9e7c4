package annotate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// banner says across the top which event is open.
func banner(c *canvas, e *event.Event) {
	col := amber
	if e.Severity == event.Alert {
		col = red
	}
	c.fill(0, 0, c.width, c.textHeight(), col, opaque*3/4)
	c.write(2*c.scale, c.scale, bannerText(e), black, opaque)
}

func bannerText(e *event.Event) string {
	words := []string{"event " + e.EventID[max(0, len(e.EventID)-6):]}
	if e.Severity != "" {
		words = append(words, string(e.Severity))
	}
	labels := slices.Collect(maps.Keys(e.Labels))
	slices.SortFunc(labels, func(a, b string) int {
		return cmp.Or(cmp.Compare(e.Labels[b], e.Labels[a]), cmp.Compare(a, b))
	})
	for i, l := range labels {
		labels[i] = fmt.Sprintf("%s %.0f%%", l, 100*e.Labels[l])
	}
	for _, part := range []struct {
		name string
		what []string
	}{{"", labels}, {"in ", e.Zones}, {"left in ", e.Appeared}, {"taken from ", e.Removed}} {
		if len(part.what) > 0 {
			words = append(words, part.name+list(part.what))
		}
	}
	return strings.Join(words, "  ")
}

// clock writes the frame's time and its place in the video, lower right.
func clock(c *canvas, f *event.Frame) {
	text := fmt.Sprintf("%s  %.1fs", f.Time.Format("15:04:05.0"), f.Offset.Seconds())
	c.text(c.width, c.height, text, white, opaque)
}

// shortest is the least that a stage must take to be listed.
const shortest = 50 * time.Microsecond

// timings lists what each stage took, lower left.
func timings(c *canvas, v *pipeline.View) {
	var lines []string
	var all time.Duration
	for _, stage := range Stages(v.Took) {
		all += stage.Took
		if stage.Took >= shortest {
			lines = append(lines, fmt.Sprintf("%-7s %6.1f ms", stage.Name, stage.Took.Seconds()*1e3))
		}
	}
	lines = append(lines, fmt.Sprintf("%-7s %6.1f ms", "all", all.Seconds()*1e3))
	if v.Motion.Calibrating {
		lines = append(lines, "calibrating")
	}
	for i, line := range lines {
		c.text(0, c.height-(len(lines)-i)*c.textHeight(), line, white, opaque)
	}
}

// Stage of the pipeline by its name, and how long it took; 0 where it was skipped.
type Stage struct {
	Name string
	Took time.Duration
}

// Stages lists the stages of one frame in their order.
func Stages(t pipeline.Timings) []Stage {
	return []Stage{
		{"privacy", t.Privacy}, {"motion", t.Motion}, {"regions", t.Regions}, {"detect", t.Detect},
		{"track", t.Track}, {"faces", t.Faces}, {"events", t.Events},
	}
}

func list(words []string) string { return strings.Join(words, ", ") }
