package recording

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"porchlight/internal/recording/segment"
)

// Content is a clip's file, for readers that ask for parts of it, such as
// browsers. It is an io.ReadSeeker and not safe for concurrent use. It reads
// from the recordings, so it ends with its clip.
type Content struct {
	Header []byte // all that is before pictures and sound; it tells apart files of different content
	Size   int64  // of the whole file, bytes

	clip   *Clip
	places []place // by offset
	at     int64
}

// place is where in the file a sample is.
type place struct {
	offset int64
	file   *file
	sample segment.Sample
}

// headerWriter takes the file without samples.
type headerWriter struct{ data []byte }

func (w *headerWriter) Write(b []byte) (int, error) {
	w.data = append(w.data, b...)
	return len(b), nil
}

// Content lays the file out. It can be called once, and not after Write.
func (c *Clip) Content() (*Content, error) {
	p := pmp4.Presentation{Tracks: []*pmp4.Track{c.video.track}}
	if c.audio != nil && len(c.audio.track.Samples) > 0 {
		c.audio.track.TimeOffset = int32(c.audio.first)
		p.Tracks = append(p.Tracks, c.audio.track)
	}
	content := &Content{clip: c, places: make([]place, 0, c.count)}
	c.laid = content
	// The samples are asked for in the order they have in the file. They are
	// only noted, so what is written is the header.
	var w headerWriter
	if err := p.Marshal(&w); err != nil {
		return nil, fmt.Errorf("write clip: %w", err)
	}
	content.Header, content.Size = w.data, content.Size+int64(len(w.data))
	for i := range content.places {
		content.places[i].offset += int64(len(w.data))
	}
	return content, nil
}

// lay notes a sample that comes next. An empty one takes no place.
func (x *Content) lay(f *file, s segment.Sample) {
	if s.Size == 0 {
		return
	}
	x.places = append(x.places, place{x.Size, f, s})
	x.Size += int64(s.Size)
}

// Seek implements io.Seeker.
func (x *Content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += x.at
	case io.SeekEnd:
		offset += x.Size
	}
	if offset < 0 {
		return 0, errors.New("seek in a clip: before its beginning")
	}
	x.at = offset
	return offset, nil
}

// Read implements io.Reader. It fails with the disk's error.
func (x *Content) Read(b []byte) (n int, err error) {
	if x.at >= x.Size {
		return 0, io.EOF
	}
	if x.at < int64(len(x.Header)) {
		n = copy(b, x.Header[x.at:])
	}
	for n < len(b) && x.at+int64(n) < x.Size {
		more, err := x.read(b[n:], x.at+int64(n))
		if err != nil {
			x.at += int64(n)
			return n, fmt.Errorf("read clip: %w", err)
		}
		n += more
	}
	x.at += int64(n)
	return n, nil
}

// read reads within the sample at an offset in the file.
func (x *Content) read(b []byte, at int64) (int, error) {
	i, exact := slices.BinarySearchFunc(x.places, at, func(p place, at int64) int {
		switch {
		case p.offset < at:
			return -1
		case p.offset > at:
			return 1
		}
		return 0
	})
	if !exact {
		i-- // there is one before it: the first begins where the header ends
	}
	p := x.places[i]
	f, err := x.clip.handle(p.file)
	if err != nil {
		return 0, err
	}
	in := at - p.offset
	return f.ReadAt(b[:min(int64(len(b)), int64(p.sample.Size)-in)], p.sample.Offset+in)
}

// Write writes the file. It can be called once, and not after Content.
func (c *Clip) Write(w io.Writer) error {
	content, err := c.Content()
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(w, struct{ io.Reader }{content}, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("write clip: %w", err)
	}
	return nil
}

// handle is a file that samples are in. Of those that nobody else can remove
// two are open at a time: that is as many as pictures and sound of one moment
// are in.
func (c *Clip) handle(f *file) (*os.File, error) {
	if h := c.handles[f]; h != nil {
		return h, nil
	}
	if len(c.order) == 2 {
		_ = c.handles[c.order[0]].Close() // only read
		delete(c.handles, c.order[0])
		c.order = c.order[1:]
	}
	c.library.mu.Lock()
	h, err := os.Open(c.library.path(f))
	c.library.mu.Unlock()
	if err != nil {
		return nil, err
	}
	c.handles[f], c.order = h, append(c.order, f)
	return h, nil
}
