package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
)

// maxLine bounds one log line, in bytes; the rest of a longer one is left out.
const maxLine = 16 << 10

// lineWriter turns what a function prints into log records, one per line.
type lineWriter struct {
	ctx    context.Context // handed to the logger
	logger *slog.Logger
	line   []byte
	cut    bool // the current line is longer than maxLine
}

func newLineWriter(ctx context.Context, logger *slog.Logger) *lineWriter {
	return &lineWriter{ctx: ctx, logger: logger}
}

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		part, rest, found := bytes.Cut(p, []byte{'\n'})
		if room := maxLine - len(w.line); len(part) > room {
			part, w.cut = part[:room], true
		}
		w.line = append(w.line, part...)
		if !found {
			return n, nil
		}
		w.flush()
		p = rest
	}
}

// flush logs the current line, complete or not.
func (w *lineWriter) flush() {
	line := bytes.TrimRight(w.line, "\r")
	if len(line) > 0 {
		level, attrs := parseLine(line)
		if w.cut {
			attrs = append(attrs, slog.Bool("cut", true))
		}
		w.logger.LogAttrs(w.ctx, level, "function log", attrs...)
	}
	w.line, w.cut = w.line[:0], false
}

// parseLine makes a JSON object's fields attributes, in a group so that they
// cannot pose as this program's own.
func parseLine(line []byte) (slog.Level, []slog.Attr) {
	var fields map[string]any
	if line[0] != '{' || json.Unmarshal(line, &fields) != nil {
		return slog.LevelInfo, []slog.Attr{slog.String("line", string(line))}
	}
	level := slog.LevelInfo
	if s, ok := fields["level"].(string); ok && level.UnmarshalText([]byte(s)) == nil {
		delete(fields, "level")
	}
	attrs := make([]any, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		attrs = append(attrs, slog.Any(name, fields[name]))
	}
	return level, []slog.Attr{slog.Group("log", attrs...)}
}
