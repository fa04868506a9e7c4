package edge

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"porchlight/internal/event"
)

// sessions names MQTT sessions so that a later one always sorts after an
// earlier one, even when the clock is set back: the cloud believes the latest.
type sessions struct {
	file string
	log  *slog.Logger
	mu   sync.Mutex
	last time.Time
}

func (s *sessions) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, err := os.ReadFile(s.file); err == nil && s.last.IsZero() {
		if id, err := ulid.ParseStrict(string(data)); err == nil {
			s.last = id.Timestamp()
		}
	}
	now := time.Now()
	if !now.After(s.last.Add(time.Millisecond)) {
		now = s.last.Add(2 * time.Millisecond)
	}
	s.last = now
	id := event.NewID(now)
	if err := os.WriteFile(s.file, []byte(id), 0o600); err != nil {
		s.log.Warn("cannot keep the session's name; after the clock is set back, this device could look offline", "error", err)
	}
	return id
}
