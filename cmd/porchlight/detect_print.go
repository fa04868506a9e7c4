package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"porchlight/internal/event"
)

// detectLine is one detection as JSON.
type detectLine struct {
	File   string     `json:"file"`
	Frame  int64      `json:"frame"` // counts from 0
	Width  int        `json:"width"`
	Height int        `json:"height"`
	Label  string     `json:"label"`
	Score  float64    `json:"score"`
	Box    [4]float64 `json:"box"` // x0, y0, x1, y1 in pixels
}

// detectPrinter writes detections as JSON Lines or as a table.
type detectPrinter struct {
	json  *json.Encoder
	table *tabwriter.Writer
}

func newDetectPrinter(w io.Writer, asJSON bool) *detectPrinter {
	if asJSON {
		return &detectPrinter{json: json.NewEncoder(w)}
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tFRAME\tLABEL\tSCORE\tLEFT\tTOP\tRIGHT\tBOTTOM")
	return &detectPrinter{table: table}
}

func (p *detectPrinter) print(file string, f *event.Frame, found []event.Detection) error {
	w, h := float64(f.Width), float64(f.Height)
	for _, d := range found {
		line := detectLine{
			File: file, Frame: f.Sequence, Width: f.Width, Height: f.Height, Label: d.Label, Score: d.Score,
			Box: [4]float64{d.Box.X0 * w, d.Box.Y0 * h, d.Box.X1 * w, d.Box.Y1 * h},
		}
		if err := p.line(line); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}

func (p *detectPrinter) line(l detectLine) error {
	if p.json != nil {
		return p.json.Encode(l)
	}
	_, err := fmt.Fprintf(p.table, "%s\t%d\t%s\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\n",
		l.File, l.Frame, l.Label, l.Score, l.Box[0], l.Box[1], l.Box[2], l.Box[3])
	return err
}

// close writes what a table still holds back.
func (p *detectPrinter) close() error {
	if p.table == nil {
		return nil
	}
	return p.table.Flush()
}
