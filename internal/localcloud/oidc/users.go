package oidc

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/bcrypt"
)

// Errors of AddUser.
var (
	ErrUserExists  = errors.New("there already is a user with this e-mail")
	ErrBadEmail    = errors.New("not an e-mail address")
	ErrBadPassword = errors.New("password not accepted")
)

// User is one person who may sign in.
type User struct {
	Sub   string // UUID, the owner everywhere else
	Email string // as it was given
}

// AddUser adds a person and returns their sub. E-mails are told apart without
// regard to case.
func (p *Provider) AddUser(email, password string) (sub string, err error) {
	addr, err := mail.ParseAddress(email)
	if err != nil || addr.Address != email {
		return "", fmt.Errorf("%w: %q", ErrBadEmail, email)
	}
	if err := p.cfg.Pool.Policies.PasswordPolicy.check(password); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), p.cfg.PasswordCost)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	rec := userRecord{Sub: newUUID(), Email: email, Hash: hash}
	v, err := json.Marshal(rec)
	if err != nil {
		return "", err
	}
	err = p.store.db.Update(func(tx *bolt.Tx) error {
		users, key := tx.Bucket([]byte(bucketUsers)), []byte(strings.ToLower(email))
		if users.Get(key) != nil {
			return fmt.Errorf("%w: %s", ErrUserExists, email)
		}
		if err := users.Put(key, v); err != nil {
			return err
		}
		return tx.Bucket([]byte(bucketSubs)).Put([]byte(rec.Sub), key)
	})
	if err != nil {
		return "", err
	}
	return rec.Sub, nil
}

// Users returns everybody, by e-mail.
func (p *Provider) Users() ([]User, error) {
	var users []User
	err := p.store.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketUsers)).ForEach(func(_, v []byte) error {
			var rec userRecord
			if err := json.Unmarshal(v, &rec); err != nil {
				return err
			}
			users = append(users, User{Sub: rec.Sub, Email: rec.Email})
			return nil
		})
	})
	return users, err
}

// userBySub returns false for one who does not exist (any more).
func (p *Provider) userBySub(sub string) (User, bool) {
	var rec userRecord
	err := p.store.db.View(func(tx *bolt.Tx) error {
		email := tx.Bucket([]byte(bucketSubs)).Get([]byte(sub))
		return json.Unmarshal(tx.Bucket([]byte(bucketUsers)).Get(email), &rec)
	})
	return User{Sub: rec.Sub, Email: rec.Email}, err == nil
}

// verify checks a password. It takes as long for an e-mail nobody has.
func (p *Provider) verify(email, password string) (sub string, ok bool) {
	rec := userRecord{Hash: p.decoy}
	err := p.store.db.View(func(tx *bolt.Tx) error {
		return json.Unmarshal(tx.Bucket([]byte(bucketUsers)).Get([]byte(strings.ToLower(email))), &rec)
	})
	matches := bcrypt.CompareHashAndPassword(rec.Hash, []byte(password)) == nil
	return rec.Sub, matches && err == nil
}

// newUUID returns a random UUID (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
