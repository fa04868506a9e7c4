package jobs

import (
	"encoding/json"
	"errors"
	"slices"
)

// updateRequest is that of UpdateJobExecution.
type updateRequest struct {
	Status                   string            `json:"status"`
	StatusDetails            map[string]string `json:"statusDetails"`
	ExpectedVersion          json.Number       `json:"expectedVersion"`
	ExecutionNumber          json.Number       `json:"executionNumber"`
	IncludeJobExecutionState bool              `json:"includeJobExecutionState"`
	IncludeJobDocument       bool              `json:"includeJobDocument"`
	StepTimeoutInMinutes     json.Number       `json:"stepTimeoutInMinutes"`
}

// updated is what an update gave.
type updated struct {
	state    *executionState // where it was asked for
	document string          // where it was asked for
}

// update sets the status that a device gives.
func (s *Service) update(thing, id string, in updateRequest) (updated, error) {
	if err := errors.Join(s.known(thing), checkDetails(in.StatusDetails), checkNumber(in.ExecutionNumber, thing, id)); err != nil {
		return updated{}, err
	}
	if allowed := []string{inProgress, succeeded, failed, rejected}; !slices.Contains(allowed, in.Status) {
		return updated{}, invalid("status %q: a device can set %q", clip(in.Status), allowed)
	}
	var out updated
	err := s.change(func(c *change) error {
		e, err := c.execution(thing, id)
		if err != nil {
			return err
		}
		if err := checkVersion(e, in.ExpectedVersion); err != nil {
			return err
		}
		if !e.pending() {
			return &Error{codeTransition, "Execution of job " + id + " is over: it cannot become " + in.Status + ".", e.state()}
		}
		if in.StatusDetails != nil {
			e.Details = in.StatusDetails
		}
		if err := c.advance(&e, in); err != nil {
			return err
		}
		if in.IncludeJobExecutionState {
			out.state = e.state()
		}
		if in.IncludeJobDocument {
			out.document = c.document(id)
		}
		return c.settle(id)
	})
	return out, err
}

// advance stores what the device says of an execution that is pending.
func (c *change) advance(e *execution, in updateRequest) error {
	if in.Status != inProgress {
		return c.end(e, in.Status)
	}
	if e.Status == queued {
		if err := c.begin(e); err != nil {
			return err
		}
	} else {
		e.UpdatedAt = c.now
		e.Version++
	}
	if err := c.setStep(e, in.StepTimeoutInMinutes); err != nil {
		return err
	}
	return c.put(*e)
}

func checkVersion(e execution, expected json.Number) error {
	version, given, err := integer(expected)
	if err != nil {
		return invalid("expectedVersion: want a whole number")
	}
	if given && version != e.Version {
		return &Error{codeVersionMismatch, "The execution is not of the expected version.", e.state()}
	}
	return nil
}
