package pipeline

import (
	"context"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/region"
)

// clockSet is how far back frames must go in time for the clock to have been
// set. Less is disorder.
const clockSet = 5 * time.Second

// inTime returns the frame with a time that is not before the last one's,
// unless the clock has been set back: then time begins anew.
func (p *Pipeline) inTime(ctx context.Context, f *event.Frame) (*event.Frame, error) {
	var fault error
	switch back := p.last.Sub(f.Time); {
	case p.last.IsZero() || back <= 0:
	case back > clockSet:
		p.cfg.Log.Warn("the clock was set back", "camera", p.cfg.Camera, "by", back.String())
		fault = p.publish(ctx, p.recorder.finish())
		p.recorder.forget()
		p.begin(p.look.grid, true)
		p.state.saved = time.Time{}
	default:
		late := *f
		late.Time = p.last
		f = &late
	}
	p.last = f.Time
	return f, fault
}

// begin sets up all that counts from frame to frame; knows says that what
// stands where is known already. The tracker and the detector of motion notice
// by themselves when a clock is set.
func (p *Pipeline) begin(grid *region.Grid, knows bool) {
	s := p.cfg.Settings
	p.ghosts, p.activity = ghosts{}, newActivity(knows)
	p.look = newLooker(region.Config{Input: p.cfg.Input}, grid)
	p.faces = newFaceWatch(p.cfg.Faces, p.cfg.Identify, s.Faces)
	p.facesFault = time.Time{}
	p.zones, p.things = newZoneWatch(s.Zones), newThingsWatch(s.Zones)
}
