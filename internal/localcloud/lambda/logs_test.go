package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
)

// FuzzLineWriter: whatever a function prints becomes JSON records of bounded
// size that name no other message.
func FuzzLineWriter(f *testing.F) {
	for _, out := range []string{"a\nb\r\n", `{"level":"ERROR","msg":"x"}` + "\n", `{"level":"nonsense"}`, "{}", "{", "\n\n", "\xff\x00", `{"a":{"b":[1]}}`} {
		f.Add([]byte(out), 3)
	}
	f.Fuzz(func(t *testing.T, out []byte, at int) {
		var log bytes.Buffer
		w := newLineWriter(context.Background(), slog.New(slog.NewJSONHandler(&log, nil)))
		at = max(0, min(at, len(out)))
		for _, part := range [][]byte{out[:at], out[at:]} { // writes need not end with a line
			if n, err := w.Write(part); n != len(part) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(part), err)
			}
		}
		w.flush()
		for line := range bytes.Lines(log.Bytes()) {
			var record struct{ Msg string }
			if err := json.Unmarshal(line, &record); err != nil || record.Msg != "function log" {
				t.Fatalf("%q: %v", line, err)
			}
		}
	})
}
