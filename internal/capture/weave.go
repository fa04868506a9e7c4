package capture

import (
	"time"

	"porchlight/internal/media"
)

// maxSoundHeld bounds the packets of sound that wait for their pictures:
// several seconds of it.
const maxSoundHeld = 256

// weave puts video and sound on a bus in the order of their times. Sound that
// is ahead waits for the pictures of its time: readers take what follows a
// keyframe to be later than it. It is not safe for concurrent use.
type weave struct {
	bus    *media.Bus
	newest time.Duration // PTS of video so far
	begun  bool
	held   []*media.Packet // sound
}

// video publishes a packet, after the sound that comes before it.
func (w *weave) video(p *media.Packet) {
	if w.begun && p.PTS < w.newest-maxClockSkew { // another connection
		w.newest, w.held = p.PTS, nil
	}
	if !w.begun || p.PTS > w.newest {
		w.begun, w.newest = true, p.PTS
	}
	w.release()
	w.bus.Publish(p)
}

// sound publishes a packet once its time has come.
func (w *weave) sound(p *media.Packet) {
	if len(w.held) == maxSoundHeld {
		w.held[0] = nil
		w.held = w.held[1:]
	}
	w.held = append(w.held, p)
	w.release()
}

// release publishes the sound from before the newest picture.
func (w *weave) release() {
	for w.begun && len(w.held) > 0 && w.held[0].PTS < w.newest {
		w.bus.Publish(w.held[0])
		w.held[0] = nil
		w.held = w.held[1:]
	}
}
