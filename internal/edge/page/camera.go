package page

import (
	"cmp"
	"sync"
	"time"

	"porchlight/internal/annotate"
	"porchlight/internal/pipeline"
)

// quality of the JPEGs: texts one pixel thin stay readable.
const quality = 80

func compare(a, b string) int { return cmp.Compare(a, b) }

// camera is one camera with those who watch it.
type camera struct {
	id        string
	annotator *annotate.Annotator
	gone      chan struct{} // closed when the camera is taken away

	mu      sync.Mutex
	stats   stats
	streams map[*stream]bool
	newest  *pipeline.View // kept only while somebody watches
	number  int64          // of the newest view

	drawing sync.Mutex // held while a picture is made, once for all viewers
	picture picture
}

// picture is a view as a JPEG.
type picture struct {
	number int64
	jpeg   []byte
}

// stream is one viewer.
type stream struct{ news chan struct{} } // holds one: there is a newer view

// view takes in what one frame gave.
func (c *camera) view(v *pipeline.View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.add(v, time.Now())
	if len(c.streams) == 0 {
		return
	}
	c.newest = v
	c.number++
	for s := range c.streams {
		select {
		case s.news <- struct{}{}:
		default: // a viewer who is slow gets the newest when ready
		}
	}
}

func (c *camera) join() *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &stream{news: make(chan struct{}, 1)}
	if c.newest != nil {
		s.news <- struct{}{}
	}
	c.streams[s] = true
	return s
}

func (c *camera) leave(s *stream) {
	c.mu.Lock()
	delete(c.streams, s)
	last := len(c.streams) == 0
	if last {
		c.newest = nil
	}
	c.mu.Unlock()
	if last {
		c.drawing.Lock()
		defer c.drawing.Unlock()
		c.picture = picture{}
	}
}

// draw returns the newest view as a picture. Whoever asks first makes it.
func (c *camera) draw() (picture, error) {
	c.drawing.Lock()
	defer c.drawing.Unlock()
	c.mu.Lock()
	v, number := c.newest, c.number
	c.mu.Unlock()
	if v == nil || c.picture.number == number {
		return c.picture, nil
	}
	jpeg, err := annotate.JPEG(c.annotator.Draw(v), quality)
	if err != nil {
		return picture{}, err
	}
	c.picture = picture{number: number, jpeg: jpeg}
	return c.picture, nil
}
