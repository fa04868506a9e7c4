package capture

import (
	"time"

	"porchlight/internal/media"
)

const (
	// maxSoundHeld bounds the packets of sound that wait for their pictures:
	// several seconds of it.
	maxSoundHeld = 256
	// maxSoundLate is how late sound may arrive and still be carried.
	maxSoundLate = 300 * time.Millisecond
	// soundReturn is the part of the time by which sound that was dated late
	// is brought back.
	soundReturn = 5000
)

// weave puts video and sound on a bus in the order of their times: readers
// take what follows a keyframe to be later than it.
//
// Sound that is ahead waits for the pictures of its time. Pictures never wait.
// Sound that comes after a keyframe before which it was heard, as a frame of
// sound is complete only at its end, is dated late by so much, and so is all
// after it: no ear notices that, but every gap or overlap. It is not safe for
// concurrent use.
type weave struct {
	bus    *media.Bus
	newest time.Duration // PTS of video so far
	key    time.Duration // PTS of the last keyframe
	begun  bool
	held   []*media.Packet // sound
	late   time.Duration   // by which sound is dated late
	heard  time.Duration   // PTS of sound so far
}

// video publishes a packet, after the sound that comes before it.
func (w *weave) video(p *media.Packet) {
	if !w.begun || p.PTS < w.newest-maxClockSkew { // another connection
		*w = weave{bus: w.bus, begun: true, newest: p.PTS, key: p.PTS, heard: p.PTS}
	}
	w.newest = max(w.newest, p.PTS)
	w.release()
	if p.Key {
		w.key = p.PTS
	}
	w.bus.Publish(p)
}

// sound publishes a packet once its time has come.
func (w *weave) sound(p *media.Packet) {
	if !w.begun {
		return // there is nothing yet to which it could be heard
	}
	if len(w.held) == maxSoundHeld {
		w.held = w.held[1:]
	}
	w.held = append(w.held, p)
	w.release()
}

// release publishes the sound from before the newest picture.
func (w *weave) release() {
	for len(w.held) > 0 && w.held[0].PTS+w.late < w.newest {
		p := *w.held[0] // which others may have too
		w.held = w.held[1:]
		if p.PTS < w.key-maxSoundLate {
			continue
		}
		w.late = max(w.late-max(p.PTS+w.late-w.heard, 0)/soundReturn, w.key-p.PTS, 0)
		p.PTS, p.Time = p.PTS+w.late, p.Time.Add(w.late)
		w.heard = p.PTS
		w.bus.Publish(&p)
	}
}
