package recording

import (
	"errors"
	"time"

	"porchlight/internal/media"
)

// write appends samples of the GOP to the file they belong in.
func (r *Recorder) write(samples []media.Sample, next *media.Sample) error {
	w := &r.work
	samples = r.carried(samples)
	if len(samples) == 0 {
		return nil
	}
	size := int64(0)
	for _, s := range samples {
		size += int64(s.SampleSize())
	}
	class, _ := r.wants(w.gop)
	class = max(class, Continuous) // an event may have been cut short meanwhile
	if err := r.place(class, size+overhead); err != nil {
		return err
	}
	if err := w.active.writer.Append(samples, w.taken == 0, next); err != nil {
		return err
	}
	w.active.number = w.gop.Number
	w.active.end, _ = w.gop.End()
	r.count(func(s *Stats) {
		s.Fragments++
		s.Bytes += size
	})
	return nil
}

// maxGap is the longest gap within a file: in a player it is a picture that
// stands still.
const maxGap = 10 * time.Second

// overhead is more than what a fragment takes besides its samples, bytes.
const overhead = 64 << 10

// place sees to it that there is room and a file for the GOP.
func (r *Recorder) place(class Class, size int64) error {
	w := &r.work
	if w.active != nil {
		size += w.active.writer.Size() - w.active.synced // which the library does not know of yet
	}
	if err := r.cfg.Library.makeRoom(r.cfg.Camera, class, size); err != nil {
		return err
	}
	if w.taken > 0 && w.active != nil {
		return w.active.raise(class)
	}
	if a := w.active; a != nil && (a.run != w.gop.Run || a.number+1 != w.gop.Number || a.file.class != class ||
		w.gop.Start-a.file.start >= r.cfg.Segment.Milliseconds() || w.gop.Start-a.end > maxGap.Milliseconds()) {
		if err := r.close(); err != nil {
			return err
		}
	}
	if w.active != nil {
		return nil
	}
	var err error
	w.active, err = r.cfg.Library.begin(r.cfg.Camera, w.gop, class)
	return err
}

// carried leaves out what a file cannot hold, which the ring should not have.
func (r *Recorder) carried(samples []media.Sample) []media.Sample {
	g := r.work.gop
	fits := func(s media.Sample) bool {
		return s.SampleSize() > 0 && (s.Stream.Same(g.Video) || g.Audio != nil && s.Stream.Same(g.Audio))
	}
	for i, s := range samples {
		if fits(s) {
			continue
		}
		out := append([]media.Sample(nil), samples[:i]...)
		for _, s := range samples[i:] {
			if fits(s) {
				out = append(out, s)
			}
		}
		return out
	}
	return samples
}

// settle puts what was written on disk.
func (r *Recorder) settle() error {
	a := r.work.active
	whole := r.work.gop == nil || r.work.taken == 0
	if a == nil || a.synced == a.writer.Size() && a.whole == whole {
		return nil
	}
	if err := a.sync(whole); err != nil {
		return err
	}
	r.safe(a)
	return nil
}

// safe notes that all of a file is on disk.
func (r *Recorder) safe(a *active) {
	if gops := a.writer.Index().GOPs; len(gops) > 0 {
		r.count(func(s *Stats) { s.Safe = time.UnixMilli(gops[len(gops)-1].End).UTC() })
	}
}

// close ends the file.
func (r *Recorder) close() error {
	a := r.work.active
	if a == nil {
		return nil
	}
	r.work.active = nil
	if err := a.finish(); err != nil {
		return err
	}
	r.safe(a)
	return nil
}

// fail ends the file after a failure. A GOP of which a part is written is
// given up: the rest cannot be shown without what may be missing.
func (r *Recorder) fail(err error) error {
	w := &r.work
	if w.gop != nil {
		if w.taken > 0 {
			r.giveUp()
		} else {
			w.gop = nil // another try
		}
	}
	return errors.Join(err, r.close())
}

func (r *Recorder) giveUp() {
	r.count(func(s *Stats) { s.Lost++ })
	r.finished()
}

// foreign gives up a GOP that no file can hold, which is not the disk's fault.
func (r *Recorder) foreign(err error) {
	w := &r.work
	if !w.gop.Video.Same(w.told) {
		w.told = w.gop.Video
		r.log.Error("the camera's stream cannot be recorded", "error", err, "advice", "choose H.264 in the camera's video settings")
	}
	r.giveUp()
}

// last writes what there is when recording ends.
func (r *Recorder) last() error {
	now := time.Now()
	err := r.pass(now)
	if err == nil {
		err = r.pass(now.Add(abandon)) // there will be no more
	}
	return errors.Join(err, r.close())
}
