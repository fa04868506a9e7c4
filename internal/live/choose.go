package live

import "time"

// tick thinks over which stream the viewer should get.
func (v *viewer) tick(now time.Time) error {
	main, sub := v.m.glances()
	mainFault, subFault := v.playable(main), v.playable(sub)
	canMain, canSub := main.stream != nil && mainFault == nil, sub.stream != nil && subFault == nil
	v.stats.link(v.link, v.readerLost())
	if v.reader != nil && v.reader.feed.quality == Sub {
		v.track.setDelay(v.playout(sub))
	} else {
		v.track.setDelay(v.playout(main))
	}
	if !canMain && !canSub {
		return v.without(mainFault, subFault)
	}
	if v.reader == nil {
		v.begin(canMain, canSub)
		return nil
	}
	s := state{
		on: v.reader.feed.quality, wish: v.wish, canMain: canMain, canSub: canSub, main: main,
		width: v.link.width, loss: v.link.loss(), standing: v.link.standing(), remb: v.link.remb,
		feedback: v.link.trains > 0, none: !v.track.transport,
	}
	switch v.policy.decide(s, now) {
	case stay:
		if v.next != nil && s.on == Sub && now.Before(v.policy.after) {
			v.next.leave()
			v.next = nil
		}
	case down:
		v.enter(v.m.sub)
	case jump:
		v.enter(v.m.main)
	case up:
		if v.next == nil {
			v.next, _ = v.m.main.join(false)
		}
		v.m.main.wantKey()
	}
	v.say("live", "")
	return nil
}

// begin shows the first picture: of the substream, if there is one, because
// nothing is known of the link yet, unless the viewer wants the main stream.
func (v *viewer) begin(canMain, canSub bool) {
	if canSub && (v.wish != Main || !canMain) {
		v.enter(v.m.sub)
	} else {
		v.enter(v.m.main)
	}
	v.say("live", "")
}

// without has nothing to show: the camera is silent, or sends what the viewer
// cannot show.
func (v *viewer) without(mainFault, subFault *Fault) error {
	for _, f := range []*Fault{subFault, mainFault} {
		if f != nil {
			return f
		}
	}
	v.say("waiting", "the camera sends no pictures right now")
	return nil
}

// A keyframe of a stream that just fits its link takes as long as ten other
// pictures do: without any delay the picture would stand still meanwhile.
const (
	widthToHurry = 4   // times the stream's rate
	keyShare     = 1.5 // of the time a keyframe takes, as widths are rough
	delayStep    = 50 * time.Millisecond
	longestDelay = 400 * time.Millisecond
)

// playout is how long the viewer is to delay what it gets.
func (v *viewer) playout(g glance) Playout {
	if v.m.cfg.Playout != nil {
		return *v.m.cfg.Playout
	}
	width := v.link.width
	switch {
	case width == 0 && v.direct, width > widthToHurry*g.bits && v.direct:
		return Playout{}
	case width == 0 || width > widthToHurry*g.bits:
		return Playout{Max: longestDelay}
	}
	takes := time.Duration(keyShare * float64(g.key) * 8 / width * float64(time.Second))
	return Playout{Min: min((takes + delayStep - 1).Truncate(delayStep), longestDelay), Max: longestDelay}
}

func (v *viewer) readerLost() int {
	if v.reader == nil {
		return 0
	}
	return v.reader.lost()
}
