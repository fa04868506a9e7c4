package jobs

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// Handler serves the operations on jobs of the iot API. The caller has been
// authenticated and authorized before.
func (s *Service) Handler() http.Handler {
	return s.mux(true, map[string]endpoint{
		"GET /jobs":                    s.serveList,
		"PUT /jobs/{job}":              s.serveCreate,
		"GET /jobs/{job}":              s.serveDescribe,
		"DELETE /jobs/{job}":           s.serveDelete,
		"GET /jobs/{job}/job-document": s.serveDocument,
		"PUT /jobs/{job}/cancel":       s.serveCancel,
		"GET /jobs/{job}/things":       s.serveExecutionsFor,

		"GET /things/{thing}/jobs":                                      s.serveExecutionsOf,
		"GET /things/{thing}/jobs/{job}":                                s.serveExecution,
		"PUT /things/{thing}/jobs/{job}/cancel":                         s.serveCancelExecution,
		"DELETE /things/{thing}/jobs/{job}/executionNumber/{execution}": s.serveDeleteExecution,
	})
}

// members of a CreateJob request that are honored.
func members() []string {
	return []string{"targets", "document", "description", "targetSelection", "timeoutConfig"}
}

func (s *Service) serveCreate(r *http.Request) (any, error) {
	var given map[string]json.RawMessage
	if err := readBody(r, &given); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(members(), name) && string(given[name]) != "null" {
			return nil, invalid("%s is not offered here: leave it out", clip(name))
		}
	}
	raw, err := encode(given)
	if err != nil {
		return nil, err
	}
	var in createRequest
	if err := read(raw, &in); err != nil {
		return nil, err
	}
	j, err := s.create(r.PathValue("job"), in)
	return s.reference(j), err
}

func (s *Service) reference(j job) any {
	out := map[string]any{"jobArn": s.cfg.ARN("job", j.ID), "jobId": j.ID}
	if j.Description != "" {
		out["description"] = j.Description
	}
	return out
}

// jobSummary is JobSummary of the iot API.
type jobSummary struct {
	JobArn          string `json:"jobArn"`
	JobID           string `json:"jobId"`
	TargetSelection string `json:"targetSelection"`
	Status          string `json:"status"`
	CreatedAt       int64  `json:"createdAt"`
	LastUpdatedAt   int64  `json:"lastUpdatedAt"`
	CompletedAt     int64  `json:"completedAt,omitempty"`
}

func (s *Service) summary(j job) jobSummary {
	return jobSummary{s.cfg.ARN("job", j.ID), j.ID, "SNAPSHOT", j.Status, j.CreatedAt, j.UpdatedAt, j.CompletedAt}
}

func (s *Service) serveList(r *http.Request) (any, error) {
	q := r.URL.Query()
	if err := checkStatusFilter(q.Get("status"), []string{inProgress, canceled, completed, "DELETION_IN_PROGRESS", "SCHEDULED"}); err != nil {
		return nil, err
	}
	list := []jobSummary{}
	err := s.view(func(rec *records) error {
		all, err := rec.jobs()
		for _, j := range all {
			groups := q.Get("thingGroupName") + q.Get("thingGroupId") + q.Get("namespaceId")
			if groups == "" && q.Get("targetSelection") != "CONTINUOUS" && (q.Get("status") == "" || q.Get("status") == j.Status) {
				list = append(list, s.summary(j))
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	part, token, err := page(r, list)
	return listing("jobs", part, token), err
}

func listing(name string, part any, token string) any {
	out := map[string]any{name: part}
	if token != "" {
		out["nextToken"] = token
	}
	return out
}

// processDetails counts executions by status.
func processDetails(executions []execution) map[string]int {
	out := map[string]int{}
	for status, name := range map[string]string{
		queued: "Queued", inProgress: "InProgress", succeeded: "Succeeded", failed: "Failed",
		timedOut: "TimedOut", rejected: "Rejected", removed: "Removed", canceled: "Canceled",
	} {
		for _, e := range executions {
			if e.Status == status {
				out["numberOf"+name+"Things"]++
			}
		}
	}
	return out
}

func (s *Service) serveDescribe(r *http.Request) (any, error) {
	var j job
	var executions []execution
	err := s.view(func(rec *records) (err error) {
		if j, err = rec.job(r.PathValue("job")); err == nil {
			executions, err = rec.executionsFor(j)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	targets := []string{}
	for _, thing := range j.Targets {
		targets = append(targets, s.cfg.ARN("thing", thing))
	}
	out := map[string]any{
		"jobArn": s.cfg.ARN("job", j.ID), "jobId": j.ID, "targetSelection": "SNAPSHOT", "status": j.Status,
		"targets": targets, "forceCanceled": j.ForceCanceled, "createdAt": j.CreatedAt, "lastUpdatedAt": j.UpdatedAt,
		"jobProcessDetails": processDetails(executions), "timeoutConfig": map[string]any{},
	}
	for name, text := range map[string]string{"description": j.Description, "comment": j.Comment, "reasonCode": j.ReasonCode} {
		if text != "" {
			out[name] = text
		}
	}
	if j.CompletedAt != 0 {
		out["completedAt"] = j.CompletedAt
	}
	if j.TimeoutMinutes != 0 {
		out["timeoutConfig"] = map[string]any{"inProgressTimeoutInMinutes": j.TimeoutMinutes}
	}
	return map[string]any{"job": out}, nil
}

func (s *Service) serveDocument(r *http.Request) (any, error) {
	var document string
	err := s.view(func(rec *records) error {
		j, err := rec.job(r.PathValue("job"))
		document = rec.document(j.ID)
		return err
	})
	return map[string]any{"document": document}, err
}

func (s *Service) serveCancel(r *http.Request) (any, error) {
	var in cancelRequest
	force, err := boolean(r, "force")
	if err == nil {
		err = readBody(r, &in)
	}
	if err != nil {
		return nil, err
	}
	j, err := s.cancel(r.PathValue("job"), in, force)
	return s.reference(j), err
}

func (s *Service) serveDelete(r *http.Request) (any, error) {
	force, err := boolean(r, "force")
	if err != nil {
		return nil, err
	}
	return nil, s.deleteJob(r.PathValue("job"), force)
}
