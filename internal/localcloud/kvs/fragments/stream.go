package fragments

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Create adds a stream, whose ARN and creation time the caller gives.
func (s *Store) Create(stream Stream) (Stream, error) {
	stream.Version = newVersion()
	return stream, s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketStreams)
		if b.Get([]byte(stream.Name)) != nil {
			return ErrExists
		}
		if b.Inspect().KeyN >= s.cfg.MaxStreams {
			return fmt.Errorf("%w: %d are allowed here", ErrTooMany, s.cfg.MaxStreams)
		}
		for _, parent := range [][]byte{bucketFragments, bucketTimes} {
			if _, err := tx.Bucket(parent).CreateBucketIfNotExists([]byte(stream.ARN)); err != nil {
				return err
			}
		}
		return put(b, stream.Name, stream)
	})
}

// Stream finds a stream by its name or its ARN.
func (s *Store) Stream(nameOrARN string) (stream Stream, err error) {
	return stream, s.db.View(func(tx *bolt.Tx) (err error) {
		stream, err = find(tx, nameOrARN)
		return err
	})
}

func find(tx *bolt.Tx, nameOrARN string) (stream Stream, err error) {
	name := nameOrARN
	if strings.HasPrefix(nameOrARN, "arn:") {
		parts := strings.Split(nameOrARN, "/")
		if len(parts) != 3 {
			return stream, ErrNoStream
		}
		name = parts[1]
	}
	raw := tx.Bucket(bucketStreams).Get([]byte(name))
	if raw == nil {
		return stream, ErrNoStream
	}
	if err := json.Unmarshal(raw, &stream); err != nil {
		return stream, fmt.Errorf("stream %s: %w", name, err)
	}
	if name != nameOrARN && stream.ARN != nameOrARN {
		return stream, ErrNoStream // one of this name that was deleted
	}
	return stream, nil
}

// Streams lists streams in the order of their names, those after a name and
// with a prefix, at most limit; more tells that there are others.
func (s *Store) Streams(prefix, after string, limit int) (streams []Stream, more bool, err error) {
	return streams, more, s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketStreams).Cursor()
		from := max(prefix, after)
		for k, raw := c.Seek([]byte(from)); k != nil && strings.HasPrefix(string(k), prefix); k, raw = c.Next() {
			if string(k) <= after && after != "" {
				continue
			}
			if len(streams) == limit {
				more = true
				return nil
			}
			var stream Stream
			if err := json.Unmarshal(raw, &stream); err != nil {
				return fmt.Errorf("stream %s: %w", k, err)
			}
			streams = append(streams, stream)
		}
		return nil
	})
}

// Update changes a stream. version is what the caller knows the stream by, or
// empty where any will do; change may refuse with an error. The stream gets a new version.
func (s *Store) Update(nameOrARN, version string, change func(*Stream) error) (stream Stream, err error) {
	return stream, s.db.Update(func(tx *bolt.Tx) (err error) {
		if stream, err = find(tx, nameOrARN); err != nil {
			return err
		}
		if version != "" && version != stream.Version {
			return ErrVersion
		}
		if err := change(&stream); err != nil {
			return err
		}
		stream.Version = newVersion()
		return put(tx.Bucket(bucketStreams), stream.Name, stream)
	})
}

// Delete removes a stream and its fragments. Uploads to it end with ErrRetired.
func (s *Store) Delete(nameOrARN, version string) error {
	var stream Stream
	var freed int64
	err := s.db.Update(func(tx *bolt.Tx) (err error) {
		if stream, err = find(tx, nameOrARN); err != nil {
			return err
		}
		if version != "" && version != stream.Version {
			return ErrVersion
		}
		arn := []byte(stream.ARN)
		err = tx.Bucket(bucketFragments).Bucket(arn).ForEach(func(_, raw []byte) error {
			var f Fragment
			err := json.Unmarshal(raw, &f)
			freed += f.Bytes
			return err
		})
		return errors.Join(err, tx.Bucket(bucketFragments).DeleteBucket(arn), tx.Bucket(bucketTimes).DeleteBucket(arn),
			tx.Bucket(bucketStreams).Delete([]byte(stream.Name)))
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.bytes -= freed
	s.mu.Unlock()
	s.announce(stream.ARN)
	return os.RemoveAll(s.dir(stream.ARN)) // what stays after a crash here, Open removes
}

// Secret returns random bytes that are made once and stay.
func (s *Store) Secret(name string) (secret []byte, err error) {
	return secret, s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSecrets)
		if raw := b.Get([]byte(name)); raw != nil {
			secret = append(secret, raw...)
			return nil
		}
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // crypto/rand.Read never fails
		return b.Put([]byte(name), secret)
	})
}

// TagNames lists a stream's tags in order.
func (s Stream) TagNames() []string {
	names := make([]string, 0, len(s.Tags))
	for name := range s.Tags {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func put(b *bolt.Bucket, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put([]byte(key), raw)
}

func newVersion() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return base32.StdEncoding.EncodeToString(b[:])
}
