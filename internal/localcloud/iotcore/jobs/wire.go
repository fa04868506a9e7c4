package jobs

import (
	"bytes"
	"encoding/json"
)

// summary is JobExecutionSummary of the data plane.
type summary struct {
	JobID           string `json:"jobId"`
	QueuedAt        int64  `json:"queuedAt"`
	StartedAt       int64  `json:"startedAt,omitempty"`
	LastUpdatedAt   int64  `json:"lastUpdatedAt"`
	VersionNumber   int64  `json:"versionNumber"`
	ExecutionNumber int64  `json:"executionNumber"`
}

func (e *execution) summary() summary {
	return summary{e.JobID, e.QueuedAt, e.StartedAt, e.UpdatedAt, e.Version, executionNumber}
}

// executionState is JobExecutionState.
type executionState struct {
	Status        string            `json:"status"`
	StatusDetails map[string]string `json:"statusDetails,omitempty"`
	VersionNumber int64             `json:"versionNumber"`
}

func (e *execution) state() *executionState {
	return &executionState{e.Status, e.Details, e.Version}
}

// executionData is JobExecution of the data plane. The document is embedded by
// MQTT and a string by HTTP.
type executionData struct {
	JobID                            string            `json:"jobId"`
	ThingName                        string            `json:"thingName,omitempty"`
	Status                           string            `json:"status"`
	StatusDetails                    map[string]string `json:"statusDetails,omitempty"`
	QueuedAt                         int64             `json:"queuedAt"`
	StartedAt                        int64             `json:"startedAt,omitempty"`
	LastUpdatedAt                    int64             `json:"lastUpdatedAt"`
	VersionNumber                    int64             `json:"versionNumber"`
	ExecutionNumber                  int64             `json:"executionNumber"`
	ApproximateSecondsBeforeTimedOut *int64            `json:"approximateSecondsBeforeTimedOut,omitempty"`
	JobDocument                      any               `json:"jobDocument,omitempty"`
}

func (e *execution) data(now int64) *executionData {
	return &executionData{
		JobID: e.JobID, ThingName: e.Thing, Status: e.Status, StatusDetails: e.Details,
		QueuedAt: e.QueuedAt, StartedAt: e.StartedAt, LastUpdatedAt: e.UpdatedAt,
		VersionNumber: e.Version, ExecutionNumber: executionNumber,
		ApproximateSecondsBeforeTimedOut: e.secondsLeft(now),
	}
}

func (e *execution) secondsLeft(now int64) *int64 {
	if !e.pending() || e.deadline() == 0 {
		return nil
	}
	left := max(e.deadline()-now, 0)
	return &left
}

// embedded makes a job document part of a message.
func embedded(document string) any { return json.RawMessage(document) }

// encode writes JSON without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
