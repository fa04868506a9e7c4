package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// faceLine is one face as JSON, in pixels.
type faceLine struct {
	File      string        `json:"file"`
	Frame     int64         `json:"frame"` // counts from 0
	Width     int           `json:"width"`
	Height    int           `json:"height"`
	Score     float64       `json:"score"`
	Box       [4]float64    `json:"box"`       // x0, y0, x1, y1; may leave the picture
	Landmarks [5][2]float64 `json:"landmarks"` // as seen: left eye, right eye, nose, left and right corner of the mouth
}

// facePrinter writes faces as JSON Lines or as a table.
type facePrinter struct {
	json  *json.Encoder
	table *tabwriter.Writer
}

func newFacePrinter(w io.Writer, asJSON bool) *facePrinter {
	if asJSON {
		return &facePrinter{json: json.NewEncoder(w)}
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tFRAME\tSCORE\tLEFT\tTOP\tRIGHT\tBOTTOM\tLEFT EYE\tRIGHT EYE\tNOSE\tMOUTH LEFT\tMOUTH RIGHT")
	return &facePrinter{table: table}
}

func (p *facePrinter) print(file string, f *event.Frame, found []face.Face) error {
	for _, d := range found {
		line := faceLine{File: file, Frame: f.Sequence, Width: f.Width, Height: f.Height, Score: d.Score, Box: d.Box}
		for i, at := range d.Landmarks {
			line.Landmarks[i] = [2]float64{at.X, at.Y}
		}
		if err := p.line(line); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}

func (p *facePrinter) line(l faceLine) error {
	if p.json != nil {
		return p.json.Encode(l)
	}
	var row strings.Builder
	fmt.Fprintf(&row, "%s\t%d\t%.3f\t%.0f\t%.0f\t%.0f\t%.0f", l.File, l.Frame, l.Score, l.Box[0], l.Box[1], l.Box[2], l.Box[3])
	for _, at := range l.Landmarks {
		fmt.Fprintf(&row, "\t%.0f,%.0f", at[0], at[1])
	}
	_, err := fmt.Fprintln(p.table, row.String())
	return err
}

// close writes what a table still holds back.
func (p *facePrinter) close() error {
	if p.table == nil {
		return nil
	}
	return p.table.Flush()
}
