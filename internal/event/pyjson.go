package event

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonField is one key and its text in a JSON object whose order matters.
type jsonField struct{ key, value string }

// pythonObject writes the fields, in order, byte for byte as Python's
// json.dumps writes a dict of texts by default: a space after each comma and
// colon, everything outside printable ASCII escaped, astral characters as
// surrogate pairs. Source: https://docs.python.org/3/library/json.html.
func pythonObject(fields ...jsonField) []byte {
	n := 2
	for _, f := range fields {
		n += len(f.key) + len(f.value) + 8
	}
	out := append(make([]byte, 0, n), '{')
	for i, f := range fields {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = appendPythonString(out, f.key)
		out = append(out, ": "...)
		out = appendPythonString(out, f.value)
	}
	return append(out, '}')
}

// appendPythonString writes s in quotes. What is not UTF-8 becomes U+FFFD.
func appendPythonString(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r >= ' ' && r <= '~':
			out = append(out, byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == '\b':
			out = append(out, `\b`...)
		case r == '\f':
			out = append(out, `\f`...)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return append(out, '"')
}

// isText says whether s is valid UTF-8 of 1 to most characters.
func isText(s string, most int) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= most
}
