package jobs

import (
	"encoding/json"
	"net/http"
)

// executionSummary is JobExecutionSummary of the iot API.
type executionSummary struct {
	Status          string `json:"status"`
	QueuedAt        int64  `json:"queuedAt"`
	StartedAt       int64  `json:"startedAt,omitempty"`
	LastUpdatedAt   int64  `json:"lastUpdatedAt"`
	ExecutionNumber int64  `json:"executionNumber"`
}

// list returns the executions that the request's filters let through, each with
// what identifies it.
func list(r *http.Request, all []execution, identify func(execution) (name, value string)) (any, error) {
	q := r.URL.Query()
	if err := checkStatusFilter(q.Get("status"), statuses()); err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, e := range all {
		if (q.Get("status") == "" || q.Get("status") == e.Status) && (q.Get("jobId") == "" || q.Get("jobId") == e.JobID) {
			name, value := identify(e)
			out = append(out, map[string]any{name: value,
				"jobExecutionSummary": executionSummary{e.Status, e.QueuedAt, e.StartedAt, e.UpdatedAt, executionNumber}})
		}
	}
	part, token, err := page(r, out)
	return listing("executionSummaries", part, token), err
}

func (s *Service) serveExecutionsFor(r *http.Request) (any, error) {
	var all []execution
	err := s.view(func(rec *records) error {
		j, err := rec.job(r.PathValue("job"))
		if err == nil {
			all, err = rec.executionsFor(j)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return list(r, all, func(e execution) (string, string) { return "thingArn", s.cfg.ARN("thing", e.Thing) })
}

func (s *Service) serveExecutionsOf(r *http.Request) (any, error) {
	thing := r.PathValue("thing")
	if err := s.known(thing); err != nil {
		return nil, err
	}
	var all []execution
	err := s.view(func(rec *records) (err error) {
		all, err = rec.executionsOf(thing)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list(r, all, func(e execution) (string, string) { return "jobId", e.JobID })
}

func (s *Service) serveExecution(r *http.Request) (any, error) {
	thing, id := r.PathValue("thing"), r.PathValue("job")
	if err := checkNumber(json.Number(r.URL.Query().Get("executionNumber")), thing, id); err != nil {
		return nil, err
	}
	var e execution
	var left *int64
	err := s.view(func(rec *records) (err error) {
		e, err = rec.execution(thing, id)
		left = e.secondsLeft(rec.now)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"jobId": e.JobID, "status": e.Status, "forceCanceled": e.ForceCanceled, "thingArn": s.cfg.ARN("thing", e.Thing),
		"queuedAt": e.QueuedAt, "lastUpdatedAt": e.UpdatedAt, "executionNumber": executionNumber, "versionNumber": e.Version,
	}
	if len(e.Details) > 0 {
		out["statusDetails"] = map[string]any{"detailsMap": e.Details}
	}
	if e.StartedAt != 0 {
		out["startedAt"] = e.StartedAt
	}
	if left != nil {
		out["approximateSecondsBeforeTimedOut"] = *left
	}
	return map[string]any{"execution": out}, nil
}

func (s *Service) serveCancelExecution(r *http.Request) (any, error) {
	var in cancelExecutionRequest
	force, err := boolean(r, "force")
	if err == nil {
		err = readBody(r, &in)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.cancelExecution(r.PathValue("thing"), r.PathValue("job"), in, force)
}

func (s *Service) serveDeleteExecution(r *http.Request) (any, error) {
	thing, id := r.PathValue("thing"), r.PathValue("job")
	force, err := boolean(r, "force")
	if err == nil {
		err = checkNumber(json.Number(r.PathValue("execution")), thing, id)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.deleteExecution(thing, id, force)
}
