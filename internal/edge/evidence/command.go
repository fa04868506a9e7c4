package evidence

import (
	"errors"
	"time"
)

// ErrRefused is wrapped when a camera cannot be told to record, however often
// it is tried.
var ErrRefused = errors.New("cannot do that")

// Recorded is what is kept because of a command.
type Recorded struct {
	Stream   string // empty: it stays on the disk
	From, To time.Time
}

// Record keeps the camera's video for so long, beginning a little before now.
// A recording that a command began before goes on for at least as long. It
// fails with ErrRefused, or when no video comes.
func (k *Keeper) Record(length time.Duration) (Recorded, error) {
	return k.command(func(now time.Time) (*stretch, error) { return k.desk.record(length, now) })
}

// Stop ends what Record began. It fails with ErrRefused.
func (k *Keeper) Stop() (Recorded, error) { return k.command(k.desk.stop) }

func (k *Keeper) command(do func(now time.Time) (*stretch, error)) (Recorded, error) {
	if k == nil {
		return Recorded{}, errNothingKept
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := do(k.locker.cfg.Now())
	if err != nil {
		return Recorded{}, err
	}
	k.keepNote(false)
	r := Recorded{From: s.from, To: s.until}
	if s.uploaded {
		r.Stream = k.camera
	}
	return r, nil
}
