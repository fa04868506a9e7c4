package signaling

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What a store can answer other than a channel.
var (
	errNoChannel = errors.New("there is no such signaling channel")
	errExists    = errors.New("a signaling channel of this name exists")
	errVersion   = errors.New("the signaling channel has another version")
	errTooMany   = errors.New("there are too many signaling channels")
)

// channel is a signaling channel.
type channel struct {
	Name, ARN, Version string
	Created            time.Time
	TTL                int // seconds that a message waits for its recipient
	Tags               map[string]string
}

var (
	bucketChannels = []byte("channels") // name → channel
	bucketSecrets  = []byte("secrets")  // name → random bytes
)

// store keeps channels. It is safe for concurrent use.
type store struct {
	db    *bolt.DB
	limit int // of channels
}

func openStore(dir string, limit int) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("signaling channels: %w", err)
	}
	path := filepath.Join(dir, "channels.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("signaling channels: open %s (is another local cloud using it?): %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, errChannels := tx.CreateBucketIfNotExists(bucketChannels)
		_, errSecrets := tx.CreateBucketIfNotExists(bucketSecrets)
		return errors.Join(errChannels, errSecrets)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("signaling channels: %w", err), db.Close())
	}
	return &store{db, limit}, nil
}

func (s *store) close() error { return s.db.Close() }

// create adds a channel, whose ARN and creation time the caller gives.
func (s *store) create(c channel) error {
	c.Version = newVersion()
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketChannels)
		if b.Get([]byte(c.Name)) != nil {
			return errExists
		}
		if b.Inspect().KeyN >= s.limit {
			return fmt.Errorf("%w: %d are allowed here", errTooMany, s.limit)
		}
		return put(b, c)
	})
}

// find returns the channel with a name or an ARN.
func (s *store) find(nameOrARN string) (c channel, err error) {
	return c, s.db.View(func(tx *bolt.Tx) (err error) {
		c, err = find(tx, nameOrARN)
		return err
	})
}

func find(tx *bolt.Tx, nameOrARN string) (c channel, err error) {
	name := nameOrARN
	if strings.HasPrefix(nameOrARN, "arn:") {
		parts := strings.Split(nameOrARN, "/")
		if len(parts) != 3 {
			return c, errNoChannel
		}
		name = parts[1]
	}
	raw := tx.Bucket(bucketChannels).Get([]byte(name))
	if raw == nil {
		return c, errNoChannel
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("signaling channel %s: %w", name, err)
	}
	if name != nameOrARN && c.ARN != nameOrARN {
		return c, errNoChannel // one of this name that was deleted
	}
	return c, nil
}

// list returns channels in the order of their names, those after a name and
// with a prefix, at most limit; more tells that there are others.
func (s *store) list(prefix, after string, limit int) (channels []channel, more bool, err error) {
	return channels, more, s.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(bucketChannels).Cursor()
		for k, raw := cursor.Seek([]byte(max(prefix, after))); k != nil && strings.HasPrefix(string(k), prefix); k, raw = cursor.Next() {
			if string(k) <= after && after != "" {
				continue
			}
			if len(channels) == limit {
				more = true
				return nil
			}
			var c channel
			if err := json.Unmarshal(raw, &c); err != nil {
				return fmt.Errorf("signaling channel %s: %w", k, err)
			}
			channels = append(channels, c)
		}
		return nil
	})
}

// update changes a channel. version is what the caller knows it by, or empty
// where any will do; change may refuse with an error.
func (s *store) update(nameOrARN, version string, change func(*channel) error) error {
	return s.db.Update(func(tx *bolt.Tx) error {
		c, err := find(tx, nameOrARN)
		if err != nil {
			return err
		}
		if version != "" && version != c.Version {
			return errVersion
		}
		if err := change(&c); err != nil {
			return err
		}
		c.Version = newVersion()
		return put(tx.Bucket(bucketChannels), c)
	})
}

func (s *store) remove(nameOrARN, version string) error {
	return s.db.Update(func(tx *bolt.Tx) error {
		c, err := find(tx, nameOrARN)
		if err != nil {
			return err
		}
		if version != "" && version != c.Version {
			return errVersion
		}
		return tx.Bucket(bucketChannels).Delete([]byte(c.Name))
	})
}

// secret returns random bytes that are made once and stay.
func (s *store) secret(name string) (secret []byte, err error) {
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

func put(b *bolt.Bucket, c channel) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return b.Put([]byte(c.Name), raw)
}

func newVersion() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return base32.StdEncoding.EncodeToString(b[:])
}
