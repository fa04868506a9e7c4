package recording

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// sayEvery is how often a disk that stays full is spoken of.
const sayEvery = time.Hour

// makeRoom removes recordings until a camera may write need more bytes: the
// lowest class first, and of that the oldest, but nothing of a higher class
// than what is to be written. It fails with ErrFull when that is not enough,
// or with the disk's error.
func (l *Library) makeRoom(camera string, class Class, need int64) error {
	l.mu.Lock()
	s := l.shelf(camera)
	over := int64(0)
	if s.limits.MaxBytes > 0 {
		over = s.bytes() + need - s.limits.MaxBytes
	}
	freed := l.evict([]*shelf{s}, class, over)
	if freed < over {
		l.mu.Unlock()
		return fmt.Errorf("%w: %s may have %d bytes, and what there is outranks a recording of class %q; allow it more bytes or keep alerts for less time",
			ErrFull, camera, s.limits.MaxBytes, class)
	}
	l.mu.Unlock()
	free, err := l.cfg.Free(l.cfg.Dir)
	if err != nil {
		return err
	}
	short := l.cfg.MinFree + need - free
	if short <= 0 {
		return nil
	}
	l.mu.Lock()
	all := make([]*shelf, 0, len(l.cameras))
	for _, s := range l.cameras {
		all = append(all, s)
	}
	freed = l.evict(all, class, short)
	now := l.cfg.Now()
	say := freed > 0 && now.Sub(l.said).Abs() > sayEvery
	if say {
		l.said = now
	}
	l.mu.Unlock()
	if say {
		l.cfg.Log.Warn("the disk is nearly full: the oldest recordings are removed to make room",
			"free_bytes", free, "limit_bytes", l.cfg.MinFree, "advice", "free some space, or record less")
	}
	if freed < short {
		return fmt.Errorf("%w: %d bytes are free on the disk of %s, which has to have %d; free some space",
			ErrFull, free+freed, l.cfg.Dir, l.cfg.MinFree)
	}
	return nil
}

// evict removes files of shelves until so many bytes are freed, and returns
// how many were. It removes none when they are not enough: that would cost
// recordings and help nobody. It is called with mu held, and lets go of it
// meanwhile.
func (l *Library) evict(shelves []*shelf, upTo Class, bytes int64) (freed int64) {
	if bytes <= 0 {
		return 0
	}
	var files []*file
	for _, s := range shelves {
		for _, f := range s.files {
			if f.class <= upTo && !f.open && f.pins == 0 {
				files = append(files, f)
			}
		}
	}
	slices.SortFunc(files, func(a, b *file) int { return cmp.Or(cmp.Compare(a.class, b.class), byStart(a, b)) })
	n, sum := 0, int64(0)
	for n < len(files) && sum < bytes {
		sum += files[n].bytes
		n++
	}
	files = files[:n]
	if sum < bytes {
		return 0
	}
	l.take(files)
	l.mu.Unlock()
	freed = l.delete(files)
	l.mu.Lock()
	return freed
}
