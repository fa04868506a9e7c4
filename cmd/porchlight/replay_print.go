package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/replay"
)

// progressEvery is how often progress is shown.
const progressEvery = 500 * time.Millisecond

// replayPrinter writes the events of a replay as JSON Lines or for people.
type replayPrinter struct {
	json     *json.Encoder // nil: for people
	stdout   io.Writer
	stderr   io.Writer
	files    bool // name the file of each event
	terminal bool // stderr is one, so progress can be shown
	shown    time.Time
	began    time.Time
	line     bool // a line of progress stands on the terminal
}

func newReplayPrinter(streams *Streams, asJSON, files bool) *replayPrinter {
	p := &replayPrinter{stdout: streams.Stdout, stderr: streams.Stderr, files: files, terminal: isTerminal(streams.Stderr), began: time.Now()}
	if asJSON {
		p.json = json.NewEncoder(streams.Stdout)
	}
	return p
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// event prints one state of an event; people get each event once, when it has ended.
func (p *replayPrinter) event(e replay.Event) error {
	p.clear()
	if p.json != nil {
		return p.json.Encode(e)
	}
	if e.State != event.Ended {
		return nil
	}
	words := []string{fmt.Sprintf("%8s – %-8s", clock(e.Start), clock(*e.End)), percentages(e.Labels)}
	if e.Severity != "" {
		words = append(words, string(e.Severity))
	}
	for _, part := range []struct {
		name string
		what []string
	}{{"in", e.Zones}, {"left in", e.Appeared}, {"taken from", e.Removed}} {
		if len(part.what) > 0 {
			words = append(words, part.name+" "+strings.Join(part.what, ", "))
		}
	}
	if p.files {
		words = append([]string{e.File}, words...)
	}
	_, err := fmt.Fprintln(p.stdout, strings.Join(words, "  "))
	return err
}

// clock writes seconds as minutes and seconds.
func clock(seconds float64) string {
	tenths := int64(math.Round(seconds * 10))
	return fmt.Sprintf("%d:%02d.%d", tenths/600, tenths/10%60, tenths%10)
}

// percentages lists labels with their scores, the best first.
func percentages(labels map[string]float64) string {
	names := slices.SortedFunc(maps.Keys(labels), func(a, b string) int {
		return cmp.Or(cmp.Compare(labels[b], labels[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %.0f%%", name, 100*labels[name])
	}
	return strings.Join(names, ", ")
}

func (p *replayPrinter) fault(c replay.Clip) {
	p.clear()
	fmt.Fprintf(p.stderr, "porchlight: %s: %s\n", c.File, c.Error)
}

func (p *replayPrinter) progress(file string, shown time.Duration) {
	if now := time.Now(); p.terminal && now.Sub(p.shown) >= progressEvery {
		p.shown, p.line = now, true
		fmt.Fprintf(p.stderr, "\r\x1b[K%s  %s of video in %s", file, clock(shown.Seconds()), clock(now.Sub(p.began).Seconds()))
	}
}

// clear takes the line of progress away.
func (p *replayPrinter) clear() {
	if p.line {
		fmt.Fprint(p.stderr, "\r\x1b[K")
		p.line = false
	}
}

func (p *replayPrinter) summary(s replay.Summary) error {
	p.clear()
	if p.json != nil {
		return p.json.Encode(map[string]replay.Summary{"summary": s})
	}
	for _, c := range s.Clips {
		if c.Film != "" {
			fmt.Fprintf(p.stdout, "annotated  %s\n", c.Film)
		}
	}
	_, err := fmt.Fprintf(p.stdout, "%d events, %d frames, %d looked at in %d regions, %s of video in %.1f s, %.1f s CPU (%.1f %% of a core), %.0f MB\n",
		s.Events, s.Frames, s.Looked, s.Inferences, clock(s.Video), s.Wall, s.CPU, 100*s.CPU/max(s.Video, 1e-3), float64(s.Memory)/1e6)
	return err
}
