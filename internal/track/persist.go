package track

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"porchlight/internal/event"
)

// ErrState is wrapped by every error of Restore about what it was given.
var ErrState = errors.New("saved tracks cannot be used")

const (
	stateVersion = 1
	mostState    = 4 << 20 // bytes
	mostRestored = 1000    // tracks; a Tracker keeps as many as its Config says
	longestLabel = 64      // bytes
	fastest      = 20.0    // sizes of the object per second
	firstYear    = 1970
	lastYear     = 2200 // durations of more than 292 years do not fit
)

// state is the form in which tracks are kept, in JSON.
type state struct {
	Version int          `json:"version"`
	SavedAt time.Time    `json:"saved_at"` // of the latest frame
	LastID  int64        `json:"last_id"`
	Tracks  []savedTrack `json:"tracks"`
}

type savedTrack struct {
	ID         int64      `json:"id"`
	Label      string     `json:"label"`
	Box        event.Box  `json:"box"`
	Velocity   [2]float64 `json:"velocity"` // sizes of the object per second
	Score      float64    `json:"score"`
	Hits       int        `json:"hits"`
	True       bool       `json:"true"`
	FirstSeen  time.Time  `json:"first_seen"`
	LastSeen   time.Time  `json:"last_seen"`
	MovedAt    time.Time  `json:"moved_at,omitzero"`
	Stationary bool       `json:"stationary"`
	Known      bool       `json:"known"`
	Told       bool       `json:"told"`
	Rest       event.Box  `json:"rest"`
	Stood      event.Box  `json:"stood"`            // place that it left, if it has an area
	LeftAt     time.Time  `json:"left_at,omitzero"` // when
	Anchor     []byte     `json:"anchor,omitempty"` // 32 x 32 gray levels, rows from the top, in base64
	AnchorAt   event.Box  `json:"anchor_at"`
}

// Save returns what must survive a restart, as JSON: the stationary objects
// with how their places look, and the tracks that have proved true.
func (t *Tracker) Save() ([]byte, error) {
	s := state{Version: stateVersion, SavedAt: t.now, LastID: t.nextID, Tracks: []savedTrack{}}
	for _, o := range t.objects {
		if !o.True && !o.Stationary {
			continue
		}
		saved := savedTrack{
			ID: o.ID, Label: o.Label, Box: o.Box, Score: o.Score, Hits: o.Hits, True: o.True,
			FirstSeen: o.FirstSeen, LastSeen: o.LastSeen, MovedAt: o.MovedAt,
			Stationary: o.Stationary, Known: o.Known, Told: o.told, Rest: o.rest, Stood: o.stood, LeftAt: o.leftAt,
		}
		saved.Velocity[0], saved.Velocity[1] = o.filter.velocity(t.aspect)
		for i, v := range saved.Velocity {
			saved.Velocity[i] = math.Max(-fastest, math.Min(fastest, v))
		}
		if o.anchor != nil {
			saved.Anchor, saved.AnchorAt = o.anchor[:], o.anchorAt
		}
		s.Tracks = append(s.Tracks, saved)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("save tracks: %w", err)
	}
	return data, nil
}

// Restore takes back what Save returned, before the first Update. Stationary
// objects are Known and stationary again; others go on if they are seen
// within Config.MaxGap. After an error, which wraps ErrState, the Tracker is
// as it was and can be used.
func (t *Tracker) Restore(data []byte) error {
	s, err := parseState(data)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w: go on without them", ErrState, err)
	case !t.first.IsZero() || len(t.objects) > 0:
		return fmt.Errorf("%w: the tracker has begun: restore before the first frame", ErrState)
	}
	t.nextID, t.now = s.LastID, s.SavedAt
	for _, saved := range s.Tracks[:min(len(s.Tracks), t.cfg.MaxTrack)] {
		t.objects = append(t.objects, saved.object(t.aspect))
	}
	return nil
}

func (s savedTrack) object(aspect float64) *object {
	o := &object{
		Track: Track{
			ID: s.ID, Label: s.Label, Box: s.Box, Score: s.Score, Hits: s.Hits, True: s.True,
			FirstSeen: s.FirstSeen, LastSeen: s.LastSeen, MovedAt: s.MovedAt, Stationary: s.Stationary, Known: s.Known,
		},
		group: event.Group(s.Label), votes: map[string]float64{s.Label: s.Score},
		filter: startFilter(s.LastSeen, s.Box, aspect), scores: []float64{s.Score}, boxes: []event.Box{s.Box},
	}
	o.filter = o.filter.moving(s.Velocity[0], s.Velocity[1], aspect)
	o.rest, o.told, o.stood, o.leftAt = s.Rest, s.Told, s.Stood, s.LeftAt
	if o.Stationary {
		o.Known, o.MovedAt, o.told = true, time.Time{}, true
	}
	if len(s.Anchor) > 0 {
		o.anchor, o.anchorAt = (*patch)(s.Anchor), s.AnchorAt
	}
	return o
}

func parseState(data []byte) (*state, error) {
	if len(data) > mostState {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(data), mostState)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	s := &state{}
	if err := decoder.Decode(s); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON")
	}
	switch {
	case s.Version != stateVersion:
		return nil, fmt.Errorf("version %d, want %d", s.Version, stateVersion)
	case len(s.Tracks) > mostRestored:
		return nil, fmt.Errorf("%d tracks, want at most %d", len(s.Tracks), mostRestored)
	case !likely(s.SavedAt, true):
		return nil, fmt.Errorf("saved at %v, want a year from %d to %d", s.SavedAt, firstYear, lastYear)
	case s.LastID < 0:
		return nil, fmt.Errorf("last_id %d, want 0 or more", s.LastID)
	}
	last := int64(0)
	for i, saved := range s.Tracks {
		if err := saved.check(last, s); err != nil {
			return nil, fmt.Errorf("track %d: %w", i, err)
		}
		last = saved.ID
	}
	return s, nil
}

func (s savedTrack) check(before int64, all *state) error {
	switch {
	case s.ID <= before || s.ID > all.LastID:
		return fmt.Errorf("id %d, want more than %d, which is the id before, and at most %d", s.ID, before, all.LastID)
	case s.Label == "" || len(s.Label) > longestLabel || !utf8.ValidString(s.Label):
		return fmt.Errorf("label %.80q, want 1 to %d bytes", s.Label, longestLabel)
	case !(s.Score >= 0 && s.Score <= 1):
		return fmt.Errorf("score %g, want 0 to 1", s.Score)
	case s.Hits < 1 || s.Hits > math.MaxInt32:
		return fmt.Errorf("%d hits, want 1 to %d", s.Hits, math.MaxInt32)
	case !likely(s.FirstSeen, false) || !likely(s.LastSeen, false) || !likely(s.MovedAt, true) || !likely(s.LeftAt, true):
		return fmt.Errorf("first seen %v, moved %v, left %v, last seen %v, want years from %d to %d",
			s.FirstSeen, s.MovedAt, s.LeftAt, s.LastSeen, firstYear, lastYear)
	case s.FirstSeen.After(s.LastSeen) || s.LastSeen.After(all.SavedAt) || s.MovedAt.After(s.LastSeen):
		return fmt.Errorf("first seen %v, moved %v, last seen %v, saved %v, want these in order",
			s.FirstSeen, s.MovedAt, s.LastSeen, all.SavedAt)
	case len(s.Anchor) != 0 && len(s.Anchor) != len(patch{}):
		return fmt.Errorf("an anchor of %d bytes, want %d", len(s.Anchor), len(patch{}))
	}
	for _, v := range s.Velocity {
		if math.Abs(v) > fastest {
			return fmt.Errorf("velocity %g, want at most %g", v, fastest)
		}
	}
	boxes := []event.Box{s.Box, s.Rest}
	if len(s.Anchor) != 0 {
		boxes = append(boxes, s.AnchorAt)
	}
	if s.Stood != (event.Box{}) {
		boxes = append(boxes, s.Stood)
	}
	for _, b := range boxes {
		if !sound(b) {
			return fmt.Errorf("box %v, want x0 < x1 and y0 < y1 in or near the frame", [4]float64{b.X0, b.Y0, b.X1, b.Y1})
		}
	}
	return nil
}

// likely says whether a clock may have shown a time, or whether it is none.
func likely(at time.Time, none bool) bool {
	return (none && at.IsZero()) || (at.Year() >= firstYear && at.Year() <= lastYear)
}

// sound says whether a box may have been tracked: the shaking of the camera
// has been taken out of it, so it may reach over the edges of the frame.
func sound(b event.Box) bool {
	for _, v := range []float64{b.X0, b.Y0, b.X1, b.Y1} {
		if !(v >= -1 && v <= 2) {
			return false
		}
	}
	return b.Width() >= smallestSide/2 && b.Height() >= smallestSide/2
}
