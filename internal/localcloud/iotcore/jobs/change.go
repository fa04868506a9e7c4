package jobs

import (
	"maps"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// change is one transaction that writes. It remembers what was pending for each
// thing it touches, to tell the thing what became different.
type change struct {
	records
	before map[string][]execution // pending, by thing
	watch  map[string]int64       // deadlines by key of executions; noWatch ends it
}

const noWatch = -1

// change runs fn in one transaction. When that is on disk the things concerned
// are notified.
func (s *Service) change(fn func(*change) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &change{before: map[string][]execution{}, watch: map[string]int64{}}
	c.now = s.cfg.Now().Unix()
	var notices []notice
	err := s.db.Update(func(tx *bolt.Tx) error {
		c.tx = tx
		err := fn(c)
		if err == nil {
			notices, err = c.notices()
		}
		return err
	})
	if err != nil {
		return err
	}
	for key, deadline := range c.watch {
		if deadline == noWatch {
			delete(s.watched, key)
		} else {
			s.watched[key] = deadline
		}
	}
	for _, n := range notices {
		s.cfg.Publish(n.topic, n.payload, noticeQoS)
	}
	return nil
}

func (c *change) touch(thing string) error {
	if _, known := c.before[thing]; known {
		return nil
	}
	pending, err := c.pending(thing)
	c.before[thing] = pending
	return err
}

func (c *change) putJob(j job) error {
	raw, err := encode(j)
	if err != nil {
		return err
	}
	return c.bucket(jobRecords).Put([]byte(j.ID), raw)
}

// put stores an execution, new or changed.
func (c *change) put(e execution) error {
	if err := c.touch(e.Thing); err != nil {
		return err
	}
	raw, err := encode(e)
	if err != nil {
		return err
	}
	key := executionKey(e.Thing, e.JobID)
	c.watch[string(key)] = noWatch
	if e.pending() {
		c.watch[string(key)] = e.deadline()
	}
	return c.bucket(executionRecords).Put(key, raw)
}

// end gives an execution its last status.
func (c *change) end(e *execution, status string) error {
	e.Status, e.UpdatedAt = status, c.now
	e.Version++
	e.JobDeadline, e.StepDeadline = 0, 0
	return c.put(*e)
}

func (c *change) drop(e execution) error {
	if err := c.touch(e.Thing); err != nil {
		return err
	}
	key := executionKey(e.Thing, e.JobID)
	c.watch[string(key)] = noWatch
	return c.bucket(executionRecords).Delete(key)
}

func (c *change) dropJob(j job) error {
	executions, err := c.executionsFor(j)
	if err != nil {
		return err
	}
	for _, e := range executions {
		if err := c.drop(e); err != nil {
			return err
		}
	}
	if err := c.bucket(documentRecords).Delete([]byte(j.ID)); err != nil {
		return err
	}
	return c.bucket(jobRecords).Delete([]byte(j.ID))
}

// settle completes a job when none of its executions is pending any more.
func (c *change) settle(id string) error {
	j, err := c.job(id)
	if err != nil || j.Status != inProgress {
		return err
	}
	executions, err := c.executionsFor(j)
	if err != nil || slices.ContainsFunc(executions, func(e execution) bool { return e.pending() }) {
		return err
	}
	j.Status, j.UpdatedAt, j.CompletedAt = completed, c.now, c.now
	return c.putJob(j)
}

// noticeQoS of notifications.
const noticeQoS = 1

// notice is a message to a thing.
type notice struct {
	topic   string
	payload []byte
}

type listNotice struct {
	Timestamp int64                `json:"timestamp"`
	Jobs      map[string][]summary `json:"jobs"`
}

type nextNotice struct {
	Timestamp int64          `json:"timestamp"`
	Execution *executionData `json:"execution,omitempty"`
}

// notices compares what is pending with what was. A thing is told the list when
// an execution came or went, and the next one when that is another.
func (c *change) notices() ([]notice, error) {
	var out []notice
	for _, thing := range slices.Sorted(maps.Keys(c.before)) {
		before := c.before[thing]
		after, err := c.pending(thing)
		if err != nil {
			return nil, err
		}
		if !sameJobs(before, after) {
			n, err := c.notice(thing, "notify", listNotice{c.now, lists(after)})
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		if first(before) == first(after) {
			continue
		}
		message := nextNotice{Timestamp: c.now}
		if len(after) > 0 {
			message.Execution = after[0].data(c.now)
			message.Execution.ThingName = ""
			message.Execution.JobDocument = embedded(c.document(after[0].JobID))
		}
		n, err := c.notice(thing, "notify-next", message)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func (c *change) notice(thing, kind string, message any) (notice, error) {
	payload, err := encode(message)
	return notice{"$aws/things/" + thing + "/jobs/" + kind, payload}, err
}

func ids(executions []execution) []string {
	var out []string
	for _, e := range executions {
		out = append(out, e.JobID)
	}
	return out
}

func sameJobs(a, b []execution) bool {
	return slices.Equal(slices.Sorted(slices.Values(ids(a))), slices.Sorted(slices.Values(ids(b))))
}

// first is the id of the next job; empty when there is none.
func first(pending []execution) string {
	if len(pending) == 0 {
		return ""
	}
	return pending[0].JobID
}

func lists(pending []execution) map[string][]summary {
	out := map[string][]summary{}
	for _, e := range pending {
		if len(out[e.Status]) < maxNotified {
			out[e.Status] = append(out[e.Status], e.summary())
		}
	}
	return out
}

// splitKey is the inverse of executionKey.
func splitKey(key string) (thing, id string) {
	thing, id, _ = strings.Cut(key, "\x00")
	return thing, id
}
