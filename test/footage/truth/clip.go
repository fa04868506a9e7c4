package truth

import (
	"fmt"
	"slices"
	"strings"
)

// MinGap in seconds between two happenings: where the picture is empty for
// less, they are one.
const MinGap = 2.0

// Clip is what a person has written down about one clip. Times are seconds in
// the clip's own time line.
type Clip struct {
	Name       string      `json:"clip"`         // of the video file
	FPS        float64     `json:"fps"`          // nominal; GIF frames have delays of their own
	Frames     int         `json:"frames"`       // in the file
	Duration   float64     `json:"duration_s"`   // until the last frame goes
	LastFrame  float64     `json:"last_frame_s"` // when the last frame comes
	Note       string      `json:"note"`
	Happenings []Happening `json:"happenings"` // in order, never overlapping
	Unsure     []Happening `json:"unsure"`     // of which one may think either way; likewise
}

// Happening is one event that a person would list.
type Happening struct {
	Label  string   `json:"label"`    // the main one
	Labels []string `json:"labels"`   // all that a person would give, Label among them
	Start  float64  `json:"start_s"`  // first moment a person can tell what it is
	End    float64  `json:"end_s"`    // last such moment
	Enters *float64 `json:"enters_s"` // when the first bit of it is in view; nil: at Start
	Leaves *float64 `json:"leaves_s"` // when the last bit of it is in view; nil: at End
	Note   string   `json:"note"`
}

// Class of a label: labels of one class are told apart by nobody who sees the
// objects from above or by half, or are names for the same thing.
func Class(label string) string {
	switch l := strings.ToLower(label); l {
	case "truck", "bus", "van":
		return "car"
	case "motorcycle":
		return "motorbike"
	default:
		return l
	}
}

// Has says whether a person would give the happening this label or one of its class.
func (h Happening) Has(label string) bool {
	return slices.ContainsFunc(h.Labels, func(own string) bool { return Class(own) == Class(label) })
}

// String is for people, like "person 6.3–19.5 s".
func (h Happening) String() string {
	return fmt.Sprintf("%s %.1f–%.1f s", strings.Join(h.Labels, "+"), h.Start, h.End)
}

func (c *Clip) check(name string) error {
	switch {
	case c.Name != name:
		return fmt.Errorf("clip is %q; want %q, as the file is named", c.Name, name)
	case !(c.FPS > 0 && c.FPS <= 1000):
		return fmt.Errorf("fps is %g; want more than 0, at most 1000", c.FPS)
	case c.Frames < 1:
		return fmt.Errorf("frames is %d; want 1 or more", c.Frames)
	case !(c.LastFrame >= 0 && c.LastFrame < c.Duration):
		return fmt.Errorf("last_frame_s is %g; want 0 to less than duration_s, which is %g", c.LastFrame, c.Duration)
	case c.Happenings == nil:
		return fmt.Errorf("happenings is missing; write [] for a clip on which nothing happens")
	}
	if err := c.inOrder("happenings", c.Happenings); err != nil {
		return err
	}
	return c.inOrder("unsure", c.Unsure)
}

func (c *Clip) inOrder(field string, all []Happening) error {
	for i, h := range all {
		if err := h.check(c.LastFrame); err != nil {
			return fmt.Errorf("%s[%d]: %w", field, i, err)
		}
		if i > 0 && h.Start-all[i-1].End < MinGap {
			return fmt.Errorf("%s[%d] starts at %g, less than %g s after the one before has ended, at %g; make them one or put them in order",
				field, i, h.Start, MinGap, all[i-1].End)
		}
	}
	return nil
}

func (h Happening) check(last float64) error {
	switch {
	case h.Label == "":
		return fmt.Errorf("label is missing")
	case !slices.Contains(h.Labels, h.Label):
		return fmt.Errorf("labels %q lack the main label %q", h.Labels, h.Label)
	case slices.Contains(h.Labels, ""):
		return fmt.Errorf("labels %q hold an empty one", h.Labels)
	case !(0 <= h.Start && h.Start < h.End && h.End <= last):
		return fmt.Errorf("it lasts from start_s %g to end_s %g; want 0 ≤ start_s < end_s ≤ last_frame_s, which is %g", h.Start, h.End, last)
	case h.Enters != nil && !(0 <= *h.Enters && *h.Enters <= h.Start):
		return fmt.Errorf("enters_s is %g; want 0 to start_s, which is %g", *h.Enters, h.Start)
	case h.Leaves != nil && !(h.End <= *h.Leaves && *h.Leaves <= last):
		return fmt.Errorf("leaves_s is %g; want end_s, which is %g, to last_frame_s, which is %g", *h.Leaves, h.End, last)
	}
	return nil
}
