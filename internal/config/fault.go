package config

import (
	"fmt"
	"regexp"
)

func bad(path, format string, a ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrInvalid, path, fmt.Sprintf(format, a...))
}

// unfit reports a value of the wrong kind. A secret one is not shown: errors
// get logged.
func unfit(path string, value any, secret bool, want string) error {
	if secret {
		return bad(path, "want %s", want)
	}
	return bad(path, "%s: want %s", brief(value), want)
}

// redact takes user names and passwords out of addresses.
func redact(text string) string {
	return regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s"]*@`).ReplaceAllString(text, "${1}***@")
}

func brief(v any) string {
	s := redact(fmt.Sprintf("%v", v))
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return s
}
