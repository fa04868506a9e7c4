package shadow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Bounds of what is stored.
const (
	// maxShadows of one thing, those deleted of late included. AWS has no such
	// limit and bills instead.
	maxShadows = 100
	// keepVersions is how long a deleted shadow's version is remembered.
	keepVersions = 48 * time.Hour
)

const openTimeout = 2 * time.Second

func openStore(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout})
	if err != nil {
		return nil, fmt.Errorf("open the shadows in %s (does another process use them? if not they are damaged: restore or remove the file): %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketName())
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open the shadows in %s: %w", path, err)
	}
	return db, nil
}

func bucketName() []byte { return []byte("shadows") }

// stored returns the key in the database; names hold no zero byte.
func (k Key) stored() []byte { return []byte(k.Thing + "\x00" + k.Name) }

// load returns a shadow as it is stored, a deleted one included while its
// version is remembered. False means that there is none.
func load(tx *bolt.Tx, k Key, now int64) (document, bool, error) {
	raw := tx.Bucket(bucketName()).Get(k.stored())
	if raw == nil {
		return emptyDocument(0), false, nil
	}
	d, err := parseDocument(raw)
	if err != nil {
		return d, false, fmt.Errorf("the stored shadow of %s is damaged: %w", k.Thing, err)
	}
	if d.forgotten(now) {
		return emptyDocument(0), false, nil
	}
	return d, true, nil
}

func parseDocument(raw []byte) (document, error) {
	d := emptyDocument(0)
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	err := decoder.Decode(&d)
	return d, err
}

func (d *document) forgotten(now int64) bool {
	return d.Deleted != 0 && now-d.Deleted > int64(keepVersions/time.Second)
}

func save(tx *bolt.Tx, k Key, d document) error {
	raw, err := encode(d)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketName()).Put(k.stored(), raw)
}

// makeRoom refuses one shadow too many of a thing, after forgetting what can be
// forgotten.
func makeRoom(tx *bolt.Tx, thing string, now int64) error {
	count := 0
	var forget [][]byte
	err := eachOf(tx, thing, func(k []byte, d document) {
		count++
		if d.forgotten(now) {
			forget = append(forget, k)
		}
	})
	if err != nil {
		return err
	}
	for _, k := range forget {
		if err := tx.Bucket(bucketName()).Delete(k); err != nil {
			return err
		}
	}
	if count-len(forget) >= maxShadows {
		return refuse(http.StatusTooManyRequests, "A thing can have %d shadows here: delete some, and wait 48 hours", maxShadows)
	}
	return nil
}

// eachOf visits the stored shadows of a thing, by name.
func eachOf(tx *bolt.Tx, thing string, visit func(key []byte, d document)) error {
	prefix := Key{Thing: thing}.stored()
	c := tx.Bucket(bucketName()).Cursor()
	for k, raw := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, raw = c.Next() {
		d, err := parseDocument(raw)
		if err != nil {
			return fmt.Errorf("the stored shadow of %s is damaged: %w", thing, err)
		}
		visit(bytes.Clone(k), d)
	}
	return nil
}
