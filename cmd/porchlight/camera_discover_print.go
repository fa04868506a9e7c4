package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"

	"porchlight/internal/atomicfile"
	"porchlight/internal/capture"
	"porchlight/internal/onvif"
	"porchlight/internal/onvif/setup"
)

// discoverLine is one line of camera discover --json; one field is set.
type discoverLine struct {
	Camera  *discovered      `json:"camera,omitempty"`
	Problem *problem         `json:"problem,omitempty"`
	Summary *discoverSummary `json:"summary,omitempty"`
}

// discovered is a camera that was found.
type discovered struct {
	Name   string             `json:"name"`   // in the configuration
	Source string             `json:"source"` // with a sign-in only when that was asked for
	Record string             `json:"record_source,omitempty"`
	State  string             `json:"state"` // new, known or failed
	Proof  []proof            `json:"proof"`
	Device *onvif.Description `json:"device"`
}

// discoverSummary is the last line.
type discoverSummary struct {
	Interfaces []string `json:"interfaces,omitempty"`
	Found      int      `json:"found"`
	Ready      int      `json:"ready"`
	Problems   int      `json:"problems"`
	Written    string   `json:"written,omitempty"`
}

func (c *candidate) state() string {
	switch {
	case c.unready:
		return "failed"
	case c.camera.Known:
		return "known"
	}
	return "new"
}

// entry is a camera as it is printed and written: without a sign-in, unless
// that was asked for.
func (d *discovery) entry(c *candidate) setup.Entry {
	partial := false
	address := func(s onvif.StreamAddress) string {
		whole, shown := s.SignedIn(d.User, d.secret), capture.Redact(s.SignedOut())
		if d.WithPassword {
			return whole
		}
		partial = partial || shown != whole
		return shown
	}
	e := setup.Entry{Name: c.camera.Name, Source: address(c.camera.Source.Stream), Comments: c.camera.About}
	if c.camera.Record != nil {
		e.Record = address(c.camera.Record.Stream)
	}
	if partial {
		e.Comments = append([]string{"It wants a sign-in: write user:password@ after rtsp://, or use --with-password."}, e.Comments...)
	}
	return e
}

// finish writes and prints what was found.
func (d *discovery) finish() error {
	var entries []setup.Entry
	for _, c := range d.ready() {
		entries = append(entries, d.entry(c))
	}
	written := ""
	if d.Write != "" && len(entries) > 0 {
		if err := d.write(entries); err != nil {
			return err
		}
		written = d.Write
	}
	if d.JSON {
		return d.printJSON(written)
	}
	for _, c := range d.found {
		for _, p := range c.proof {
			d.tell("%s: saved %s (%dx%d), which shows your home", c.camera.Name, p.Picture, p.Width, p.Height)
		}
	}
	if len(d.problems) > 1 || len(entries) > 0 {
		for _, p := range d.problems {
			d.tell("%s", p)
		}
	}
	if written == "" {
		fmt.Fprint(d.streams.Stdout, setup.Section(entries))
		return nil
	}
	for _, c := range d.ready() {
		switch {
		case !c.camera.Known:
			fmt.Fprintf(d.streams.Stdout, "%s: added to %s\n", c.camera.Name, written)
		case d.Force:
			fmt.Fprintf(d.streams.Stdout, "%s: its streams in %s are new\n", c.camera.Name, written)
		default:
			fmt.Fprintf(d.streams.Stdout, "%s: is in %s already; --force gives it the streams found now\n", c.camera.Name, written)
		}
	}
	return nil
}

// write adds cameras to the configuration, whole or not at all. Whoever reads
// it may see passwords: nobody else gets to.
func (d *discovery) write(entries []setup.Entry) error {
	text, err := d.file.Merge(entries, d.Force)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Write, err)
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(d.Write); err == nil && !d.WithPassword {
		mode = info.Mode().Perm()
	}
	return atomicfile.Write(d.Write, text, mode)
}

func (d *discovery) printJSON(written string) error {
	enc := json.NewEncoder(d.streams.Stdout)
	enc.SetEscapeHTML(false)
	var list []discoverLine
	for _, c := range d.found {
		e := d.entry(c)
		list = append(list, discoverLine{Camera: &discovered{
			Name: e.Name, Source: e.Source, Record: e.Record, State: c.state(), Proof: append([]proof{}, c.proof...), Device: c.device,
		}})
	}
	for i := range d.problems {
		list = append(list, discoverLine{Problem: &d.problems[i]})
	}
	list = append(list, discoverLine{Summary: &discoverSummary{
		Interfaces: d.interfaces, Found: len(d.found), Ready: len(d.ready()), Problems: len(d.problems), Written: written,
	}})
	for _, l := range list {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}
