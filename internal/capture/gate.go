package capture

import (
	"log/slog"
	"time"

	"porchlight/internal/media"
)

const (
	// maxKeyInterval is the distance of keyframes up to which a camera may
	// rest: longer, and a thing that moves too little to be told from the
	// sizes of packets would be seen too late.
	maxKeyInterval = 4500 * time.Millisecond
	// maxHeld and maxHeldBytes bound the packets kept since the last keyframe.
	maxHeld      = 300
	maxHeldBytes = 4 << 20
	// wakeFor is how long a spike keeps a camera awake.
	wakeFor = 3 * time.Second
	// replayFor is how far back pictures are shown on waking.
	replayFor = 500 * time.Millisecond
	// maxMisses is how often in a row something may be seen on a keyframe of
	// which packet sizes gave no sign, before sizes are held to say nothing.
	maxMisses = 3
	// distrustFor is for how long they are then left out of account.
	distrustFor = 10 * time.Minute
)

// gate decides which packets of an RTSP camera go to the decoder. While it is
// shut only keyframes pass, and the packets since the newest one are held, so
// that on opening the decoder catches up and goes on with the next picture.
// It is not safe for concurrent use.
type gate struct {
	attention *Attention // nil wants every packet
	log       *slog.Logger

	sizes    sizes
	newest   time.Duration // PTS so far
	lastKey  time.Duration
	interval time.Duration // between the last two keyframes, 0 until known
	held     []*media.Packet
	bytes    int  // of held
	large    bool // what follows a keyframe is too much to hold
	disorder bool // B pictures have been seen
	shut     bool
	asked    bool // whether every picture was wanted, at the packet before

	awake    time.Duration // by a spike, until this PTS
	misses   int
	distrust time.Duration // until this PTS

	said map[string]bool
}

// restart begins with the first packet of a stream or of a new decoder.
func (g *gate) restart(first *media.Packet) {
	*g = gate{
		attention: g.attention, log: g.log, said: g.said,
		newest: first.PTS, lastKey: first.PTS, asked: true,
	}
}

// admit takes the next packet and returns those to feed now, in order: none,
// the packet, or the held ones and it.
func (g *gate) admit(p *media.Packet) []*media.Packet {
	if g.attention == nil {
		return []*media.Packet{p}
	}
	g.observe(p)
	if g.open(p) {
		feed := append(g.held, p)
		g.held, g.bytes, g.shut = nil, 0, false
		feed = catchUp(feed)
		g.attention.fed.Add(int64(len(feed)))
		return feed
	}
	g.shut = true
	if p.Key {
		g.attention.skipped.Add(int64(len(g.held)))
		g.attention.fed.Add(1)
		g.held, g.bytes = nil, 0
		return []*media.Packet{p}
	}
	g.held = append(g.held, p)
	g.bytes += p.PictureSize()
	g.large = len(g.held) >= maxHeld || g.bytes >= maxHeldBytes
	return nil
}

// observe follows keyframes, sizes and what is asked for.
func (g *gate) observe(p *media.Packet) {
	asked := g.attention.Full()
	if asked && !g.asked && g.shut {
		g.misses++ // seen on a keyframe alone
	} else if asked && !g.asked {
		g.misses = 0
	}
	g.asked = asked
	g.disorder = g.disorder || p.PTS < g.newest
	g.newest = max(g.newest, p.PTS)
	if p.Key {
		if p.PTS > g.lastKey {
			g.interval = p.PTS - g.lastKey
		}
		g.lastKey = p.PTS
		return
	}
	if g.sizes.add(p.PTS, p.PictureSize(), asked) {
		if g.shut && p.PTS >= g.awake && !asked {
			g.attention.wakes.Add(1)
		}
		g.awake = p.PTS + wakeFor
	}
}

// open reports whether every packet is to pass.
func (g *gate) open(p *media.Packet) bool {
	switch {
	case g.attention.Full(), p.PTS < g.awake, g.sizes.limit == 0:
		return true
	case g.interval > maxKeyInterval || p.PTS-g.lastKey > maxKeyInterval:
		g.say("its keyframes are too far apart; set the camera's keyframe (I-frame) interval to 4 s or less")
		return true
	case g.disorder:
		// The decoder holds a keyframe back until it has seen the next two.
		g.say("it sends pictures out of order; switch B-frames off in the camera's video settings")
		return true
	case g.large:
		g.say("it sends too much between keyframes; lower the camera's bit rate or its keyframe interval, or use its sub-stream")
		g.large, g.distrust = false, p.PTS+distrustFor
	case g.misses >= maxMisses:
		g.say("the sizes of its packets do not tell when something moves; set the camera's sub-stream to a variable bit rate")
		g.misses, g.distrust = 0, p.PTS+distrustFor
	}
	return p.PTS < g.distrust
}

// say logs once why a camera is never at rest.
func (g *gate) say(why string) {
	if g.said[why] {
		return
	}
	if g.said == nil {
		g.said = make(map[string]bool)
	}
	g.said[why] = true
	g.log.Warn("every picture of the camera is decoded, also while nothing happens", "because", why)
}

// catchUp leaves out of a burst the old pictures on which no other rests.
func catchUp(burst []*media.Packet) []*media.Packet {
	newest := burst[len(burst)-1].PTS
	kept := burst[:0]
	for _, p := range burst {
		if p.PTS > newest-replayFor || !p.Disposable() {
			kept = append(kept, p)
		}
	}
	return kept
}
