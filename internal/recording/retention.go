package recording

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const sweepEvery = time.Minute

// Run removes what is older than it is kept for, until ctx ends.
func (l *Library) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		l.Sweep()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep removes what is older than it is kept for. After the clock has jumped
// ahead it waits a day, so that a wrong clock does not cost the recordings.
func (l *Library) Sweep() {
	if l.readOnly {
		return
	}
	l.watch()
	now := l.cfg.Now()
	l.mu.Lock()
	jump, held := l.clock.hold(now, now.Sub(l.began))
	var old []*file
	if !held {
		for _, s := range l.cameras {
			for _, f := range s.files {
				if keep := s.limits.Keep[f.class]; keep > 0 && !f.open && f.pins == 0 && now.UnixMilli()-f.end > keep.Milliseconds() {
					old = append(old, f)
				}
			}
		}
	}
	l.take(old)
	l.mu.Unlock()
	if jump > 0 {
		l.cfg.Log.Warn("the clock jumped ahead; recordings are not removed by age for a day",
			"jump", jump.String(), "advice", "set the clock of this machine by NTP")
	}
	l.delete(old)
}

// watch says when the folder is not the one that was opened: its disk was taken
// away while the machine runs, or another one was mounted over it.
func (l *Library) watch() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	was, failed := l.lock.Stat()
	is, err := os.Lstat(l.lock.Name())
	away := failed != nil || err != nil || !os.SameFile(was, is)
	changed := away != l.away
	l.away = away
	l.mu.Unlock()
	switch {
	case changed && away:
		l.cfg.Log.Error("the disk of the recordings was taken away; recording goes on in what is there instead",
			"dir", l.cfg.Dir, "advice", "mount the disk again and restart")
	case changed:
		l.cfg.Log.Info("the disk of the recordings is back", "dir", l.cfg.Dir)
	}
}

// take takes files off their shelves. It is called with mu held.
func (l *Library) take(files []*file) {
	for _, f := range files {
		f.shelf.remove(f)
		l.forget(f)
	}
}

// delete deletes files that were taken, and returns how many bytes that was.
// What cannot be deleted is put back.
func (l *Library) delete(files []*file) (freed int64) {
	for _, f := range files {
		path := l.path(f)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.cfg.Log.Error("a recording cannot be removed", "camera", f.shelf.camera, "file", path, "error", err)
			l.mu.Lock()
			f.shelf.add(f)
			l.mu.Unlock()
			continue
		}
		freed += f.bytes
		_ = os.Remove(filepath.Dir(path)) // fails unless it is empty
	}
	return freed
}

const (
	clockJump = time.Hour      // ahead, which is no correction any more
	clockHold = 24 * time.Hour // in which somebody may notice
)

// clock notices when the wall clock jumps ahead of the one that only counts.
type clock struct {
	wall    time.Time
	counted time.Duration
	until   time.Duration // counted, when a hold ends
}

// hold says whether age means nothing now, and once by how much the wall clock
// has jumped. counted is the time since some start, whatever the wall clock
// does.
func (c *clock) hold(wall time.Time, counted time.Duration) (jump time.Duration, held bool) {
	wall = wall.Round(0)
	if !c.wall.IsZero() {
		if ahead := wall.Sub(c.wall) - (counted - c.counted); ahead > clockJump {
			jump, c.until = ahead, counted+clockHold
		}
	}
	c.wall, c.counted = wall, counted
	return jump, counted < c.until
}
