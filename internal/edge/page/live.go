package page

import (
	"fmt"
	"net/http"
	"time"
)

// boundary between the pictures of a stream.
const boundary = "picture"

// live streams the pictures of a camera as multipart/x-mixed-replace, each part
// a JPEG that takes the place of the last. A viewer who takes longer
// than answerTime for one is let go.
func (s *site) live(w http.ResponseWriter, r *http.Request) {
	c := s.find(r.PathValue("id"))
	if c == nil {
		http.NotFound(w, r)
		return
	}
	if s.viewers.Add(1) > mostViewers {
		s.viewers.Add(-1)
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("%d people are watching already; close another window", mostViewers), http.StatusServiceUnavailable)
		return
	}
	defer s.viewers.Add(-1)
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary="+boundary)
	if r.Method == http.MethodHead {
		return
	}
	watching := c.join()
	defer c.leave(watching)
	out := http.NewResponseController(w)
	// A boundary follows each picture at once, for browsers show a part only
	// when they know that it is whole.
	if _, err := fmt.Fprintf(w, "--%s\r\n", boundary); err != nil || out.Flush() != nil {
		return
	}
	for shown := int64(0); ; {
		select {
		case <-r.Context().Done():
			return
		case <-c.gone:
			return
		case <-watching.news:
		}
		p, err := c.draw()
		if err != nil {
			s.log.Debug("local page: a picture was left out", "camera", c.id, "error", err)
			continue
		}
		if p.jpeg == nil || p.number == shown {
			continue
		}
		shown = p.number
		_ = out.SetWriteDeadline(time.Now().Add(answerTime)) // as in strict
		if _, err := fmt.Fprintf(w, "Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(p.jpeg)); err != nil {
			return
		}
		if _, err := w.Write(p.jpeg); err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "\r\n--%s\r\n", boundary); err != nil || out.Flush() != nil {
			return
		}
	}
}
