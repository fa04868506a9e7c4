package inspect

import "porchlight/internal/event"

// Report is what was seen. Boxes are fractions of the picture.
type Report struct {
	Width    int          `json:"width"`  // pixels, after scaling down
	Height   int          `json:"height"` // pixels
	Frames   int          `json:"frames"`
	Rate     float64      `json:"fps"`         // pictures a second
	Seconds  float64      `json:"seconds"`     // from the first picture to the last
	Moving   int          `json:"moving"`      // pictures in which something moved
	Settling int          `json:"settling"`    // pictures in which the background was not trusted
	Looked   int          `json:"looked"`      // pictures the detector looked at
	MostArea float64      `json:"most_motion"` // largest fraction of a picture that moved
	Events   int          `json:"events"`
	Fault    string       `json:"fault,omitempty"` // why it ended early
	Objects  []Object     `json:"-"`
	Ignored  []Ignored    `json:"-"`
	Motion   []Motion     `json:"-"`
	Picture  *event.Frame `json:"-"` // the most telling one, annotated
}

// Object was followed.
type Object struct {
	Track  int64     `json:"track"`
	Label  string    `json:"label"`
	Score  float64   `json:"score"` // best
	Box    event.Box `json:"box"`   // where it scored best
	Zones  []string  `json:"zones"` // that it stood in
	Frames int       `json:"frames"`
	State  string    `json:"state"` // true; at rest; known: part of the scene from the start; unsure: has not proved true
}

// Ignored is what was found at one place and does not count.
type Ignored struct {
	Label  string    `json:"label"`
	Score  float64   `json:"score"` // best
	Box    event.Box `json:"box"`   // where it scored best
	Reason string    `json:"reason"`
	Frames int       `json:"frames"`
}

// Motion is a part of the picture in which something moved.
type Motion struct {
	Box    event.Box `json:"box"`
	Frames int       `json:"frames"`

	newest int // picture that it was last counted in
}
