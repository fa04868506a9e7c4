package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"porchlight/internal/edge/disk"
	"porchlight/internal/event"
	"porchlight/internal/recording"
)

// RecordingsListCmd is the verb recordings list.
type RecordingsListCmd struct {
	JSON   bool   `name:"json" help:"Print JSON Lines."`
	Camera string `placeholder:"CAMERA" help:"Camera, as home.door or door (default: all)."`
	SpanFlags
	RecordingsFlags
}

// rangeLine is a time without gaps of which there is video.
type rangeLine struct {
	Camera  string     `json:"camera"`
	From    event.Time `json:"from"`
	To      event.Time `json:"to"`
	Seconds float64    `json:"seconds"`
	Class   string     `json:"class"` // alert, detection or continuous
}

// Run lists the recordings.
func (c *RecordingsListCmd) Run(_ context.Context, streams *Streams) error {
	from, to, err := c.span(time.Now())
	if err != nil {
		return usageError{err}
	}
	library, dir, err := c.open(streams)
	if err != nil {
		return err
	}
	defer func() { _ = library.Close() }() // only read
	cameras := library.Cameras()
	if c.Camera != "" {
		camera, err := findCamera(library, c.Camera)
		if err != nil {
			return err
		}
		cameras = []string{camera}
	}
	slices.Sort(cameras)
	table := tabwriter.NewWriter(streams.Stdout, 0, 8, 2, ' ', 0)
	enc := json.NewEncoder(streams.Stdout)
	if !c.JSON {
		fmt.Fprintln(streams.Stderr, "recordings in", dir)
		fmt.Fprintln(table, "CAMERA\tFROM\tTO\tLENGTH\tWHY")
	}
	for _, camera := range cameras {
		for _, r := range library.Ranges(camera, from, to) {
			if !c.JSON {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", camera, local(r.From), until(r.From, r.To), length(r.To.Sub(r.From)), r.Class)
				continue
			}
			line := rangeLine{camera, event.At(r.From), event.At(r.To), r.To.Sub(r.From).Seconds(), r.Class.String()}
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
	}
	return table.Flush()
}

// RecordingsUsageCmd is the verb recordings usage.
type RecordingsUsageCmd struct {
	JSON bool `name:"json" help:"Print JSON Lines: each camera, last a summary."`
	RecordingsFlags
}

// usageLine is how much is recorded of a camera.
type usageLine struct {
	Camera  string           `json:"camera"`
	Files   int              `json:"files"`
	Bytes   int64            `json:"bytes"`
	Classes map[string]int64 `json:"classes"` // bytes
	Oldest  event.Time       `json:"oldest"`
	Newest  event.Time       `json:"newest"`
}

// usageSummary is the last line of recordings usage.
type usageSummary struct {
	Dir   string `json:"dir"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
	Free  int64  `json:"free_bytes"` // on its disk
}

// Run shows how much is recorded.
func (c *RecordingsUsageCmd) Run(_ context.Context, streams *Streams) error {
	library, dir, err := c.open(streams)
	if err != nil {
		return err
	}
	defer func() { _ = library.Close() }() // only read
	summary := usageSummary{Dir: dir}
	if summary.Free, err = disk.Free(dir); err != nil {
		return err
	}
	cameras := library.Cameras()
	slices.Sort(cameras)
	var list []usageLine
	for _, camera := range cameras {
		u := library.Usage(camera)
		line := usageLine{Camera: camera, Files: u.Files, Classes: map[string]int64{}, Oldest: event.At(u.Oldest), Newest: event.At(u.Newest)}
		for class, n := range u.Bytes {
			line.Bytes += n
			line.Classes[class.String()] = n
		}
		summary.Files += line.Files
		summary.Bytes += line.Bytes
		list = append(list, line)
	}
	if c.JSON {
		enc := json.NewEncoder(streams.Stdout)
		for _, line := range list {
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
		return enc.Encode(map[string]usageSummary{"summary": summary})
	}
	table := tabwriter.NewWriter(streams.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "CAMERA\tFILES\tMB\tALERTS\tDETECTIONS\tCONTINUOUS\tOLDEST\tNEWEST")
	mb := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	for _, u := range list {
		class := func(c recording.Class) string { return mb(u.Classes[c.String()]) }
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Camera, u.Files, mb(u.Bytes),
			class(recording.Alert), class(recording.Detection), class(recording.Continuous), local(u.Oldest.Time), local(u.Newest.Time))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(streams.Stderr, "%s MB in %s, %s MB are free on its disk\n", mb(summary.Bytes), dir, mb(summary.Free))
	return err
}
