package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// YAML writes the recipe without comments, in the one form that all readers of
// YAML understand alike: block style, every text quoted, scripts as literal
// blocks. The service and the two nuclei read YAML 1.1, where a bare on or 0755
// is no text.
func (r *Recipe) YAML() ([]byte, error) {
	w := writer{plainKey: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)}
	if err := w.mapping(r.tree, ""); err != nil {
		return nil, fmt.Errorf("write recipe: %w", err)
	}
	return w.Bytes(), nil
}

type writer struct {
	bytes.Buffer
	plainKey *regexp.Regexp
}

// mapping writes entries, the first one where the writer stands and the others
// on lines of their own below it.
func (w *writer) mapping(m yaml.MapSlice, indent string) error {
	for i, item := range m {
		if i > 0 {
			w.WriteString(indent)
		}
		key, _ := item.Key.(string)
		if !w.plainKey.MatchString(key) || isWord(key) {
			quoted, err := quote(key)
			if err != nil {
				return err
			}
			key = quoted
		}
		w.WriteString(key + ":")
		if err := w.value(item.Value, indent); err != nil {
			return err
		}
	}
	return nil
}

// value writes what follows a key, and the end of its line.
func (w *writer) value(value any, indent string) error {
	inner := indent + "  "
	switch v := value.(type) {
	case yaml.MapSlice:
		if len(v) == 0 {
			w.WriteString(" {}\n")
			return nil
		}
		w.WriteString("\n" + inner)
		return w.mapping(v, inner)
	case []any:
		if len(v) == 0 {
			w.WriteString(" []\n")
			return nil
		}
		w.WriteString("\n")
		for _, item := range v {
			w.WriteString(inner + "-")
			if err := w.item(item, inner); err != nil {
				return err
			}
		}
		return nil
	case string:
		if isBlock(v) {
			w.WriteString(" |-\n" + inner + strings.ReplaceAll(v, "\n", "\n"+inner) + "\n")
			return nil
		}
	}
	text, err := quote(value)
	w.WriteString(" " + text + "\n")
	return err
}

// item writes what follows the dash of a list.
func (w *writer) item(value any, indent string) error {
	if m, ok := value.(yaml.MapSlice); ok && len(m) > 0 {
		w.WriteString(" ")
		return w.mapping(m, indent+"  ")
	}
	return w.value(value, indent)
}

// isWord finds keys that YAML 1.1 takes for a truth value or nothing.
func isWord(key string) bool {
	switch strings.ToLower(key) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

// isBlock says whether a text can stand as a literal block.
func isBlock(text string) bool {
	if !strings.Contains(text, "\n") || strings.HasSuffix(text, "\n") || strings.ContainsAny(text[:1], " \t\n") {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || strings.TrimSpace(line) == "" || strings.TrimRight(line, " ") != line {
			return false
		}
		if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
			return false
		}
	}
	return true
}

// quote writes a scalar as JSON, which is YAML too.
func quote(value any) (string, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}
