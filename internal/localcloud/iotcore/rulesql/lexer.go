package rulesql

import (
	"errors"
	"fmt"
	"strings"
)

// ErrSyntax is wrapped by every error of Parse.
var ErrSyntax = errors.New("unsupported or malformed rule SQL")

type kind int

const (
	end kind = iota
	word
	number
	text   // value without its quotes
	symbol // one of * , . ( ) = <> < <= > >= -
)

type token struct {
	kind  kind
	value string
	at    int // byte offset in the statement
}

// is reports whether t is the given keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == word && strings.EqualFold(t.value, keyword)
}

func (t token) symbol(s string) bool { return t.kind == symbol && t.value == s }

func (t token) fail(format string, args ...any) error {
	name := fmt.Sprintf("%q", t.value)
	if t.kind == end {
		name = "end of statement"
	}
	return fmt.Errorf("%w: at %d, %s: %s", ErrSyntax, t.at, name, fmt.Sprintf(format, args...))
}

func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		start, c := i, s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case isLetter(c):
			for i < len(s) && (isLetter(s[i]) || isDigit(s[i])) {
				i++
			}
			out = append(out, token{word, s[start:i], start})
		case isDigit(c):
			for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
				i++
			}
			out = append(out, token{number, s[start:i], start})
		case c == '\'':
			value, size, ok := quoted(s[i:])
			if !ok {
				return nil, token{symbol, "'", start}.fail("string without an end")
			}
			i += size
			out = append(out, token{text, value, start})
		case strings.IndexByte("*,.()=<>-", c) >= 0:
			i++
			if i < len(s) && (c == '<' && (s[i] == '>' || s[i] == '=') || c == '>' && s[i] == '=') {
				i++
			}
			out = append(out, token{symbol, s[start:i], start})
		default:
			r := []rune(s[i:])[0]
			return nil, token{symbol, string(r), start}.fail("not supported")
		}
	}
	return append(out, token{kind: end, at: len(s)}), nil
}

// quoted reads 'text'; a doubled quote stands for one.
func quoted(s string) (value string, size int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
