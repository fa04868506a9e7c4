package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// bucket is one kind of record.
type bucket string

const (
	jobRecords       bucket = "jobs"       // by id
	documentRecords  bucket = "documents"  // by job id, as they were given
	executionRecords bucket = "executions" // by thing, zero byte, job id
)

const openTimeout = 2 * time.Second

func openStore(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout})
	if err != nil {
		return nil, fmt.Errorf("open the jobs in %s (does another process use them? if not they are damaged: restore or remove the file): %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range []bucket{jobRecords, documentRecords, executionRecords} {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open the jobs in %s: %w", path, err)
	}
	return db, nil
}

// records reads in one transaction.
type records struct {
	tx  *bolt.Tx
	now int64 // seconds since the epoch
}

func (r *records) bucket(b bucket) *bolt.Bucket { return r.tx.Bucket([]byte(b)) }

func parse[T any](raw []byte, what string) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("the stored %s is damaged: %w", what, err)
	}
	return v, nil
}

func executionKey(thing, id string) []byte { return []byte(thing + "\x00" + id) }

func (r *records) job(id string) (job, error) {
	if err := checkJobID(id); err != nil {
		return job{}, err
	}
	raw := r.bucket(jobRecords).Get([]byte(id))
	if raw == nil {
		return job{}, errNoJob(id)
	}
	return parse[job](raw, "job "+id)
}

func (r *records) document(id string) string {
	return string(r.bucket(documentRecords).Get([]byte(id)))
}

func (r *records) execution(thing, id string) (execution, error) {
	if err := checkJobID(id); err != nil {
		return execution{}, err
	}
	raw := r.bucket(executionRecords).Get(executionKey(thing, id))
	if raw == nil {
		return execution{}, errNoExecution(thing, id)
	}
	return parse[execution](raw, "execution of "+id)
}

// jobs returns all jobs, the latest first.
func (r *records) jobs() ([]job, error) {
	var out []job
	err := r.bucket(jobRecords).ForEach(func(_, raw []byte) error {
		j, err := parse[job](raw, "job")
		out = append(out, j)
		return err
	})
	slices.SortFunc(out, func(a, b job) int {
		if a.Sequence > b.Sequence {
			return -1
		}
		return 1
	})
	return out, err
}

// executionsOf returns those of a thing, the latest job first.
func (r *records) executionsOf(thing string) ([]execution, error) {
	var out []execution
	prefix := executionKey(thing, "")
	c := r.bucket(executionRecords).Cursor()
	for k, raw := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, raw = c.Next() {
		e, err := parse[execution](raw, "execution")
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b execution) int {
		if a.Sequence > b.Sequence {
			return -1
		}
		return 1
	})
	return out, nil
}

// executionsFor returns those of a job, in the order of its targets.
func (r *records) executionsFor(j job) ([]execution, error) {
	var out []execution
	for _, thing := range j.Targets {
		raw := r.bucket(executionRecords).Get(executionKey(thing, j.ID))
		if raw == nil {
			continue // deleted by itself
		}
		e, err := parse[execution](raw, "execution of "+j.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// pending returns the executions of a thing that wait or run, the next first.
func (r *records) pending(thing string) ([]execution, error) {
	all, err := r.executionsOf(thing)
	all = slices.DeleteFunc(all, func(e execution) bool { return !e.pending() })
	slices.SortFunc(all, next)
	return all, err
}
