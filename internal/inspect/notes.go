package inspect

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"porchlight/internal/annotate"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/polygon"
	"porchlight/internal/track"
)

// mostNoted is how many objects, ignored things and moving parts are told
// apart, each; what comes later is left out.
const mostNoted = 100

// samePlace is the overlap (IoU) from which two sightings are of one thing.
const samePlace = 0.4

// notes collects the views of a pipeline. It is used by one goroutine at a time.
type notes struct {
	cfg         Config
	report      Report
	objects     map[int64]*Object
	annotator   *annotate.Annotator
	best        float64 // worth of the picture
	first, last time.Time
}

func newNotes(cfg Config) *notes {
	return &notes{cfg: cfg, objects: map[int64]*Object{}, annotator: annotate.New(cfg.Settings), best: -1}
}

// Publish implements pipeline.Sink.
func (n *notes) Publish(_ context.Context, e event.Event, _ []byte) error {
	if e.State == event.Started {
		n.report.Events++
	}
	return nil
}

func (n *notes) frame(f *event.Frame) {
	if n.report.Frames == 0 {
		n.first = f.Time
	}
	n.last = f.Time
	n.report.Frames++
	n.report.Width, n.report.Height = f.Width, f.Height
}

func (n *notes) view(v *pipeline.View) {
	r := &n.report
	switch {
	case v.Motion.Calibrating:
		r.Settling++
	case len(v.Motion.Boxes) > 0:
		r.Moving++
		r.MostArea = max(r.MostArea, v.Motion.Area)
		for _, b := range v.Motion.Boxes {
			n.motion(b)
		}
	}
	if len(v.Regions) > 0 {
		r.Looked++
	}
	for _, t := range v.Tracks {
		n.object(t)
	}
	for _, i := range v.Ignored {
		if !annotate.Continues(v, i) {
			n.ignored(i)
		}
	}
	if w := worth(v); w > n.best {
		n.best, r.Picture = w, n.annotator.Draw(v)
	}
}

// worth of a picture is how much it tells.
func worth(v *pipeline.View) float64 {
	w := 0.01 * float64(len(v.Found)+len(v.Ignored)+min(len(v.Motion.Boxes), 5))
	for _, t := range v.Tracks {
		if t.Seen && t.True {
			w += t.Score
		}
	}
	return w
}

func (n *notes) object(t track.Track) {
	if !t.Seen {
		return
	}
	o := n.objects[t.ID]
	if o == nil {
		if len(n.objects) == mostNoted {
			return
		}
		o = &Object{Track: t.ID, Zones: []string{}}
		n.objects[t.ID] = o
	}
	o.Frames++
	o.Label = t.Label
	if t.Score >= o.Score {
		o.Score, o.Box = t.Score, t.Box
	}
	switch {
	case t.Known:
		o.State = "known"
	case t.Stationary:
		o.State = "at rest"
	case t.True:
		o.State = "true"
	default:
		o.State = "unsure"
	}
	feet := polygon.Point{X: (t.Box.X0 + t.Box.X1) / 2, Y: t.Box.Y1}
	for name, z := range n.cfg.Settings.Zones {
		wanted := len(z.Labels) == 0 || slices.Contains(z.Labels, t.Label)
		if wanted && !slices.Contains(o.Zones, name) && z.Polygon.Contains(feet) {
			o.Zones = append(o.Zones, name)
		}
	}
}

func (n *notes) ignored(i pipeline.Ignored) {
	list := n.report.Ignored
	at := slices.IndexFunc(list, func(known Ignored) bool { return known.Label == i.Label && known.Box.IoU(i.Box) > samePlace })
	if at < 0 {
		if len(list) < mostNoted {
			n.report.Ignored = append(list, Ignored{Label: i.Label, Score: i.Score, Box: i.Box, Reason: i.Reason, Frames: 1})
		}
		return
	}
	list[at].Frames++
	if i.Score > list[at].Score {
		list[at].Score, list[at].Box, list[at].Reason = i.Score, i.Box, i.Reason
	}
}

// motion joins a box to the part of the picture that it mostly lies in.
func (n *notes) motion(b event.Box) {
	list := n.report.Motion
	for i := range list {
		part := &list[i].Box
		if part.Intersect(b) >= 0.5*math.Min(part.Area(), b.Area()) {
			*part = event.Box{X0: min(part.X0, b.X0), Y0: min(part.Y0, b.Y0), X1: max(part.X1, b.X1), Y1: max(part.Y1, b.Y1)}
			if list[i].newest != n.report.Frames {
				list[i].Frames, list[i].newest = list[i].Frames+1, n.report.Frames
			}
			return
		}
	}
	if len(list) < mostNoted {
		n.report.Motion = append(list, Motion{Box: b, Frames: 1, newest: n.report.Frames})
	}
}

// conclude ends the report. A source that failed after it had shown something
// still has one.
func (n *notes) conclude(err, closed error) (*Report, error) {
	r := &n.report
	if r.Frames == 0 {
		return nil, cmp.Or(err, ErrNoPicture)
	}
	if err = errors.Join(err, closed); err != nil {
		r.Fault = err.Error()
	}
	r.Seconds = n.last.Sub(n.first).Seconds()
	if r.Frames > 1 && r.Seconds > 0 {
		r.Rate = float64(r.Frames-1) / r.Seconds
	}
	for _, o := range n.objects {
		slices.Sort(o.Zones)
		r.Objects = append(r.Objects, *o)
	}
	slices.SortFunc(r.Objects, func(a, b Object) int { return cmp.Or(cmp.Compare(b.Frames, a.Frames), cmp.Compare(a.Track, b.Track)) })
	slices.SortStableFunc(r.Ignored, func(a, b Ignored) int { return cmp.Compare(b.Frames, a.Frames) })
	slices.SortStableFunc(r.Motion, func(a, b Motion) int { return cmp.Compare(b.Frames, a.Frames) })
	return r, nil
}
