// Package registry keeps what AWS IoT Core's registry keeps: certificates,
// things, which thing a certificate may speak for, which policies it carries,
// and the claims and ownership tokens of fleet provisioning.
//
// All of it is one file, replaced as a whole by every change, so that a crash
// leaves a change done or not done. Readers never wait for a writer.
//
// Source: the AWS IoT API reference (operations on certificates, things and
// principals) and "Device provisioning MQTT API" of the developer guide.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/atomicfile"
)

// Errors of the registry; what wraps them says which name is meant.
var (
	ErrNotFound       = errors.New("not found")
	ErrExists         = errors.New("exists already with other properties")
	ErrInvalid        = errors.New("invalid request")
	ErrState          = errors.New("the certificate is not in a state for this")
	ErrDeleteConflict = errors.New("still in use")
	ErrVersion        = errors.New("the thing has changed since: read it again")
	ErrLimit          = errors.New("limit reached")
	ErrThrottled      = errors.New("too many requests")
	ErrToken          = errors.New("the certificate ownership token is unknown, used or expired")
)

// Bounds of one registry.
const (
	maxThings       = 5000
	maxCertificates = 5000
	maxClaims       = 1000
)

// Limits of AWS IoT Core ("AWS IoT Core endpoints and quotas").
const (
	maxPolicies   = 10 // per certificate
	maxPrincipals = 10 // things per certificate
)

// Config of a registry.
type Config struct {
	Dir string // holds registry.json and is there already
	Now func() time.Time
	// Changed is called after a change that may end or narrow what live
	// connections of a certificate may do; it may read the registry.
	Changed func(certificateID string)
}

// Registry is safe for concurrent use.
type Registry struct {
	cfg   Config
	mu    sync.Mutex // held by the one writer
	state atomic.Pointer[state]
}

// state is never changed in place, and neither are the values in its maps.
type state struct {
	Version      int                    `json:"version"`
	Things       map[string]Thing       `json:"things"`       // by name
	Certificates map[string]Certificate `json:"certificates"` // by id
	Claims       map[string]Claim       `json:"claims"`       // by certificate id
}

// version of the file's form. The first form had none.
const version = 2

// Open reads the registry, or starts an empty one.
func Open(cfg Config) (*Registry, error) {
	r := &Registry{cfg: cfg}
	if r.cfg.Now == nil {
		r.cfg.Now = time.Now
	}
	if r.cfg.Changed == nil {
		r.cfg.Changed = func(string) {}
	}
	r.state.Store(&state{Version: version, Things: map[string]Thing{}, Certificates: map[string]Certificate{}, Claims: map[string]Claim{}})
	b, err := os.ReadFile(r.path())
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the registry of things: %w", err)
	}
	s, err := parse(b, cfg.Dir, r.cfg.Now())
	if err != nil {
		return nil, fmt.Errorf("the registry of things %s is damaged (%w): restore it, or remove it and register every thing again", r.path(), err)
	}
	r.state.Store(s)
	return r, nil
}

func (r *Registry) path() string { return filepath.Join(r.cfg.Dir, "registry.json") }

// change applies f to a copy of the state, writes it and then adopts it. After
// an error nothing has changed.
func (r *Registry) change(f func(s *state, now time.Time) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, now := r.state.Load(), r.cfg.Now().UTC().Truncate(time.Second)
	next := &state{
		Version: version, Things: maps.Clone(old.Things),
		Certificates: maps.Clone(old.Certificates), Claims: maps.Clone(old.Claims),
	}
	next.expire(now)
	if err := f(next, now); err != nil {
		return err
	}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(r.path(), b, 0o600); err != nil {
		return err
	}
	r.state.Store(next)
	return nil
}

// expire forgets what has run out: claims, and certificates that were never
// taken up by provisioning.
func (s *state) expire(now time.Time) {
	maps.DeleteFunc(s.Claims, func(_ string, c Claim) bool { return !now.Before(c.Expires) })
	maps.DeleteFunc(s.Certificates, func(_ string, c Certificate) bool {
		return c.Pending != nil && !now.Before(c.Pending.Expires) && c.Status == Pending && len(c.Policies) == 0 && len(c.Things) == 0
	})
}
