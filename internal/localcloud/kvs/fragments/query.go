package fragments

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

// longest is more than any fragment lasts.
const longest = 30 * time.Second

// Query selects fragments of one stream, in the order of Clock.
type Query struct {
	ARN   string
	Clock Clock
	// From and To bound the fragments' starts, both included; a zero time is no bound.
	From, To time.Time
	// Overlapping also takes a fragment that begins before From and reaches past it.
	Overlapping bool
	// After is the last fragment of the page before.
	After *Fragment
	Limit int // 0: all
	// Transient also takes what a stream without retention holds for a moment.
	Transient bool
}

// Find returns the fragments a query selects.
func (s *Store) Find(q Query) (found []Fragment, err error) {
	now := s.cfg.Now()
	return found, s.db.View(func(tx *bolt.Tx) error {
		numbers := tx.Bucket(bucketFragments).Bucket([]byte(q.ARN))
		if numbers == nil {
			return ErrNoStream
		}
		stream, err := find(tx, q.ARN)
		if err != nil {
			return err
		}
		expired := stream.oldest(now)
		c, key := q.cursor(tx, numbers)
		for k, raw := c.Seek(key); k != nil; k, raw = c.Next() {
			if q.Clock != ServerTime {
				k = k[8:]
				raw = numbers.Get(k)
			}
			var f Fragment
			if err := json.Unmarshal(raw, &f); err != nil {
				return fmt.Errorf("index of fragment %s: %w", k, err)
			}
			start := f.Start(q.Clock)
			if !q.To.IsZero() && start.After(q.To) || q.Limit > 0 && len(found) == q.Limit {
				break
			}
			early := !q.From.IsZero() && start.Before(q.From)
			if early && q.Overlapping {
				early = !start.Add(f.Length).After(q.From)
			}
			if early || f.Server.Before(expired) || !f.Kept && !q.Transient || q.After != nil && q.After.Number == f.Number {
				continue
			}
			found = append(found, f)
		}
		return nil
	})
}

// cursor returns where to begin.
func (q Query) cursor(tx *bolt.Tx, numbers *bolt.Bucket) (*bolt.Cursor, []byte) {
	from := q.From
	if q.Overlapping && !from.IsZero() {
		from = from.Add(-longest)
	}
	if q.Clock == ServerTime {
		var key []byte
		if !from.IsZero() {
			key = []byte(numberFrom(from))
		}
		if q.After != nil {
			key = maxKey(key, []byte(q.After.Number))
		}
		return numbers.Cursor(), key
	}
	var key []byte
	if !from.IsZero() {
		key = timeKey(from, "")
	}
	if q.After != nil {
		key = maxKey(key, timeKey(q.After.Producer, q.After.Number))
	}
	return tx.Bucket(bucketTimes).Bucket([]byte(q.ARN)).Cursor(), key
}

func maxKey(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		return a
	}
	return b
}

// Latest returns up to n of the newest fragments by their producer's or server's time, oldest first.
func (s *Store) Latest(arn string, clock Clock, n int, transient bool) (found []Fragment, err error) {
	return found, s.db.View(func(tx *bolt.Tx) error {
		numbers := tx.Bucket(bucketFragments).Bucket([]byte(arn))
		if numbers == nil {
			return ErrNoStream
		}
		c := numbers.Cursor()
		if clock != ServerTime {
			c = tx.Bucket(bucketTimes).Bucket([]byte(arn)).Cursor()
		}
		for k, raw := c.Last(); k != nil && len(found) < n; k, raw = c.Prev() {
			if clock != ServerTime {
				raw = numbers.Get(k[8:])
			}
			var f Fragment
			if err := json.Unmarshal(raw, &f); err != nil {
				return err
			}
			if f.Kept || transient {
				found = append([]Fragment{f}, found...)
			}
		}
		return nil
	})
}

// Get finds one fragment by its number.
func (s *Store) Get(arn, number string) (f Fragment, err error) {
	return f, s.db.View(func(tx *bolt.Tx) error {
		numbers := tx.Bucket(bucketFragments).Bucket([]byte(arn))
		if numbers == nil {
			return ErrNoStream
		}
		raw := numbers.Get([]byte(number))
		if raw == nil {
			return ErrNoFragment
		}
		return json.Unmarshal(raw, &f)
	})
}

// Open opens a fragment's file; ErrNoFragment when it has gone meanwhile.
func (s *Store) Open(arn string, f Fragment) (*os.File, error) {
	file, err := os.Open(s.path(arn, f.Number))
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%w: %s", ErrNoFragment, f.Number)
	}
	return file, err
}

// Path is where a fragment's file is.
func (s *Store) Path(arn string, f Fragment) string { return s.path(arn, f.Number) }

// Work lists fragments that were committed with work to do on them, oldest first for each stream.
func (s *Store) Work(limit int) (arns, numbers []string, err error) {
	return arns, numbers, s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketWork).Cursor()
		for k, _ := c.First(); k != nil && len(arns) < limit; k, _ = c.Next() {
			arn, number, _ := bytes.Cut(k, []byte(" "))
			arns, numbers = append(arns, string(arn)), append(numbers, string(number))
		}
		return nil
	})
}

// Done says that the work on a fragment is done.
func (s *Store) Done(arn, number string) error {
	return s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketWork).Delete([]byte(arn + " " + number)) })
}

// oldest is the server time before which a stream's fragments have expired.
func (s Stream) oldest(now time.Time) time.Time {
	if s.RetentionHours == 0 {
		return now.Add(-keptWithoutRetention)
	}
	return now.Add(-time.Duration(s.RetentionHours) * time.Hour)
}
