package jobs

import (
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

// splitKey is the inverse of executionKey.
func splitKey(key string) (thing, id string) {
	thing, id, _ = strings.Cut(key, "\x00")
	return thing, id
}
