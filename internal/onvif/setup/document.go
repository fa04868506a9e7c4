package setup

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Entry is a camera as it is written.
type Entry struct {
	Name           string
	Source, Record string   // Record may be empty
	Comments       []string // one line each
}

func (e Entry) tree() map[string]any {
	t := map[string]any{"source": e.Source}
	if e.Record != "" {
		t["record"] = map[string]any{"source": e.Record}
	}
	return t
}

// Section writes the section cameras of a configuration.
func Section(cameras []Entry) string {
	doc := newDocument("")
	for _, c := range cameras {
		doc.add(c)
	}
	return doc.text()
}

// lines writes a camera below an indentation.
func (e Entry) lines(indent string) []string {
	list := []string{indent + scalar(e.Name) + ":"}
	for _, c := range e.Comments {
		list = append(list, indent+"  # "+c)
	}
	list = append(list, indent+"  source: "+scalar(e.Source))
	if e.Record != "" {
		list = append(list, indent+"  record:", indent+"    source: "+scalar(e.Record))
	}
	return list
}

// scalar writes a text as YAML.
func scalar(text string) string {
	out, err := yaml.Marshal(text)
	if err != nil {
		return fmt.Sprintf("%q", text) // JSON is YAML
	}
	return strings.TrimSpace(string(out))
}

// document is a configuration as lines, so that what is not changed stays to
// the letter, comments included. What it cannot see through it gets wrong, and
// Merge notices.
type document struct {
	lines []string
	eol   string
}

func newDocument(text string) *document {
	d := &document{eol: "\n"}
	if strings.Contains(text, "\r\n") {
		d.eol = "\r\n"
	}
	if text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"); text != "" {
		d.lines = strings.Split(text, "\n")
	}
	return d
}

func (d *document) text() string {
	if len(d.lines) == 0 {
		return ""
	}
	return strings.Join(d.lines, d.eol) + d.eol
}

// section is the key cameras at the start of a line, with no value of its own
// but an empty one.
var section = regexp.MustCompile(`^(["']?cameras["']?\s*:)\s*(\{\s*\}|null|~)?\s*(#.*)?$`)

// add writes a camera at the end of the section, which is made if missing.
func (d *document) add(e Entry) {
	start := slices.IndexFunc(d.lines, section.MatchString)
	if start < 0 {
		d.lines = append(d.lines, "cameras:")
		start = len(d.lines) - 1
	} else if m := section.FindStringSubmatch(d.lines[start]); m[2] != "" {
		d.lines[start] = strings.TrimSpace(m[1] + " " + m[3])
	}
	indent, end := d.block(start)
	d.lines = slices.Insert(d.lines, end, e.lines(indent)...)
}

// replace gives a camera new sources.
func (d *document) replace(e Entry) {
	start := slices.IndexFunc(d.lines, section.MatchString)
	if start < 0 {
		return
	}
	camera := d.key(start, e.Name)
	if camera < 0 {
		return
	}
	d.set(camera, "source", e.Source)
	if e.Record == "" {
		return
	}
	record := d.key(camera, "record")
	if record < 0 {
		indent, _ := d.block(camera)
		record = d.key(camera, "source") + 1
		d.lines = slices.Insert(d.lines, record, indent+"record:")
	}
	d.set(record, "source", e.Record)
}

// set gives a key of the block that begins at a line a value, keeping the
// comment after it.
func (d *document) set(start int, key, value string) {
	at := d.key(start, key)
	if at < 0 {
		indent, _ := d.block(start)
		d.lines = slices.Insert(d.lines, start+1, indent+key+": "+scalar(value))
		return
	}
	line := d.lines[at]
	comment := ""
	if m := regexp.MustCompile(`^[^"']*(\s+#.*)$`).FindStringSubmatch(line); m != nil {
		comment = m[1]
	}
	d.lines[at] = line[:strings.IndexByte(line, ':')] + ": " + scalar(value) + comment
}

// key finds a key directly in the block that begins at a line, -1 if it is not
// there.
func (d *document) key(start int, name string) int {
	indent, end := d.block(start)
	pattern := regexp.MustCompile(`^` + indent + `["']?` + regexp.QuoteMeta(name) + `["']?\s*:(\s|$)`)
	for i := start + 1; i < end; i++ {
		if pattern.MatchString(d.lines[i]) {
			return i
		}
	}
	return -1
}

// block returns the indentation of what is below a line, and the line after
// its end: that of the last that is indented more than it.
func (d *document) block(start int) (indent string, end int) {
	outer := depth(d.lines[start])
	indent, end = strings.Repeat(" ", outer+2), start+1
	found := false
	for i := start + 1; i < len(d.lines); i++ {
		line := d.lines[i]
		bare := strings.TrimSpace(line)
		if bare == "" {
			continue
		}
		if depth(line) <= outer {
			if bare[0] == '#' {
				continue // a comment may stand anywhere
			}
			break
		}
		end = i + 1
		if !found && bare[0] != '#' {
			indent, found = line[:depth(line)], true
		}
	}
	return indent, end
}

func depth(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
