package main

import (
	"io"
	"log/slog"
)

// Streams are where a verb writes: results to Stdout, words for people to
// Stderr, and what happened to Log.
type Streams struct {
	Stdout, Stderr io.Writer
	Log            *slog.Logger
}

// usageError is a command line that parses but makes no sense: exit code 2.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }
