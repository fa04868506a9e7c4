package evidence

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/media"
	"porchlight/internal/pipeline"
	"porchlight/internal/recording"
)

// Keeper keeps the evidence of one camera. Its methods may be called from any
// goroutine; those of a nil keeper do nothing, as there is none at a camera of
// which nothing is kept.
type Keeper struct {
	camera string
	locker *Locker
	log    *slog.Logger
	bus    *media.Bus
	ring   *media.Ring
	rec    *recording.Recorder // nil: nothing is recorded
	up     *producer.Producer  // nil: nothing is uploaded
	most   int64               // bytes uploaded a day; 0: no limit
	file   string              // of the note
	health health

	filling work // of the ring
	working work // of recorder, producer and clock

	mu      sync.Mutex
	desk    desk
	note    note
	noted   note   // as it is in the file
	counted int64  // bytes of the producer that the note has
	stream  string // what is wrong with the stream that is kept
	closed  bool
}

// Bus takes the camera's video, nil when nothing of it is kept.
func (k *Keeper) Bus() *media.Bus {
	if k == nil {
		return nil
	}
	return k.bus
}

// Ring holds the camera's newest video, nil when nothing of it is kept.
func (k *Keeper) Ring() *media.Ring {
	if k == nil {
		return nil
	}
	return k.ring
}

// Plays says what the stream does that is kept, where that is not the one that
// is looked at.
func (k *Keeper) Plays(state event.CameraState, message string) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stream = ""
	if state == event.CameraFailed {
		k.stream = message
	}
}

// happens takes a state of an event and returns where its video is uploaded
// to, nil when it is not.
func (k *Keeper) happens(e event.Event) *event.Clip {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	return k.desk.happens(e, k.locker.cfg.Now())
}

// View takes what the pipeline saw in a frame.
func (k *Keeper) View(v *pipeline.View) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.desk.sees(v.Found, v.Frame.Time)
	}
}

// OnView is View, nil when nobody has to be told.
func (k *Keeper) OnView() func(*pipeline.View) {
	if k == nil || k.up == nil || len(k.desk.wishes.upload.Seen) == 0 {
		return nil
	}
	return k.View
}

// every is how often a keeper looks at the clock.
const every = time.Second

// tick does what time asks for until ctx ends.
func (k *Keeper) tick(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := k.locker.cfg.Now()
		stats := k.state()
		k.mu.Lock()
		before := k.desk.over
		over := k.over(stats.Upload.Bytes, now)
		k.desk.tick(now, over)
		k.keepNote(false)
		stats.Over, stats.Stream = over, k.stream
		k.mu.Unlock()
		if over != before {
			k.stopUpload(over)
		}
		if message, changed := k.health.judge(stats, now); changed {
			k.locker.cfg.Note(k.camera, message)
		}
	}
}

// over counts what the producer has uploaded by now, and tells whether it is
// all that may be uploaded today.
func (k *Keeper) over(sent int64, now time.Time) bool {
	today := k.note.spend(sent-k.counted, now)
	k.counted = sent
	return k.most > 0 && today >= k.most
}

// stopUpload stops uploading because the day's bytes are used up, or goes on.
func (k *Keeper) stopUpload(over bool) {
	if over {
		k.up.Pause()
		k.log.Warn("nothing more is uploaded today: upload.daily_bytes are used up; what happens stays on the disk", "daily_bytes", k.most)
		return
	}
	k.up.Resume()
	k.log.Info("video is uploaded again")
}

// noteEvery is how many bytes may be uploaded until they are noted.
const noteEvery = 1 << 20

// keepNote writes the note when enough of it is new.
func (k *Keeper) keepNote(all bool) {
	k.note.Manual = nil
	if m := k.desk.manual; m != nil {
		k.note.Manual = &manual{Begin: m.begin, Until: m.until}
	}
	same := k.note.Day == k.noted.Day && sameManual(k.note.Manual, k.noted.Manual)
	if same && (k.note.Bytes == k.noted.Bytes || !all && k.note.Bytes-k.noted.Bytes < noteEvery) {
		return
	}
	if err := k.note.write(k.file); err != nil {
		k.log.Warn("what was uploaded today is not noted and would count anew after a restart", "error", err)
	}
	k.noted = k.note
}

func sameManual(a, b *manual) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Until.Equal(b.Until)
}

// Close ends all that is kept of the camera, of which no more video comes. It
// waits a while for the last acknowledgements.
func (k *Keeper) Close() {
	if k == nil {
		return
	}
	k.filling.end()
	k.mu.Lock()
	k.closed = true
	k.desk.close(k.locker.cfg.Now())
	k.mu.Unlock()
	k.locker.leave(k)
	k.working.end()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.up != nil {
		k.over(k.up.Stats().Bytes, k.locker.cfg.Now())
	}
	k.keepNote(true)
}
