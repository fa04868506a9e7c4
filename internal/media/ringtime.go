package media

import "time"

// A ring's timeline rises within a run, as recordings demand, whatever the
// clocks do. A keyframe that comes too early, because its camera's or this
// machine's clock went back, is dated right after the packet before it, and
// its GOP runs a little slow to give the difference back. Beyond maxCatchUp
// the truth matters more than continuity, and a new run begins.
const (
	maxCatchUp   = 10 * time.Second
	maxSlow      = 100         // thousandths
	usualGOP     = 2000        // milliseconds, over which a small difference is spread
	audioSilence = time.Second // after which a camera is taken to have no sound
)

// begin completes the newest GOP and starts the next with a keyframe.
func (r *Ring) begin(key *Packet) {
	before := r.newest()
	g := &GOP{
		Number: r.number + 1, Run: r.run, Start: key.Time.UnixMilli(),
		Video: key.Stream, mu: &r.mu, keyPTS: key.PTS.Milliseconds(),
	}
	r.number++
	if r.audio != nil && key.Time.Sub(r.heard).Abs() < audioSilence {
		g.Audio = r.audio
	}
	if before == nil {
		r.run++
	} else {
		before.complete = true
		late := before.end + 1 - g.Start // by how much the clock is behind
		switch {
		case late > maxCatchUp.Milliseconds():
			r.run++
			if !r.told.back {
				r.told.back = true
				r.cfg.Log.Warn("the time of pictures jumped back; recordings before and after overlap",
					"jump", (time.Duration(late) * time.Millisecond).String(),
					"advice", "set the clock of this machine and of the camera by NTP")
			}
		case late > 0:
			g.Start += late
			g.behind = min(late*1000/usualGOP, maxSlow)
		}
		if !g.Video.Same(before.Video) || !g.Audio.Same(before.Audio) {
			r.run++
		}
		// Room for about as much as last time, so that growing is rare.
		g.samples = make([]Sample, 0, len(before.samples)+8)
	}
	g.Run, g.end = r.run, g.Start
	r.gops = append(r.gops, g)
}
