package recipe

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid is wrapped by every error about the content of a recipe.
var ErrInvalid = errors.New("invalid recipe")

// RuleError is one thing that is wrong with a recipe.
type RuleError struct {
	Path string // such as Manifests[0].Platform.runtime; empty: the whole recipe
	What string // what is wrong
	Cure string // what to do
}

func (e *RuleError) Error() string {
	at := e.Path
	if at == "" {
		at = "the recipe"
	}
	return fmt.Sprintf("%s: %s: %s", at, e.What, e.Cure)
}

// Unwrap returns ErrInvalid.
func (e *RuleError) Unwrap() error { return ErrInvalid }

// faults collects what is wrong, in the order it is found.
type faults struct{ list []error }

func (f *faults) add(path, cure, what string, a ...any) {
	f.list = append(f.list, &RuleError{Path: path, What: fmt.Sprintf(what, a...), Cure: cure})
}

func (f *faults) err() error { return errors.Join(f.list...) }

func join(path, key string) string {
	if strings.ContainsAny(key, ". []\"") {
		key = fmt.Sprintf("[%q]", key)
	} else if path != "" {
		key = "." + key
	}
	return path + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// brief is a value as it may stand in a message.
func brief(v any) string {
	text := fmt.Sprint(v)
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return fmt.Sprintf("%q", text)
}
