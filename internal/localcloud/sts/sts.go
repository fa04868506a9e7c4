package sts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Reasons why a key signs for nobody.
var (
	ErrUnknownKey   = errors.New("the access key id is not known here")
	ErrInvalidToken = errors.New("the session token is missing, altered or belongs to another key")
	ErrExpired      = errors.New("the session token has expired: ask for new credentials")
)

// MaxTTL is the longest a role session may last, as on AWS.
const MaxTTL = 12 * time.Hour

// Credentials sign requests. SessionToken and Expiration are empty for root.
type Credentials struct {
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token,omitempty"`
	Expiration      time.Time `json:"expiration,omitzero"`
}

// Principal is who signed a request.
type Principal struct {
	ARN         string // of root, or of the assumed-role session
	AccountID   string
	UserID      string
	Root        bool
	RoleARN     string            // empty for root
	SessionName string            // empty for root
	Vars        map[string]string // policy variables, for example credentials-iot:ThingName
	AccessKeyID string
	Expires     time.Time // zero for root
}

// Config says where keys live and for which account they stand.
type Config struct {
	Dir       string // made if missing; holds keys.json, readable by its owner alone
	AccountID string
	Partition string           // "aws" when empty
	Now       func() time.Time // time.Now when nil
}

// Service issues and looks up credentials. It is safe for concurrent use.
type Service struct {
	cfg  Config
	keys keys
}

// session is what a session token seals.
type session struct {
	AccessKeyID string            `json:"k"`
	RoleARN     string            `json:"r"`
	Name        string            `json:"n"`
	Vars        map[string]string `json:"v,omitempty"`
	Expires     int64             `json:"e"` // Unix seconds
}

// Open reads the keys in cfg.Dir, making them at first start.
func Open(cfg Config) (*Service, error) {
	if cfg.Partition == "" {
		cfg.Partition = "aws"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	k, err := loadKeys(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, keys: k}, nil
}

// Admin returns the root key pair, for the operator's own tools.
func (s *Service) Admin() Credentials { return s.keys.Admin }

// Issue makes credentials for a session of a role that last ttl, at most MaxTTL.
func (s *Service) Issue(roleARN, sessionName string, vars map[string]string, ttl time.Duration) (Credentials, error) {
	if !strings.Contains(roleARN, ":role/") || sessionName == "" {
		return Credentials{}, fmt.Errorf("a session needs a role ARN and a name, not %q and %q", roleARN, sessionName)
	}
	if ttl <= 0 || ttl > MaxTTL {
		return Credentials{}, fmt.Errorf("a session lasts up to %s, not %s", MaxTTL, ttl)
	}
	expires := s.cfg.Now().Add(ttl).UTC().Truncate(time.Second)
	id := "ASIA" + randomID()
	payload, err := json.Marshal(session{AccessKeyID: id, RoleARN: roleARN, Name: sessionName, Vars: vars, Expires: expires.Unix()})
	if err != nil {
		return Credentials{}, fmt.Errorf("session: %w", err)
	}
	return Credentials{
		AccessKeyID: id, SecretAccessKey: s.secret(id), Expiration: expires,
		SessionToken: base64.RawURLEncoding.EncodeToString(payload) + "." +
			base64.RawURLEncoding.EncodeToString(s.mac("token", payload)),
	}, nil
}

// Lookup tells who a key id and session token stand for, and the secret they sign with.
func (s *Service) Lookup(accessKeyID, sessionToken string) (Principal, string, error) {
	admin := s.keys.Admin
	if accessKeyID == admin.AccessKeyID {
		if sessionToken != "" {
			return Principal{}, "", ErrInvalidToken
		}
		return Principal{
			ARN:       fmt.Sprintf("arn:%s:iam::%s:root", s.cfg.Partition, s.cfg.AccountID),
			AccountID: s.cfg.AccountID, UserID: s.cfg.AccountID, Root: true, AccessKeyID: accessKeyID,
		}, admin.SecretAccessKey, nil
	}
	if !strings.HasPrefix(accessKeyID, "ASIA") {
		return Principal{}, "", ErrUnknownKey
	}
	sess, err := s.open(sessionToken)
	if err != nil {
		return Principal{}, "", err
	}
	if subtle.ConstantTimeCompare([]byte(sess.AccessKeyID), []byte(accessKeyID)) != 1 {
		return Principal{}, "", ErrInvalidToken
	}
	expires := time.Unix(sess.Expires, 0).UTC()
	if !s.cfg.Now().Before(expires) {
		return Principal{}, "", ErrExpired
	}
	role := sess.RoleARN[strings.LastIndex(sess.RoleARN, "/")+1:]
	return Principal{
		ARN:       fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", s.cfg.Partition, s.cfg.AccountID, role, sess.Name),
		AccountID: s.cfg.AccountID, UserID: "AROA" + strings.ToUpper(role) + ":" + sess.Name,
		RoleARN: sess.RoleARN, SessionName: sess.Name, Vars: sess.Vars, AccessKeyID: accessKeyID, Expires: expires,
	}, s.secret(accessKeyID), nil
}

// open checks the seal of a token and reads it.
func (s *Service) open(token string) (session, error) {
	body, seal, ok := strings.Cut(token, ".")
	if !ok {
		return session{}, ErrInvalidToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return session{}, ErrInvalidToken
	}
	mac, err := base64.RawURLEncoding.DecodeString(seal)
	if err != nil || !hmac.Equal(mac, s.mac("token", payload)) {
		return session{}, ErrInvalidToken
	}
	var sess session
	if err := json.Unmarshal(payload, &sess); err != nil {
		return session{}, ErrInvalidToken
	}
	return sess, nil
}

func (s *Service) secret(accessKeyID string) string {
	return base64.StdEncoding.EncodeToString(s.mac("secret", []byte(accessKeyID)))[:40]
}

// mac seals under the key for one purpose, so that a seal for one is none for another.
func (s *Service) mac(purpose string, data []byte) []byte {
	h := hmac.New(sha256.New, s.keys.Seal)
	h.Write([]byte(purpose + "\x00"))
	h.Write(data)
	return h.Sum(nil)
}

func randomID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return base32.StdEncoding.EncodeToString(b[:])
}

type principalKey struct{}

// WithPrincipal returns a context that carries who signed the request.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns who signed the request a context belongs to.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
