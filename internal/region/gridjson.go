package region

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrGrid is wrapped by errors about the JSON of a Grid.
var ErrGrid = errors.New("not a grid of object sizes")

const (
	gridVersion = 1
	maxGridJSON = 64 << 10 // bytes; a full grid has a tenth of it
)

// gridJSON is the stored form. Each cell, row by row from the top left one, is
// [sightings, mean width, mean height, variance of the width, of the height].
type gridJSON struct {
	Version int         `json:"version"`
	Cells   [][]float64 `json:"cells"`
}

// MarshalJSON writes all that UnmarshalJSON reads back.
func (g Grid) MarshalJSON() ([]byte, error) {
	out := gridJSON{Version: gridVersion}
	for _, c := range g.cells {
		out.Cells = append(out.Cells, []float64{c.seen, c.width, c.height, c.spreadWidth, c.spreadHeight})
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses all else with
// ErrGrid; the grid is then unchanged, and starting from an empty one costs
// nothing but learning again.
func (g *Grid) UnmarshalJSON(data []byte) error {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: %s: remove the file it is kept in, it is learned again", ErrGrid, fmt.Sprintf(format, a...))
	}
	if len(data) > maxGridJSON {
		return bad("%d bytes, at most %d can be", len(data), maxGridJSON)
	}
	var in gridJSON
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return bad("%v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad("there is more after it")
	}
	if in.Version != gridVersion {
		return bad("version %d, want %d", in.Version, gridVersion)
	}
	var read Grid
	if len(in.Cells) != len(read.cells) {
		return bad("%d cells, want %d", len(in.Cells), len(read.cells))
	}
	for i, v := range in.Cells {
		if len(v) != 5 {
			return bad("cell %d has %d numbers, want 5", i, len(v))
		}
		c := cell{seen: v[0], width: v[1], height: v[2], spreadWidth: v[3], spreadHeight: v[4]}
		if c != (cell{}) && !c.valid() {
			return bad("cell %d is %v, which no objects can give", i, v)
		}
		read.cells[i] = c
	}
	*g = read
	return nil
}

// valid tells that objects can have given a cell its numbers: sizes are
// fractions, and a quarter, but for rounding, is the largest variance that
// fractions can have.
func (c cell) valid() bool {
	fraction := func(v float64) bool { return v > 0 && v <= 1 }
	spread := func(v float64) bool { return v >= 0 && v <= 0.2501 }
	return c.seen >= 0.5 && c.seen < maxSeen && fraction(c.width) && fraction(c.height) &&
		spread(c.spreadWidth) && spread(c.spreadHeight)
}
