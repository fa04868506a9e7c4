// Package wire holds how the APIs of Kinesis Video Streams write requests,
// answers and errors: JSON over POST, with times as seconds since 1970.
//
// Sources: Kinesis Video Streams Developer Guide, "API reference"; Smithy's
// restJson1 protocol.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/kvs/fragments"
)

// maxBody bounds a request, in bytes.
const maxBody = 1 << 20

// Time is a point in time on the wire.
type Time struct{ time.Time }

// MarshalJSON writes seconds with milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)), nil
}

// UnmarshalJSON reads seconds, or RFC 3339 as some clients write it.
func (t *Time) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		t.Time = parsed.UTC()
		return err
	}
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(seconds) > 1e11 {
		return fmt.Errorf("%s is no time: want seconds since 1970", b)
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

// Handler answers an operation that takes and gives JSON.
func Handler[In, Out any](log *slog.Logger, do func(r *http.Request, in In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		err := Decode(r, &in)
		if err == nil {
			var out Out
			if out, err = do(r, in); err == nil {
				awsapi.WriteJSON(w, awsapi.RESTJSON, http.StatusOK, out)
				return
			}
		}
		Fail(w, log, err)
	})
}

// Decode reads the body of a request; an empty one is an empty object.
func Decode(r *http.Request, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(raw) > maxBody {
		return Invalid("the request body broke off or is larger than %d bytes", maxBody)
	}
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return Invalid("the request cannot be read: %v", err)
	}
	return nil
}

// Fail answers with an error. One that is not meant for the client is logged.
func Fail(w http.ResponseWriter, log *slog.Logger, err error) {
	var answer *awsapi.Error
	switch {
	case errors.Is(err, context.Canceled):
		return // nobody waits for the answer
	case errors.As(err, &answer):
	case errors.Is(err, fragments.ErrNoStream):
		answer = newError(http.StatusNotFound, "ResourceNotFoundException", "there is no such stream: create it")
	case errors.Is(err, fragments.ErrNoFragment):
		answer = newError(http.StatusNotFound, "ResourceNotFoundException", "there is no such fragment: it may have expired")
	case errors.Is(err, fragments.ErrExists):
		answer = newError(http.StatusBadRequest, "ResourceInUseException", "a stream of this name exists: use it, or delete it first")
	case errors.Is(err, fragments.ErrVersion):
		answer = newError(http.StatusBadRequest, "VersionMismatchException", "the stream has another version: describe it and send that one")
	case errors.Is(err, fragments.ErrTooMany):
		answer = newError(http.StatusBadRequest, "AccountStreamLimitExceededException", "%v: delete some", err)
	default:
		log.Error("video request failed", "err", err)
		answer = newError(http.StatusInternalServerError, "InternalFailure", "the local cloud failed: see its log")
	}
	w.Header().Set("X-Amz-Errortype", answer.Code) // what the C producer looks for
	awsapi.WriteError(w, awsapi.RESTJSON, answer)
}

func newError(status int, code, format string, args ...any) *awsapi.Error {
	return &awsapi.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// Invalid is an InvalidArgumentException.
func Invalid(format string, args ...any) error {
	return newError(http.StatusBadRequest, "InvalidArgumentException", format, args...)
}

// Error is any other that the service knows with status 400.
func Error(code, format string, args ...any) error {
	return newError(http.StatusBadRequest, code, format, args...)
}

// NotFound is a ResourceNotFoundException.
func NotFound(format string, args ...any) error {
	return newError(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

// NotAuthorized is a NotAuthorizedException.
func NotAuthorized(format string, args ...any) error {
	return newError(http.StatusForbidden, "NotAuthorizedException", format, args...)
}

// StreamRef names a stream in a request.
type StreamRef struct {
	StreamName string
	StreamARN  string
}

// Find returns the stream a request names, by either or both.
func (s StreamRef) Find(store *fragments.Store) (fragments.Stream, error) {
	name := s.StreamARN
	if name == "" {
		name = s.StreamName
	}
	if name == "" {
		return fragments.Stream{}, Invalid("name the stream with StreamName or StreamARN")
	}
	stream, err := store.Stream(name)
	if err == nil && s.StreamName != "" && s.StreamName != stream.Name {
		return stream, Invalid("StreamName and StreamARN name two streams: send one of them")
	}
	return stream, err
}
