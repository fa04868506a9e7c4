package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

// result of one call of the program.
type result struct {
	code           int
	stdout, stderr string
}

// porchlight runs the program in this process.
func porchlight(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &Streams{
		Stdout: &stdout, Stderr: &stderr, Log: slog.New(slog.NewTextHandler(&stderr, nil)),
	})
	return result{code, stdout.String(), stderr.String()}
}

// lines decodes JSON Lines.
func lines[T any](t *testing.T, r result) (list []T) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(r.stdout)))
	dec.DisallowUnknownFields()
	for dec.More() {
		var v T
		require.NoError(t, dec.Decode(&v), "%s", r.stdout)
		list = append(list, v)
	}
	return list
}

func TestWrongUsageExitsWith2AndSaysWhereToLook(t *testing.T) {
	t.Setenv("PORCHLIGHT_MODELS", t.TempDir())
	for _, args := range [][]string{
		{},
		{"detekt"},
		{"detect"},
		{"detect", "--min-score", "1.5", "x.png"},
		{"detect", "--min-score", "NaN", "x.png"},
		{"detect", "--fast", "x.png"},
		{"faces"},
		{"faces", "detect"},
		{"faces", "detect", "--min-face", "0", "x.png"},
		{"faces", "detect", "--min-face", "tall", "x.png"},
		{"models"},
		{"models", "pull", "resnet"},
		{"models", "verify", "resnet"},
	} {
		r := porchlight(t, args...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Empty(t, r.stdout)
		require.Contains(t, r.stderr, "--help")
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"detect", "--help"}, {"faces", "detect", "--help"}, {"models", "pull", "--help"}, {"publish", "--help"}} {
		r := porchlight(t, args...)
		require.Equal(t, 0, r.code, args)
		require.Contains(t, r.stdout, "Usage: porchlight")
		require.Empty(t, r.stderr)
	}
}
