package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"porchlight/internal/event"
	"porchlight/internal/inspect"
)

// checkSummary is the last line of camera check.
type checkSummary struct {
	Source  string `json:"source"`
	Model   string `json:"model"`
	Picture string `json:"picture,omitempty"` // file
	*inspect.Report
}

// checkLine is one line of camera check --json; one field is set.
type checkLine struct {
	Seen    *inspect.Object  `json:"seen,omitempty"`
	Ignored *inspect.Ignored `json:"ignored,omitempty"`
	Motion  *inspect.Motion  `json:"motion,omitempty"`
	Summary *checkSummary    `json:"summary,omitempty"`
}

func printCheck(w io.Writer, asJSON bool, s checkSummary) error {
	if !asJSON {
		return tellCheck(w, s)
	}
	var list []checkLine
	for i := range s.Objects {
		list = append(list, checkLine{Seen: &s.Objects[i]})
	}
	for i := range s.Ignored {
		list = append(list, checkLine{Ignored: &s.Ignored[i]})
	}
	for i := range s.Motion {
		list = append(list, checkLine{Motion: &s.Motion[i]})
	}
	enc := json.NewEncoder(w)
	for _, l := range append(list, checkLine{Summary: &s}) {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// mostLines is how many lines of one kind people are shown.
const mostLines = 12

func tellCheck(w io.Writer, s checkSummary) error {
	fmt.Fprintf(w, "source   %s\n", s.Source)
	fmt.Fprintf(w, "picture  %dx%d, %.1f a second, %d in %.1f s\n", s.Width, s.Height, s.Rate, s.Frames, s.Seconds)
	fmt.Fprintf(w, "looked   at %d pictures with %s; %d events\n", s.Looked, s.Model, s.Events)
	fmt.Fprintf(w, "motion   in %d pictures, %.1f %% of the picture at most", s.Moving, 100*s.MostArea)
	if s.Settling > 0 {
		fmt.Fprintf(w, "; the background was learnt in %d", s.Settling)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	section := func(n int, none, head string, row func(i int)) {
		if n == 0 {
			fmt.Fprintf(table, "\n%s\n", none)
			return
		}
		fmt.Fprintf(table, "\n%s\n", head)
		for i := range min(n, mostLines) {
			row(i)
		}
		if n > mostLines {
			fmt.Fprintf(table, "and %d more; --json prints all\n", n-mostLines)
		}
	}
	section(len(s.Objects), "Nothing seen.", "SEEN\tSCORE\tBOX\tPICTURES\tSTATE\tZONES", func(i int) {
		o := s.Objects[i]
		fmt.Fprintf(table, "#%d %s\t%.2f\t%s\t%d\t%s\t%s\n", o.Track, o.Label, o.Score, fractions(o.Box), o.Frames, o.State, strings.Join(o.Zones, ", "))
	})
	section(len(s.Ignored), "Nothing ignored.", "IGNORED\tSCORE\tBOX\tPICTURES\tWHY", func(i int) {
		o := s.Ignored[i]
		fmt.Fprintf(table, "%s\t%.2f\t%s\t%d\t%s\n", o.Label, o.Score, fractions(o.Box), o.Frames, o.Reason)
	})
	section(len(s.Motion), "Nothing moves.", "MOVES\t\tBOX\tPICTURES", func(i int) {
		m := s.Motion[i]
		fmt.Fprintf(table, "\t\t%s\t%d\n", fractions(m.Box), m.Frames)
	})
	if s.Picture != "" {
		fmt.Fprintf(table, "\nsaved %s\n", s.Picture)
	}
	return table.Flush()
}

// fractions writes a box as zones and masks are written in the settings.
func fractions(b event.Box) string {
	return fmt.Sprintf("%.2f,%.2f – %.2f,%.2f", b.X0, b.Y0, b.X1, b.Y1)
}
