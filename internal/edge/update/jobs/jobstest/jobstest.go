// Package jobstest is the jobs service of AWS IoT as one thing sees it, on a
// broker in memory, for tests.
package jobstest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"porchlight/internal/edge/linktest"
	"porchlight/internal/edge/update/jobs"
)

// Service keeps the jobs of one thing.
type Service struct {
	broker *linktest.Broker
	thing  string

	mu    sync.Mutex
	order []*Job
	lose  int // answers to updates that do not arrive
}

// Job is one job and what was reported of it.
type Job struct {
	ID       string
	Document json.RawMessage
	Status   jobs.Status
	Details  map[string]string
	Version  int64
	History  []map[string]string // the details of all updates
}

// Serve answers requests until ctx ends; it returns once it listens.
func Serve(ctx context.Context, broker *linktest.Broker, thing string) *Service {
	s := &Service{broker: broker, thing: thing}
	listening := make(chan struct{})
	go func() {
		_ = broker.Subscribe(ctx, s.root()+"#", func(topic string, payload []byte) { s.receive(ctx, topic, payload) },
			sync.OnceFunc(func() { close(listening) }))
	}()
	<-listening
	return s
}

func (s *Service) root() string { return "$aws/things/" + s.thing + "/jobs/" }

// Add queues a job and tells the thing.
func (s *Service) Add(ctx context.Context, id string, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.order = append(s.order, &Job{ID: id, Document: text, Status: jobs.Queued, Version: 1})
	s.mu.Unlock()
	_ = s.broker.Publish(ctx, s.root()+"notify-next", []byte(`{"timestamp":1,"execution":{"jobId":"`+id+`"}}`))
}

// Cancel ends a job as its owner does by force, and tells the thing.
func (s *Service) Cancel(ctx context.Context, id string) {
	s.mu.Lock()
	j := s.find(id)
	j.Status = jobs.Canceled
	j.Version++
	s.mu.Unlock()
	_ = s.broker.Publish(ctx, s.root()+"notify-next", []byte(`{"timestamp":1}`))
}

// LoseAnswers makes the next answers to updates go astray, and counts the
// updates all the same.
func (s *Service) LoseAnswers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// Get returns a job as it is now.
func (s *Service) Get(id string) Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := *s.find(id)
	j.History = slices.Clone(j.History)
	return j
}

func (s *Service) find(id string) *Job {
	i := slices.IndexFunc(s.order, func(j *Job) bool { return j.ID == id })
	if i < 0 {
		return nil
	}
	return s.order[i]
}

type request struct {
	ClientToken     string            `json:"clientToken"`
	Status          jobs.Status       `json:"status"`
	StatusDetails   map[string]string `json:"statusDetails"`
	ExpectedVersion int64             `json:"expectedVersion"`
}

func (s *Service) receive(ctx context.Context, topic string, payload []byte) {
	path := strings.TrimPrefix(topic, s.root())
	var r request
	if path != "start-next" && !strings.HasSuffix(path, "/update") || json.Unmarshal(payload, &r) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, body := "/accepted", map[string]any{"timestamp": 1, "clientToken": r.ClientToken}
	if path == "start-next" {
		if j := s.next(); j != nil {
			body["execution"] = map[string]any{
				"jobId": j.ID, "status": j.Status, "versionNumber": j.Version, "executionNumber": 1, "jobDocument": j.Document,
			}
		}
	} else if code := s.update(strings.TrimSuffix(path, "/update"), r, body); code != "" {
		answer = "/rejected"
		body["code"], body["message"] = code, "no"
	}
	if path != "start-next" && s.lose > 0 {
		s.lose--
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	_ = s.broker.Publish(ctx, topic+answer, text)
}

func (s *Service) next() *Job {
	for _, wanted := range []jobs.Status{jobs.InProgress, jobs.Queued} {
		for _, j := range s.order {
			if j.Status == wanted {
				if wanted == jobs.Queued {
					j.Status = jobs.InProgress
					j.Version++
				}
				return j
			}
		}
	}
	return nil
}

// update returns the code of a rejection, or "".
func (s *Service) update(id string, r request, body map[string]any) (code string) {
	j := s.find(id)
	if j == nil {
		return "ResourceNotFound"
	}
	state := func() { body["executionState"] = map[string]any{"status": j.Status, "versionNumber": j.Version} }
	defer func() { state() }()
	switch {
	case j.Status.Final():
		return "TerminalStateReached"
	case r.ExpectedVersion != j.Version:
		return "VersionMismatch"
	}
	j.Status, j.Details = r.Status, r.StatusDetails
	j.History = append(j.History, r.StatusDetails)
	j.Version++
	return ""
}
