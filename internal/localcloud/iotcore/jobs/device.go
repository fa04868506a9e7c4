package jobs

import (
	"encoding/json"
	"errors"
)

// nextJob stands for the next pending execution's job.
const nextJob = "$next"

// known refuses things that are not registered.
func (s *Service) known(thing string) error {
	if !wellNamed(thing, 128, ":_-") {
		return invalid("thing name: want 1 to 128 of a-z A-Z 0-9 : _ -")
	}
	if !s.cfg.Known(thing) {
		return refuse(codeNotFound, "Thing %s cannot be found.", thing)
	}
	return nil
}

// pendingAnswer is the answer of GetPendingJobExecutions.
type pendingAnswer struct {
	InProgressJobs []summary `json:"inProgressJobs"`
	QueuedJobs     []summary `json:"queuedJobs"`
}

func (s *Service) getPending(thing string) (pendingAnswer, error) {
	out := pendingAnswer{[]summary{}, []summary{}}
	if err := s.known(thing); err != nil {
		return out, err
	}
	err := s.view(func(r *records) error {
		pending, err := r.pending(thing)
		for _, e := range pending {
			list := &out.QueuedJobs
			if e.Status == inProgress {
				list = &out.InProgressJobs
			}
			if len(*list) < maxListed {
				*list = append(*list, e.summary())
			}
		}
		return err
	})
	return out, err
}

// startRequest is that of StartNextPendingJobExecution.
type startRequest struct {
	StatusDetails        map[string]string `json:"statusDetails"`
	StepTimeoutInMinutes json.Number       `json:"stepTimeoutInMinutes"`
}

// found is an execution, with its document where that was asked for.
type found struct {
	data     *executionData
	document string
}

// startNext gives the thing its next job; none is found when none is pending.
func (s *Service) startNext(thing string, in startRequest) (found, error) {
	if err := errors.Join(s.known(thing), checkDetails(in.StatusDetails)); err != nil {
		return found{}, err
	}
	var out found
	idle := false
	err := s.view(func(r *records) error { // a thing that only asks writes nothing
		pending, err := r.pending(thing)
		idle = len(pending) == 0
		return err
	})
	if err != nil || idle {
		return found{}, err
	}
	err = s.change(func(c *change) error {
		pending, err := c.pending(thing)
		if err != nil || len(pending) == 0 {
			return err
		}
		e := pending[0]
		waited := e.Status == queued
		if waited {
			if in.StatusDetails != nil {
				e.Details = in.StatusDetails
			}
			if err := c.begin(&e); err != nil {
				return err
			}
		}
		if err := c.setStep(&e, in.StepTimeoutInMinutes); err != nil {
			return err
		}
		if waited || in.StepTimeoutInMinutes != "" {
			if err := c.put(e); err != nil {
				return err
			}
		}
		out = found{e.data(c.now), c.document(e.JobID)}
		return nil
	})
	return out, err
}

// begin moves a waiting execution to IN_PROGRESS.
func (c *change) begin(e *execution) error {
	j, err := c.job(e.JobID)
	if err != nil {
		return err
	}
	e.Status, e.StartedAt, e.UpdatedAt = inProgress, c.now, c.now
	e.Version++
	if j.TimeoutMinutes > 0 {
		e.JobDeadline = c.now + 60*j.TimeoutMinutes
	}
	return nil
}

// setStep starts, restarts or (with -1) ends the step timer.
func (c *change) setStep(e *execution, minutes json.Number) error {
	n, given, err := integer(minutes)
	switch {
	case err != nil || given && n != -1 && (n < 1 || n > maxMinutes):
		return invalid("stepTimeoutInMinutes: want 1 to %d, or -1 for none", maxMinutes)
	case given && n == -1:
		e.StepDeadline = 0
	case given:
		e.StepDeadline = c.now + 60*n
	}
	return nil
}

// integer reads a number of a request, which may also be given as a string.
func integer(n json.Number) (value int64, given bool, err error) {
	if n == "" {
		return 0, false, nil
	}
	value, err = n.Int64()
	return value, true, err
}

// describeRequest is that of DescribeJobExecution.
type describeRequest struct {
	ExecutionNumber    json.Number `json:"executionNumber"`
	IncludeJobDocument *bool       `json:"includeJobDocument"`
}

func checkNumber(n json.Number, thing, id string) error {
	number, given, err := integer(n)
	if err != nil {
		return invalid("executionNumber: want a whole number")
	}
	if given && number != executionNumber {
		return errNoExecution(thing, id)
	}
	return nil
}

// describe returns an execution that is not over; with $next it may find none.
func (s *Service) describe(thing, id string, in describeRequest) (found, error) {
	if err := errors.Join(s.known(thing), checkNumber(in.ExecutionNumber, thing, id)); err != nil {
		return found{}, err
	}
	var out found
	err := s.view(func(r *records) error {
		if id == nextJob {
			pending, err := r.pending(thing)
			if err != nil || len(pending) == 0 {
				return err
			}
			id = pending[0].JobID
		}
		e, err := r.execution(thing, id)
		if err != nil {
			return err
		}
		if !e.pending() {
			return refuse(codeTerminal, "Execution of job %s is in the terminal state %s.", id, e.Status)
		}
		out.data = e.data(r.now)
		if in.IncludeJobDocument == nil || *in.IncludeJobDocument {
			out.document = r.document(id)
		}
		return nil
	})
	return out, err
}
