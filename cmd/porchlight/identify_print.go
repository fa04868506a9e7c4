package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// identityLine is whose face it is, as JSON.
type identityLine struct {
	File     string     `json:"file"`
	Frame    int64      `json:"frame,omitempty"` // of a video, counts from 0
	Box      [4]float64 `json:"box"`             // x0, y0, x1, y1 in pixels; may leave the picture
	Name     *string    `json:"name"`            // null: nobody known
	Distance *float64   `json:"distance"`        // cosine, to the nearest person; null where nothing was compared
}

// identityPrinter writes whose faces there are as JSON Lines or as a table.
type identityPrinter struct {
	json  *json.Encoder
	table *tabwriter.Writer
}

func newIdentityPrinter(w io.Writer, asJSON bool) *identityPrinter {
	if asJSON {
		return &identityPrinter{json: json.NewEncoder(w)}
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tFRAME\tLEFT\tTOP\tRIGHT\tBOTTOM\tNAME\tDISTANCE")
	return &identityPrinter{table: table}
}

// print writes one face. An empty name is nobody known; distance may be nil.
func (p *identityPrinter) print(file string, f *event.Frame, found face.Face, name string, distance *float64) error {
	line := identityLine{File: file, Frame: f.Sequence, Box: found.Box, Distance: distance}
	if name != "" {
		line.Name = &name
	}
	if p.json != nil {
		return p.json.Encode(line)
	}
	far := "-"
	if distance != nil {
		far = fmt.Sprintf("%.2f", *distance)
	}
	if name == "" {
		name = "(nobody known)"
	}
	_, err := fmt.Fprintf(p.table, "%s\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s\n",
		file, f.Sequence, found.Box[0], found.Box[1], found.Box[2], found.Box[3], name, far)
	return err
}

// close writes what a table still holds back.
func (p *identityPrinter) close() error {
	if p.table == nil {
		return nil
	}
	return p.table.Flush()
}
