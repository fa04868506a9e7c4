package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/recording"
)

// Recordings are the video on this machine's disk, of these cameras and of
// former ones; a *recording.Library is them.
type Recordings interface {
	Cameras() []string
	Ranges(camera string, from, to time.Time) []recording.Range
	Clip(ctx context.Context, camera string, from, to time.Time) (*recording.Clip, error)
}

var _ Recordings = (*recording.Library)(nil)

// The bounds of a question.
const (
	mostQuery  = 200            // bytes
	mostDays   = 48 * time.Hour // of one list
	mostRanges = 5000           // of one list
	mostClip   = 10 * time.Minute
)

// known lets only those questions through that are about a camera which is
// configured or has recordings. So nothing else of what a visitor writes is
// ever looked for on the disk.
func (s *site) known(next func(w http.ResponseWriter, r *http.Request, camera string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		camera := r.PathValue("id")
		if s.recordings == nil || s.find(camera) == nil && !slices.Contains(s.recordings.Cameras(), camera) {
			http.NotFound(w, r)
			return
		}
		next(w, r, camera)
	}
}

// former are cameras that are not configured any more, but were recorded.
func (s *site) former() (ids []string) {
	if s.recordings == nil {
		return nil
	}
	for _, id := range s.recordings.Cameras() {
		if s.find(id) == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *site) recorded(w http.ResponseWriter, _ *http.Request, camera string) {
	s.show(w, http.StatusOK, "recordings.html", map[string]any{"ID": camera, "Live": s.find(camera) != nil})
}

// rangeAnswer is a time without gaps of which there is video.
type rangeAnswer struct {
	From  event.Time `json:"from"`
	To    event.Time `json:"to"`
	Class string     `json:"class"` // alert, detection or continuous
}

func (s *site) ranges(w http.ResponseWriter, r *http.Request, camera string) {
	from, to, err := span(r.URL, mostDays)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	found := s.recordings.Ranges(camera, from, to)
	more := len(found) > mostRanges
	list := []rangeAnswer{}
	for _, f := range found[:min(len(found), mostRanges)] {
		list = append(list, rangeAnswer{event.At(f.From), event.At(f.To), f.Class.String()})
	}
	s.answer(w, map[string]any{"camera": camera, "ranges": list, "more": more})
}

func (s *site) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("local page: an answer was not taken", "error", err)
	}
}

// span reads from and to, each given once, with nothing else but what is
// allowed, whose value can only be 1.
func span(u *url.URL, most time.Duration, allowed ...string) (from, to time.Time, err error) {
	none := time.Time{}
	if len(u.RawQuery) > mostQuery {
		return none, none, fmt.Errorf("the question is too long: at most %d characters", mostQuery)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return none, none, fmt.Errorf("the question cannot be read: %w", err)
	}
	for key, values := range query {
		switch {
		case len(values) != 1:
			return none, none, fmt.Errorf("%.20q is given %d times", key, len(values))
		case slices.Contains(allowed, key) && values[0] == "1", key == "from", key == "to":
		default:
			return none, none, fmt.Errorf("%.20q is not known, or not with this value", key)
		}
	}
	if from, err = instant(query, "from"); err != nil {
		return none, none, err
	}
	if to, err = instant(query, "to"); err != nil {
		return none, none, err
	}
	if d := to.Sub(from); d < 0 || d > most {
		return none, none, fmt.Errorf("from %s to %s: want 0s to %v", from.Format(time.RFC3339), to.Format(time.RFC3339), most)
	}
	return from, to, nil
}

// instant reads a time of this and the last century, in whole milliseconds.
func instant(query url.Values, key string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, query.Get(key))
	if err != nil || t.Year() < 1970 || t.Year() > 2199 {
		return time.Time{}, fmt.Errorf("%s: want a time like 2006-01-02T15:04:05.000Z", key)
	}
	return t.UTC().Truncate(time.Millisecond), nil
}
