package main

import (
	"encoding/json"
	"fmt"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/recording"
)

// slack is what a clip may differ from what was asked for without a word: it
// begins and ends with whole GOPs, and the newest is not there yet.
const slack = 5 * time.Second

// exportReport tells what an export gave: files to stdout, the rest to stderr.
type exportReport struct {
	streams  *Streams
	json     bool
	camera   string
	from, to time.Time
	terminal bool // stderr is one, so progress can be shown
	shown    time.Time
	line     bool      // a line of progress stands on the terminal
	last     time.Time // until when there is video so far
}

func newExportReport(streams *Streams, asJSON bool, camera string, from, to time.Time) *exportReport {
	return &exportReport{streams: streams, json: asJSON, camera: camera, from: from, to: to, terminal: isTerminal(streams.Stderr)}
}

// exportLine is one file.
type exportLine struct {
	File    string      `json:"file"`
	Camera  string      `json:"camera"`
	From    event.Time  `json:"from"`
	To      event.Time  `json:"to"`
	Seconds float64     `json:"seconds"` // that it plays, without gaps
	Bytes   int64       `json:"bytes"`
	Gaps    []exportGap `json:"gaps"` // that it leaves out
}

// exportGap is a time of which there is no video. From is after To where the
// clock was set back.
type exportGap struct {
	From event.Time `json:"from"`
	To   event.Time `json:"to"`
}

// gaps of a clip, and how long it plays.
func gaps(c *recording.Clip) (list []exportGap, plays time.Duration) {
	list = []exportGap{}
	for i, p := range c.Pieces[1:] {
		before := c.Pieces[i]
		end := before.At.Add(p.Offset - before.Offset)
		list = append(list, exportGap{event.At(end), event.At(p.At)})
	}
	last := c.Pieces[len(c.Pieces)-1]
	return list, last.Offset + c.To.Sub(last.At)
}

// file tells of a file that is written.
func (r *exportReport) file(name string, c *recording.Clip, bytes int64) error {
	r.clear()
	left, plays := gaps(c)
	switch {
	case r.last.IsZero() && c.From.Sub(r.from) > slack:
		r.tell("nothing is recorded before %s", local(c.From))
	case !r.last.IsZero() && c.From.Sub(r.last) > slack:
		r.gap(exportGap{event.At(r.last), event.At(c.From)})
	}
	for _, g := range left {
		r.gap(g)
	}
	r.last = c.To
	if r.json {
		return json.NewEncoder(r.streams.Stdout).Encode(exportLine{
			name, r.camera, event.At(c.From), event.At(c.To), plays.Seconds(), bytes, left,
		})
	}
	out := r.streams.Stdout
	if name == toStdout {
		out = r.streams.Stderr
	}
	_, err := fmt.Fprintf(out, "%s  %s  %s – %s  %s  %.1f MB\n",
		name, r.camera, local(c.From), until(c.From, c.To), length(plays), float64(bytes)/1e6)
	return err
}

func (r *exportReport) gap(g exportGap) {
	if g.To.Before(g.From.Time) {
		r.tell("the clock was set back from %s to %s", local(g.From.Time), local(g.To.Time))
		return
	}
	r.tell("nothing is recorded from %s to %s", local(g.From.Time), local(g.To.Time))
}

// end tells what is missing at the end, if all went well.
func (r *exportReport) end(failed error) {
	r.clear()
	if failed == nil && r.to.Sub(r.last) > slack {
		r.tell("nothing is recorded after %s", local(r.last))
	}
}

func (r *exportReport) tell(format string, a ...any) {
	fmt.Fprintf(r.streams.Stderr, format+"\n", a...)
}

func (r *exportReport) progress(name string, done, of int64) {
	if now := time.Now(); r.terminal && now.Sub(r.shown) >= progressEvery {
		r.shown, r.line = now, true
		fmt.Fprintf(r.streams.Stderr, "\r\x1b[K%s  %.1f of %.1f MB", name, float64(done)/1e6, float64(of)/1e6)
	}
}

// clear takes the line of progress away.
func (r *exportReport) clear() {
	if r.line {
		fmt.Fprint(r.streams.Stderr, "\r\x1b[K")
		r.line = false
	}
}
