package jobs

import (
	"slices"
	"strings"
)

// Statuses of executions.
const (
	queued     = "QUEUED"
	inProgress = "IN_PROGRESS"
	succeeded  = "SUCCEEDED"
	failed     = "FAILED"
	timedOut   = "TIMED_OUT"
	rejected   = "REJECTED"
	removed    = "REMOVED"
	canceled   = "CANCELED"
)

// completed is a status of jobs; IN_PROGRESS and CANCELED are too.
const completed = "COMPLETED"

// Bounds.
const (
	maxDocument    = 32 << 10 // characters
	maxTargets     = 100      // of one job
	defaultMaxJobs = 1000     // that are stored; on AWS, that are in progress
	maxDetails     = 10       // pairs of status details
	maxDetailName  = 128
	maxDetailValue = 1024
	maxText        = 2028 // description and comment
	maxReason      = 128
	maxMinutes     = 7 * 24 * 60 // of a timeout
	maxToken       = 256         // bytes of a client token
	maxNotified    = 15          // executions of each status in a notification
	maxListed      = 250         // in one answer
)

// job is stored under its id, its document beside it. Times are seconds since the epoch, 0 for never.
type job struct {
	ID             string   `json:"id"`
	Sequence       uint64   `json:"sequence"` // order of making
	Targets        []string `json:"targets"`  // things
	Description    string   `json:"description,omitempty"`
	Status         string   `json:"status"`
	CreatedAt      int64    `json:"createdAt"`
	UpdatedAt      int64    `json:"updatedAt"`
	CompletedAt    int64    `json:"completedAt,omitempty"`
	TimeoutMinutes int64    `json:"timeoutMinutes,omitempty"` // of each execution in progress
	ReasonCode     string   `json:"reasonCode,omitempty"`
	Comment        string   `json:"comment,omitempty"`
	ForceCanceled  bool     `json:"forceCanceled,omitempty"`
}

// execution is a job on one thing.
type execution struct {
	JobID         string            `json:"jobId"`
	Thing         string            `json:"thing"`
	Sequence      uint64            `json:"sequence"` // of its job
	Status        string            `json:"status"`
	Details       map[string]string `json:"details,omitempty"`
	QueuedAt      int64             `json:"queuedAt"`
	StartedAt     int64             `json:"startedAt,omitempty"`
	UpdatedAt     int64             `json:"updatedAt"`
	Version       int64             `json:"version"`
	ForceCanceled bool              `json:"forceCanceled,omitempty"`
	JobDeadline   int64             `json:"jobDeadline,omitempty"`
	StepDeadline  int64             `json:"stepDeadline,omitempty"`
}

// executionNumber of every execution: a job runs once on a thing.
const executionNumber = 1

func (e *execution) pending() bool { return e.Status == queued || e.Status == inProgress }

// deadline is the earlier of both; 0 means none.
func (e *execution) deadline() int64 {
	if e.JobDeadline == 0 || e.StepDeadline == 0 {
		return e.JobDeadline + e.StepDeadline
	}
	return min(e.JobDeadline, e.StepDeadline)
}

// next orders pending executions as a thing gets them: those in progress first,
// then in the order in which their jobs were made.
func next(a, b execution) int {
	if a.Status != b.Status {
		if a.Status == inProgress {
			return -1
		}
		return 1
	}
	if a.Sequence < b.Sequence {
		return -1
	}
	return 1
}

func statuses() []string {
	return []string{queued, inProgress, succeeded, failed, timedOut, rejected, removed, canceled}
}

func checkDetails(details map[string]string) error {
	if len(details) > maxDetails {
		return invalid("statusDetails: %d pairs are too many, %d is the most", len(details), maxDetails)
	}
	for name, value := range details {
		if !wellNamed(name, maxDetailName, ":_-") {
			return invalid("statusDetails: want names of 1 to %d of a-z A-Z 0-9 : _ -", maxDetailName)
		}
		if len(value) > maxDetailValue || strings.ContainsFunc(value, isControl) {
			return invalid("statusDetails: want values of at most %d bytes without control characters", maxDetailValue)
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func checkJobID(id string) error {
	if !wellNamed(id, 64, "_-") {
		return invalid("jobId: want 1 to 64 of a-z A-Z 0-9 _ -")
	}
	return nil
}

func checkStatusFilter(status string, allowed []string) error {
	if status != "" && !slices.Contains(allowed, status) {
		return invalid("status %q: want one of %s", clip(status), strings.Join(allowed, ", "))
	}
	return nil
}

func wellNamed(name string, most int, signs string) bool {
	return name != "" && len(name) <= most && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(signs, r)
	}) < 0
}

// clip shortens what is repeated in an answer.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
