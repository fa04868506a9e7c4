package command

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"porchlight/internal/event"
)

// Recording is what became of a command to record.
type Recording struct {
	Stream   string // in which the video is in the cloud; empty: it stays on the device's disk
	From, To time.Time
}

// Recordings is what the commands record and stop need. Both are required;
// their errors wrap ErrRejected where the camera cannot be recorded at all.
type Recordings struct {
	// Record keeps what comes from a camera, <thing>.<name>, for so long.
	Record func(ctx context.Context, camera string, length time.Duration) (Recording, error)
	// Stop ends what Record began.
	Stop func(ctx context.Context, camera string) (Recording, error)
}

// How long a camera is recorded.
const (
	usualRecording   = time.Minute
	longestRecording = time.Hour
)

// RecordHandler has a camera recorded for args.seconds, 60 when not said. A
// camera that is being recorded already goes on for at least as long. It
// answers with {"stream","from","to"}: where the video is or will be, without
// a stream where it does not leave the home.
func (r Recordings) RecordHandler() Handler {
	return func(ctx context.Context, c event.Command) (map[string]any, error) {
		length, err := seconds(c.Args["seconds"])
		if err != nil {
			return nil, err
		}
		done, err := r.Record(ctx, c.Camera, length)
		return done.result(), err
	}
}

// StopHandler ends what RecordHandler began, and answers likewise.
func (r Recordings) StopHandler() Handler {
	return func(ctx context.Context, c event.Command) (map[string]any, error) {
		done, err := r.Stop(ctx, c.Camera)
		return done.result(), err
	}
}

func (r Recording) result() map[string]any {
	if r.From.IsZero() {
		return nil
	}
	result := map[string]any{"from": event.At(r.From).String(), "to": event.At(r.To).String()}
	if r.Stream != "" {
		result["stream"] = r.Stream
	}
	return result
}

// seconds reads a length, which may be written as a text like all numbers that
// people configure.
func seconds(v any) (time.Duration, error) {
	var n float64
	var err error
	switch v := v.(type) {
	case nil:
		return usualRecording, nil
	case float64:
		n = v
	case json.Number:
		n, err = v.Float64()
	case string:
		n, err = strconv.ParseFloat(v, 64)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || math.IsNaN(n) || n < 1 || n > longestRecording.Seconds() {
		return 0, fmt.Errorf("%w: seconds is not a number from 1 to %.0f", ErrRejected, longestRecording.Seconds())
	}
	return time.Duration(n * float64(time.Second)), nil
}
