package oidc

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Buckets of the file.
const (
	bucketKeys    = "keys"           // "signing" → PKCS #8
	bucketUsers   = "users"          // e-mail, lower case → userRecord
	bucketSubs    = "subs"           // sub → e-mail
	bucketRefresh = "refresh_tokens" // SHA-256 of the token → refreshRecord
)

type userRecord struct {
	Sub   string `json:"sub"`
	Email string `json:"email"`
	Hash  []byte `json:"hash"` // bcrypt
}

type refreshRecord struct {
	Sub      string    `json:"sub"`
	Client   string    `json:"client"`
	Scopes   []string  `json:"scopes"`
	AuthTime time.Time `json:"auth_time"`
	Expires  time.Time `json:"expires"`
}

type store struct {
	db  *bolt.DB
	key *rsa.PrivateKey
	kid string
}

func openStore(path string) (*store, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open %s (is another Porchlight running with the same data directory?): %w", path, err)
	}
	s := &store{db: db}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{bucketKeys, bucketUsers, bucketSubs, bucketRefresh} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return s.loadKey(tx.Bucket([]byte(bucketKeys)))
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), db.Close())
	}
	return s, nil
}

func (s *store) close() error { return s.db.Close() }

func (s *store) loadKey(b *bolt.Bucket) error {
	der := b.Get([]byte("signing"))
	if der == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return err
		}
		if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return err
		}
		if err := b.Put([]byte("signing"), der); err != nil {
			return err
		}
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	var ok bool
	if s.key, ok = key.(*rsa.PrivateKey); !ok {
		return errors.New("signing key is not RSA")
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&s.key.PublicKey))
	s.kid = hex.EncodeToString(sum[:8])
	return nil
}

// saveRefresh stores a token and forgets those that have expired.
func (s *store) saveRefresh(token string, r refreshRecord) error {
	v, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucketRefresh))
		if err := deleteRefresh(b, func(other refreshRecord) bool { return time.Now().After(other.Expires) }); err != nil {
			return err
		}
		return b.Put(tokenKey(token), v)
	})
}

// refresh returns what a token stands for; false when it is void.
func (s *store) refresh(token string) (refreshRecord, bool) {
	var r refreshRecord
	err := s.db.View(func(tx *bolt.Tx) error {
		return json.Unmarshal(tx.Bucket([]byte(bucketRefresh)).Get(tokenKey(token)), &r)
	})
	return r, err == nil && time.Now().Before(r.Expires)
}

func (s *store) revoke(token string) error {
	return s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketRefresh)).Delete(tokenKey(token)) })
}

func (s *store) revokeAll(sub, clientID string) error {
	return s.db.Update(func(tx *bolt.Tx) error {
		return deleteRefresh(tx.Bucket([]byte(bucketRefresh)), func(r refreshRecord) bool { return r.Sub == sub && r.Client == clientID })
	})
}

func deleteRefresh(b *bolt.Bucket, which func(refreshRecord) bool) error {
	var keys [][]byte
	err := b.ForEach(func(k, v []byte) error {
		var r refreshRecord
		if json.Unmarshal(v, &r) != nil || which(r) {
			keys = append(keys, bytes.Clone(k))
		}
		return nil
	})
	for _, k := range keys {
		err = errors.Join(err, b.Delete(k))
	}
	return err
}

func tokenKey(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
