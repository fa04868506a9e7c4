package jobs

import (
	"context"
	"fmt"
	"strings"
	"unicode"
)

// Bounds of what a status may say.
const (
	maxDetails = 10
	maxDetail  = 1024 // characters
)

// StartNext asks for the job to do next, which is then in progress: the one
// that was in progress already, or the oldest that waits. It fails with
// ErrNoJob when there is none.
func (c *Client) StartNext(ctx context.Context) (*Execution, error) {
	a, err := c.call(ctx, c.root+"start-next", map[string]any{})
	switch {
	case err != nil:
		return nil, err
	case !a.accepted:
		return nil, fmt.Errorf("start the next job: %w", a.rejection())
	case a.body.Execution == nil || a.body.Execution.JobID == "":
		return nil, ErrNoJob
	case !validJobID(a.body.Execution.JobID):
		return nil, fmt.Errorf("%w: it names a job %q", ErrRefused, a.body.Execution.JobID)
	}
	return a.body.Execution, nil
}

// Update reports the status of an execution and keeps its version. When the
// service counts differently, because an answer was lost, its count is taken
// over. It fails with ErrGone when the job is over, unless with just the status that is
// reported, and with ErrRefused when no other try will do better.
func (c *Client) Update(ctx context.Context, e *Execution, status Status, details map[string]string) error {
	const tries = 3 // of versions
	var err error
	for range tries {
		var a answer
		a, err = c.call(ctx, c.root+e.JobID+"/update", map[string]any{
			"status": status, "statusDetails": clean(details), "expectedVersion": e.Version, "executionNumber": e.Number,
			"includeJobExecutionState": true,
		})
		if err != nil {
			return err
		}
		if a.accepted {
			if e.Version++; a.body.State.Version > 0 {
				e.Version = a.body.State.Version
			}
			e.Status = status
			return nil
		}
		state := a.body.State
		if state.Status != "" && state.Status.Final() {
			if state.Status == status {
				return nil // an answer was lost
			}
			return fmt.Errorf("%w: it is %s", ErrGone, state.Status)
		}
		err = fmt.Errorf("report job %s: %w", e.JobID, a.rejection())
		if a.body.Code != "VersionMismatch" || state.Version == 0 {
			return err
		}
		e.Version = state.Version
	}
	return err
}

// rejection makes an error of the service's code.
func (a answer) rejection() error {
	text := fmt.Sprintf("%s: %s", a.body.Code, a.body.Message)
	switch a.body.Code {
	case "ResourceNotFound", "InvalidStateTransition", "TerminalStateReached":
		return fmt.Errorf("%w: %s", ErrGone, text)
	case "InvalidTopic", "InvalidJson", "InvalidRequest":
		return fmt.Errorf("%w: %s", ErrRefused, text)
	default: // VersionMismatch, RequestThrottled, InternalError
		return fmt.Errorf("the jobs service answers %s", text)
	}
}

// clean makes details that the service takes: at most ten, no control
// characters, nothing empty, nothing too long.
func clean(details map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range details {
		value = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.Is(unicode.C, r) || r == unicode.ReplacementChar {
				return ' '
			}
			return r
		}, value))
		if text := []rune(value); len(text) > maxDetail {
			value = string(text[:maxDetail-1]) + "…"
		}
		if value != "" && len(out) < maxDetails {
			out[key] = value
		}
	}
	return out
}
