package media

import "sync"

// Sample is a packet at its place on a ring's timeline.
type Sample struct {
	*Packet
	At int64 // milliseconds since 1970
}

// GOP is a keyframe and what follows it up to the next one, with the sound of
// that time. It grows until it is complete. Its fields never change.
type GOP struct {
	Number uint64 // counts the GOPs of a ring from 1; 0 when it is of no ring
	// Run changes where a player has to start over: new parameter sets, sound
	// that comes or goes, or a clock set far back.
	Run          uint64
	Start        int64   // of the keyframe, milliseconds since 1970
	Video, Audio *Stream // Audio is nil when there is none

	mu       *sync.Mutex // of the ring
	samples  []Sample    // only ever appended to, so that readers need no copy
	complete bool
	bytes    int
	end      int64 // the latest At

	keyPTS int64 // milliseconds
	behind int64 // thousandths by which this GOP runs slow
	full   bool  // takes no more video
}

// NewGOP makes a complete GOP of samples, of which the first is the keyframe,
// for sources other than a ring.
func NewGOP(video, audio *Stream, samples []Sample) *GOP {
	g := &GOP{Video: video, Audio: audio, mu: &sync.Mutex{}, samples: samples, complete: true}
	if len(samples) > 0 {
		g.Start = samples[0].At
	}
	for _, s := range samples {
		g.bytes += s.Size()
		g.end = max(g.end, s.At)
	}
	return g
}

// Samples returns the samples from the n-th on, as far as there are any, and
// whether these are all there will be. They must not be changed.
func (g *GOP) Samples(n int) (samples []Sample, complete bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n = min(n, len(g.samples))
	return g.samples[n:len(g.samples):len(g.samples)], g.complete
}

// End is the latest time of a sample so far, in milliseconds since 1970, and
// whether that is the last.
func (g *GOP) End() (at int64, complete bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.end, g.complete
}
