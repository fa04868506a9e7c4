package jobs

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// createRequest is that of CreateJob.
type createRequest struct {
	Targets         []string `json:"targets"`
	Document        string   `json:"document"`
	Description     string   `json:"description"`
	TargetSelection string   `json:"targetSelection"`
	TimeoutConfig   struct {
		InProgressTimeoutInMinutes *int64 `json:"inProgressTimeoutInMinutes"`
	} `json:"timeoutConfig"`
}

// create makes a job and an execution for each of its things.
func (s *Service) create(id string, in createRequest) (job, error) {
	j, err := s.newJob(id, in)
	if err != nil {
		return job{}, err
	}
	err = s.change(func(c *change) error {
		if c.bucket(jobRecords).Get([]byte(id)) != nil {
			return refuse(codeExists, "Job %s already exists: choose another id, or delete it.", id)
		}
		if err := c.makeRoom(s.cfg.MaxJobs); err != nil {
			return err
		}
		if j.Sequence, err = c.bucket(jobRecords).NextSequence(); err != nil {
			return err
		}
		j.CreatedAt, j.UpdatedAt = c.now, c.now
		if err := c.bucket(documentRecords).Put([]byte(id), []byte(in.Document)); err != nil {
			return err
		}
		for _, thing := range j.Targets {
			e := execution{JobID: id, Thing: thing, Sequence: j.Sequence, Status: queued, QueuedAt: c.now, UpdatedAt: c.now, Version: 1}
			if err := c.put(e); err != nil {
				return err
			}
		}
		return c.putJob(j)
	})
	return j, err
}

func (s *Service) newJob(id string, in createRequest) (job, error) {
	j := job{ID: id, Status: inProgress, Description: in.Description}
	if err := checkJobID(id); err != nil {
		return j, err
	}
	switch {
	case in.Document == "":
		return j, invalid("document: give the job document here; documents in S3 are not offered")
	case utf8.RuneCountInString(in.Document) > maxDocument:
		return j, invalid("document: %d characters are too many, %d is the most", utf8.RuneCountInString(in.Document), maxDocument)
	case !json.Valid([]byte(in.Document)):
		return j, invalid("document: it is not valid JSON")
	case in.TargetSelection != "" && in.TargetSelection != "SNAPSHOT":
		return j, invalid("targetSelection: only SNAPSHOT is offered: there are no thing groups to follow")
	case len(in.Targets) == 0 || len(in.Targets) > maxTargets:
		return j, invalid("targets: want 1 to %d", maxTargets)
	}
	if err := checkText("description", in.Description); err != nil {
		return j, err
	}
	if minutes := in.TimeoutConfig.InProgressTimeoutInMinutes; minutes != nil {
		if j.TimeoutMinutes = *minutes; j.TimeoutMinutes < 1 || j.TimeoutMinutes > maxMinutes {
			return j, invalid("timeoutConfig: want 1 to %d minutes", maxMinutes)
		}
	}
	for _, target := range in.Targets {
		thing, ok := strings.CutPrefix(target, s.cfg.ARN("thing", ""))
		if !ok {
			return j, invalid("target %s: want the ARN of a thing, %s; thing groups are not offered", clip(target), s.cfg.ARN("thing", "NAME"))
		}
		if err := s.known(thing); err != nil {
			return j, err
		}
		if !slices.Contains(j.Targets, thing) {
			j.Targets = append(j.Targets, thing)
		}
	}
	return j, nil
}

// makeRoom deletes the oldest job that is over when no more can be stored.
func (c *change) makeRoom(maxJobs int) error {
	all, err := c.jobs()
	if err != nil || len(all) < maxJobs {
		return err
	}
	for _, j := range slices.Backward(all) {
		if j.Status == completed {
			return c.dropJob(j)
		}
	}
	for _, j := range slices.Backward(all) {
		if j.Status == canceled {
			return c.dropJob(j)
		}
	}
	return refuse(codeLimit, "There are %d jobs in progress already: cancel or delete some.", maxJobs)
}

// cancelRequest is that of CancelJob.
type cancelRequest struct {
	ReasonCode string `json:"reasonCode"`
	Comment    string `json:"comment"`
}

// cancel ends the executions of a job that wait; with force also those that run.
func (s *Service) cancel(id string, in cancelRequest, force bool) (job, error) {
	var j job
	if err := checkText("comment", in.Comment); err != nil {
		return j, err
	}
	if len(in.ReasonCode) > maxReason || strings.ContainsFunc(in.ReasonCode, func(r rune) bool {
		return !unicode.IsUpper(r) && !unicode.IsDigit(r) && r != '_'
	}) {
		return j, invalid("reasonCode: want at most %d capital letters, digits and _", maxReason)
	}
	err := s.change(func(c *change) error {
		var err error
		if j, err = c.job(id); err != nil {
			return err
		}
		if j.Status == completed {
			return invalid("Job %s is completed: there is nothing to cancel.", id)
		}
		executions, err := c.executionsFor(j)
		if err != nil {
			return err
		}
		for _, e := range executions {
			if e.Status == queued || e.Status == inProgress && force {
				e.ForceCanceled = force
				if err := c.end(&e, canceled); err != nil {
					return err
				}
			}
		}
		j.Status, j.UpdatedAt, j.CompletedAt = canceled, c.now, c.now
		j.ReasonCode, j.Comment, j.ForceCanceled = in.ReasonCode, in.Comment, force
		return c.putJob(j)
	})
	return j, err
}

// deleteJob forgets a job and its executions; with force also one in progress.
func (s *Service) deleteJob(id string, force bool) error {
	return s.change(func(c *change) error {
		j, err := c.job(id)
		if err != nil {
			return err
		}
		if j.Status == inProgress && !force {
			return refuse(codeTransition, "Job %s is in progress: cancel it first, or delete it with force.", id)
		}
		return c.dropJob(j)
	})
}

// cancelExecutionRequest is that of CancelJobExecution.
type cancelExecutionRequest struct {
	ExpectedVersion json.Number       `json:"expectedVersion"`
	StatusDetails   map[string]string `json:"statusDetails"`
}

// cancelExecution ends one that waits; with force also one that runs.
func (s *Service) cancelExecution(thing, id string, in cancelExecutionRequest, force bool) error {
	if err := checkDetails(in.StatusDetails); err != nil {
		return err
	}
	return s.change(func(c *change) error {
		e, err := c.execution(thing, id)
		if err != nil {
			return err
		}
		if err := checkVersion(e, in.ExpectedVersion); err != nil {
			return err
		}
		if !e.pending() || e.Status == inProgress && !force {
			return refuse(codeTransition, "The execution is %s: only one that is QUEUED can be canceled, or with force one that is IN_PROGRESS.", e.Status)
		}
		if in.StatusDetails != nil {
			e.Details = in.StatusDetails
		}
		e.ForceCanceled = force
		if err := c.end(&e, canceled); err != nil {
			return err
		}
		return c.settle(id)
	})
}

// deleteExecution forgets one that is over; with force also one that is not.
func (s *Service) deleteExecution(thing, id string, force bool) error {
	return s.change(func(c *change) error {
		e, err := c.execution(thing, id)
		if err != nil {
			return err
		}
		if e.pending() && !force {
			return refuse(codeTransition, "The execution is %s: cancel it first, or delete it with force.", e.Status)
		}
		if err := c.drop(e); err != nil {
			return err
		}
		return c.settle(id)
	})
}

func checkText(name, text string) error {
	if utf8.RuneCountInString(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
		return invalid("%s: want at most %d characters, none of them a control character", name, maxText)
	}
	return nil
}
