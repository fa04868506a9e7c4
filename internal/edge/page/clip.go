package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/recording"
)

// clipWait is how long a question waits for others to be answered. A browser
// that jumps within a video asks anew before it lets go of the old answer.
const clipWait = 5 * time.Second

// clipAnswer says what is in a clip.
type clipAnswer struct {
	From   event.Time    `json:"from"`
	To     event.Time    `json:"to"`
	Bytes  int64         `json:"bytes"`
	Pieces []pieceAnswer `json:"pieces"`
	Rest   *event.Time   `json:"rest,omitempty"` // where the next clip has to begin
}

// pieceAnswer is where in a clip a time without gaps begins.
type pieceAnswer struct {
	At     event.Time `json:"at"`
	Offset float64    `json:"offset_s"`
}

func (s *site) describeClip(w http.ResponseWriter, r *http.Request, camera string) {
	s.clip(w, r, camera, nil, func(clip *recording.Clip, content *recording.Content) {
		answer := clipAnswer{From: event.At(clip.From), To: event.At(clip.To), Bytes: content.Size}
		for _, p := range clip.Pieces {
			answer.Pieces = append(answer.Pieces, pieceAnswer{event.At(p.At), p.Offset.Seconds()})
		}
		if !clip.Rest.IsZero() {
			rest := event.At(clip.Rest)
			answer.Rest = &rest
		}
		s.answer(w, answer)
	})
}

// sendClip sends a clip as MP4 or any one part of it: some browsers play
// nothing that they cannot ask for in parts.
func (s *site) sendClip(w http.ResponseWriter, r *http.Request, camera string) {
	s.clip(w, r, camera, []string{"download"}, func(clip *recording.Clip, content *recording.Content) {
		h := w.Header()
		h.Set("Content-Type", "video/mp4")
		// While the camera is recorded the same question may have a longer
		// answer later; parts of the two must not be taken together.
		sum := sha256.New()
		fmt.Fprint(sum, camera, clip.From, clip.To)
		sum.Write(content.Header)
		h.Set("ETag", `"`+hex.EncodeToString(sum.Sum(nil)[:16])+`"`)
		disposition := "inline"
		if r.URL.Query().Get("download") == "1" {
			disposition = "attachment"
		}
		h.Set("Content-Disposition", disposition+`; filename="`+fileName(camera, clip.From)+`"`)
		if strings.Contains(r.Header.Get("Range"), ",") {
			r.Header.Del("Range") // several parts at once are not worth their trouble (RFC 9110, 14.2)
		}
		http.ServeContent(w, r, "", time.Time{}, &sending{
			ReadSeeker: content, ctx: r.Context(), out: http.NewResponseController(w),
			failed: func(err error) { s.log.Error("local page: a recording cannot be read", "camera", camera, "error", err) },
		})
	})
}

// clip cuts the clip that is asked for and gives it to use.
func (s *site) clip(
	w http.ResponseWriter, r *http.Request, camera string, allowed []string, use func(*recording.Clip, *recording.Content),
) {
	from, to, err := span(r.URL, mostClip, allowed...)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	wait := time.NewTimer(s.clipWait)
	defer wait.Stop()
	select {
	case s.clips <- struct{}{}:
		defer func() { <-s.clips }()
	case <-r.Context().Done():
		return
	case <-wait.C:
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("%d clips are being sent already; try again", mostClips), http.StatusServiceUnavailable)
		return
	}
	clip, err := s.recordings.Clip(r.Context(), camera, from, to)
	switch {
	case errors.Is(err, recording.ErrNothing) && errors.Is(err, fs.ErrNotExist):
		http.Error(w, "what was recorded then is not on the disk any more", http.StatusNotFound)
		return
	case errors.Is(err, recording.ErrNothing):
		http.Error(w, "nothing was recorded then", http.StatusNotFound)
		return
	}
	var content *recording.Content
	if err == nil {
		defer clip.Close()
		content, err = clip.Content()
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.log.Error("local page: the recordings cannot be read", "camera", camera, "error", err)
		}
		http.Error(w, "the recordings cannot be read; the component's log says why", http.StatusInternalServerError)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // waiting and cutting took a part of the first
	use(clip, content)
}

// fileName is one that every system takes.
func fileName(camera string, from time.Time) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, camera)
	return safe + "_" + from.UTC().Format("20060102T150405Z") + ".mp4"
}

// sending is a clip on its way. Who takes longer than answerTime for a part of
// it is let go, as is one whose session ends.
type sending struct {
	io.ReadSeeker
	ctx    context.Context //nolint:containedctx // that of one answer
	out    *http.ResponseController
	failed func(error)
}

// Read implements io.Reader.
func (s *sending) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	_ = s.out.SetWriteDeadline(time.Now().Add(answerTime)) // as in strict
	n, err := s.ReadSeeker.Read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's end is io.EOF itself
		s.failed(err)
	}
	return n, err
}
