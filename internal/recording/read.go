package recording

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/recording/segment"
)

// cached is of how many closed files the index is remembered.
const cached = 16

// open opens a file and finds its index. It is called without mu.
func (l *Library) open(f *file) (*os.File, *segment.Index, error) {
	var opened *os.File
	l.mu.Lock()
	err := l.follow(f, func(path string) (err error) {
		opened, err = os.Open(path) // before it is renamed
		return err
	})
	index := f.index
	l.mu.Unlock()
	if err != nil || index != nil {
		return opened, index, err
	}
	info, err := opened.Stat()
	if err == nil {
		var scanned segment.Index
		if scanned, err = segment.Scan(opened, info.Size()); err == nil {
			l.mu.Lock()
			l.remember(f, &scanned)
			l.mu.Unlock()
			return opened, &scanned, nil
		}
	}
	return nil, nil, errors.Join(err, opened.Close())
}

// remember keeps a closed file's index. It is called with mu held.
func (l *Library) remember(f *file, index *segment.Index) {
	l.forget(f)
	f.index = index
	l.cache = append(l.cache, f)
	if len(l.cache) > cached {
		l.forget(l.cache[0])
	}
}

// forget is called with mu held.
func (l *Library) forget(f *file) {
	if i := slices.Index(l.cache, f); i >= 0 {
		l.cache = slices.Delete(l.cache, i, i+1)
		f.index = nil
	}
}

// pin returns a camera's files within a range and keeps them from being
// removed until release is called.
func (l *Library) pin(camera string, from, to int64) (files []*file, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.cameras[camera]; s != nil {
		files = s.within(from, to)
	}
	for _, f := range files {
		f.pins++
	}
	return files, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, f := range files {
			f.pins--
		}
	}
}

// Range is a time without gaps of which there is video.
type Range struct {
	From, To time.Time
	Class    Class
}

// joined is the largest gap between files that is none: the time to the next
// picture and a hiccup.
const joined = 2 * time.Second

// Ranges returns of when there is video of a camera, from from to to, by when
// it starts. Where the clock was set back they overlap.
func (l *Library) Ranges(camera string, from, to time.Time) []Range {
	files, release := l.pin(camera, from.UnixMilli(), to.UnixMilli())
	defer release()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Range
	for _, f := range files {
		r := Range{From: time.UnixMilli(f.start).UTC(), To: time.UnixMilli(f.end).UTC(), Class: f.class}
		if n := len(out); n > 0 && out[n-1].Class == r.Class && r.From.Sub(out[n-1].To) <= joined {
			out[n-1].To = later(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// GOPs returns what is recorded of a camera from from to to, both included, in
// the order it was recorded in: from the GOP that is on screen at from. It
// holds one GOP in memory at a time. After an error, such as ErrDamaged, it
// goes on with the next file if the caller does.
func (l *Library) GOPs(ctx context.Context, camera string, from, to time.Time) iter.Seq2[*media.GOP, error] {
	return func(yield func(*media.GOP, error) bool) {
		files, release := l.pin(camera, from.UnixMilli(), to.UnixMilli())
		defer release()
		for _, f := range files {
			if !l.gops(ctx, f, from.UnixMilli(), to.UnixMilli(), yield) {
				return
			}
		}
	}
}

func (l *Library) gops(ctx context.Context, f *file, from, to int64, yield func(*media.GOP, error) bool) bool {
	opened, index, err := l.open(f)
	if err != nil {
		return l.readOnly && l.gone(f, err) || yield(nil, err)
	}
	defer opened.Close()
	for _, at := range index.GOPs {
		if at.End < from || at.Start > to {
			continue
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return false
		}
		g, err := index.Read(opened, at)
		if err != nil {
			return yield(nil, err)
		}
		if !yield(g, nil) {
			return false
		}
	}
	return true
}

// Source gives back video of one camera that memory has dropped.
type Source struct {
	library *Library
	camera  string
}

// Source returns the recordings of a camera.
func (l *Library) Source(camera string) *Source { return &Source{l, camera} }

// GOP returns the first whole GOP that starts in from <= start < before, in
// milliseconds since 1970 as in the ring, and io.EOF when there is none. What
// cannot be read is passed over, and said.
func (s *Source) GOP(ctx context.Context, from, before int64) (*media.GOP, error) {
	l := s.library
	files, release := l.pin(s.camera, from, before-1)
	defer release()
	for ctx.Err() == nil {
		f, at := l.first(files, from, before)
		if f == nil {
			return nil, io.EOF
		}
		g, err := l.read(f, at)
		if err == nil {
			return g, nil
		}
		l.cfg.Log.Warn("a part of a recording cannot be read", "camera", s.camera, "file", l.path(f), "error", err)
		from = at.Start + 1
	}
	return nil, ctx.Err()
}

// has reports whether a GOP that starts exactly then is recorded.
func (l *Library) has(camera string, start int64) bool {
	files, release := l.pin(camera, start, start)
	defer release()
	f, _ := l.first(files, start, start+1)
	return f != nil
}

// first finds the GOP that starts first, and its file.
func (l *Library) first(files []*file, from, before int64) (found *file, at segment.GOP) {
	for _, f := range files {
		if found != nil && f.start > at.Start {
			break
		}
		opened, index, err := l.open(f)
		if err != nil {
			l.cfg.Log.Warn("a recording cannot be read", "camera", f.shelf.camera, "error", err)
			continue
		}
		_ = opened.Close()
		for _, g := range index.GOPs {
			if g.Start >= from && g.Start < before && (found == nil || g.Start < at.Start) {
				found, at = f, g
			}
		}
	}
	return found, at
}

func (l *Library) read(f *file, at segment.GOP) (*media.GOP, error) {
	opened, index, err := l.open(f)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return index.Read(opened, at)
}
