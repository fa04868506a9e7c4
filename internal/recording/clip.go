package recording

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/recording/segment"
)

// Limits of a clip. MP4 as it is written here counts bytes in 32 bits; the
// other keeps its table of samples within some 100 MB.
const (
	maxClipBytes   = 4<<30 - 64<<20
	maxClipSamples = 600_000
	// maxHeld is how many files a clip keeps open where another process might
	// remove them.
	maxHeld = 256
)

// Piece is where in a clip a time without gaps begins.
type Piece struct {
	At     time.Time     // of its first picture
	Offset time.Duration // in the clip
}

// Clip is a range of a camera's recordings as one MP4 file that plays anywhere.
// It begins and ends with whole GOPs, has rising timestamps, and leaves gaps
// out.
type Clip struct {
	From, To time.Time // of the first and the latest picture
	Pieces   []Piece   // at least one
	Bytes    int64     // of pictures and sound
	// Rest is where the next clip has to begin, because the camera's stream
	// changed there or the file would have been too large, or made of too many.
	// Zero: this is all.
	Rest time.Time

	library *Library
	release func()
	video   *clipTrack
	audio   *clipTrack
	count   int           // samples
	gone    int           // files
	failed  error         // the last one
	last    *media.Stream // of video
	sound   *media.Stream
	handles map[*file]*os.File
	order   []*file  // of handles that may be closed
	laid    *Content // once it is laid out
}

// Clip cuts a clip from a camera's recordings. What is damaged, or not on the
// disk any more, is left out and said. It fails with ErrNothing, with
// fs.ErrNotExist too when there was something, or when nothing can be read with
// the disk's error. Close lets go of the recordings.
func (l *Library) Clip(ctx context.Context, camera string, from, to time.Time) (*Clip, error) {
	files, release := l.pin(camera, from.UnixMilli(), to.UnixMilli())
	c := &Clip{library: l, release: release, handles: make(map[*file]*os.File)}
	for _, f := range files {
		if c.count > 0 && l.readOnly && len(c.handles) >= maxHeld {
			c.Rest = time.UnixMilli(f.start).UTC()
			break
		}
		if err := c.addFile(ctx, f, from.UnixMilli(), to.UnixMilli()); err != nil {
			c.Close()
			return nil, fmt.Errorf("cut a clip of %s: %w", camera, err)
		}
		if !c.Rest.IsZero() {
			break
		}
	}
	if c.count == 0 {
		c.Close()
		return nil, c.nothing(camera, from, to)
	}
	return c, nil
}

// nothing is why a clip is empty.
func (c *Clip) nothing(camera string, from, to time.Time) error {
	if c.failed != nil {
		return fmt.Errorf("cut a clip of %s: %w", camera, c.failed)
	}
	err := fmt.Errorf("%w: %s, %s to %s", ErrNothing, camera, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	if c.gone > 0 {
		err = fmt.Errorf("%w: %d files of then: %w", err, c.gone, fs.ErrNotExist)
	}
	return err
}

// Close lets go of the recordings.
func (c *Clip) Close() {
	for _, f := range c.handles {
		_ = f.Close() // only read
	}
	clear(c.handles)
	c.order = nil
	if c.release != nil {
		c.release()
		c.release = nil
	}
}

func (c *Clip) addFile(ctx context.Context, f *file, from, to int64) error {
	opened, index, err := c.library.open(f)
	if c.library.gone(f, err) {
		c.gone++
		return nil
	}
	if err != nil {
		c.fail(f, err)
		return nil
	}
	before := c.count
	defer func() {
		if c.library.readOnly && c.count > before {
			c.handles[f] = opened // so that it can be read even once it is removed
		} else {
			_ = opened.Close() // only read
		}
	}()
	for _, g := range index.GOPs {
		if g.End < from || g.Start > to {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		video, audio, err := index.Samples(opened, g)
		if err != nil {
			c.fail(f, err)
			continue
		}
		if c.changed(index) || c.Bytes+g.Size > maxClipBytes || c.count+len(video)+len(audio) > maxClipSamples {
			c.Rest = time.UnixMilli(g.Start).UTC()
			return nil
		}
		c.add(f, index, g, video, audio)
	}
	return nil
}

// fail leaves out what cannot be read, and says so.
func (c *Clip) fail(f *file, err error) {
	c.failed = err
	c.library.mu.Lock()
	path := c.library.path(f)
	c.library.mu.Unlock()
	c.library.cfg.Log.Warn("a part of a recording cannot be read and is left out", "camera", f.shelf.camera, "file", path, "error", err)
}

// changed reports whether a file's streams cannot go into this clip. Sound may
// come and go.
func (c *Clip) changed(index *segment.Index) bool {
	return c.video != nil && !index.Video.Same(c.last) || c.audio != nil && index.Audio != nil && !index.Audio.Same(c.sound)
}

func (c *Clip) add(f *file, index *segment.Index, g segment.GOP, video, audio []segment.Sample) {
	if c.video == nil {
		c.last = index.Video
		c.video = newClipTrack(c, index.Video, video[0].Shown())
		c.From = time.UnixMilli(g.Start).UTC()
	}
	if c.audio == nil && index.Audio != nil {
		c.sound = index.Audio
		c.audio = newClipTrack(c, index.Audio, 0)
	}
	if c.video.jump(video[0].Shown()) || c.count == 0 {
		c.Pieces = append(c.Pieces, Piece{
			At:     time.UnixMilli(g.Start).UTC(),
			Offset: media.Ticks(c.video.out(video[0].Shown()), segment.VideoRate),
		})
		c.To = time.Time{} // it may go back
	}
	c.video.addGOP(f, video)
	if c.audio != nil {
		c.audio.follow(c.video)
		for _, s := range audio {
			c.audio.add(f, s, s.Time)
		}
	}
	c.count += len(video) + len(audio)
	c.To = later(c.To, time.UnixMilli(g.End).UTC())
	c.Bytes += g.Size
}
