package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/backoff"
)

// Kinds of rejections that are handled in ways of their own.
var (
	errToken     = errors.New("the ownership token is used or too old")
	errThrottled = errors.New("the cloud is busy")
)

// rejection is the answer on a /rejected topic.
type rejection struct {
	topic      string
	StatusCode int    `json:"statusCode"`
	Code       string `json:"errorCode"`
	Message    string `json:"errorMessage"`
}

func (r *rejection) Error() string {
	return fmt.Sprintf("request on %s rejected: %d %.100s: %.300s", r.topic, r.StatusCode, r.Code, r.Message)
}

func parseRejection(topic string, payload []byte) error {
	r := &rejection{topic: topic}
	if err := json.Unmarshal(payload, r); err != nil {
		return fmt.Errorf("request on %s rejected, and the answer cannot be read: %w", topic, err)
	}
	return r
}

// is compares error codes, which AWS writes as AccessDenied in one place and
// ACCESS_DENIED in another.
func (r *rejection) is(code string) bool {
	return strings.EqualFold(strings.ReplaceAll(r.Code, "_", ""), code)
}

// explain adds to a rejection what it means here and what to do about it.
func explain(err error, serial string) error {
	var r *rejection
	if !errors.As(err, &r) {
		return err
	}
	switch {
	case r.is("InvalidCertificateOwnershipToken"):
		return fmt.Errorf("%w: %w", errToken, r)
	case r.StatusCode == http.StatusTooManyRequests, strings.Contains(strings.ToLower(r.Code), "throttl"):
		return fmt.Errorf("%w: %w", errThrottled, r)
	case r.topic == createTopic:
		return r
	case r.is("AccessDenied"), r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: serial %s is not allowed: add it with porchlight camera allow %s, or after a factory reset with porchlight camera allow --again %s: %w",
			ErrNotAllowed, serial, serial, serial, r)
	}
	return r
}

// Waits between tries.
const (
	firstWait, longestWait       = time.Second, 2 * time.Minute
	firstRefused, longestRefused = time.Minute, 30 * time.Minute // somebody has to do something first
)

// tries counts what failed in a row, refusals and everything else apart.
type tries struct{ wait, refused time.Duration }

func newTries() *tries { return &tries{firstWait, firstRefused} }

// after returns how long to wait after err: longer each time, and never
// exactly as long as the neighbors do.
func (t *tries) after(err error) time.Duration {
	if errors.Is(err, ErrNotAllowed) {
		now := t.refused
		t.refused, t.wait = min(2*now, longestRefused), firstWait
		return backoff.Jitter(now)
	}
	now := t.wait
	t.wait = min(2*now, longestWait)
	return backoff.Jitter(now)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
