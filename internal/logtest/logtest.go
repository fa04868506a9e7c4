// Package logtest keeps what tests have logged.
package logtest

import (
	"bytes"
	"log/slog"
	"sync"
)

// Memory is a log that can be read while it is written. The zero value is ready.
type Memory struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (m *Memory) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}

// String is all that was written.
func (m *Memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// Logger writes everything to the memory, down to debug.
func (m *Memory) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(m, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
