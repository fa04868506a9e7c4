package secrets

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"porchlight/internal/localcloud/awsapi"
)

// ErrNoValue means that a secret is neither given nor generated.
var ErrNoValue = errors.New("the secret has neither GenerateSecretString nor SecretString")

// Config says where secrets live.
type Config struct {
	Dir string           // made if missing; holds secrets.json
	Now func() time.Time // time.Now when nil
}

// Properties is what is honored of AWS::SecretsManager::Secret.
type Properties struct {
	Description          string
	SecretString         string
	GenerateSecretString *Generate
}

// secret is one stored secret.
type secret struct {
	Name, Description, Value, VersionID string
	Created                             time.Time
}

// Store keeps the secrets. It is safe for concurrent use.
type Store struct {
	cfg     Config
	path    string
	mu      sync.RWMutex
	secrets map[string]secret // by ARN
}

// Open reads the secrets in cfg.Dir.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	s := &Store{cfg: cfg, path: filepath.Join(cfg.Dir, "secrets.json"), secrets: map[string]secret{}}
	raw, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	if err := json.Unmarshal(raw, &s.secrets); err != nil {
		return nil, fmt.Errorf("secrets: %s is damaged: restore it, or remove it to generate new ones: %w", s.path, err)
	}
	return s, nil
}

// Provision makes the secret unless there is one under that ARN already.
func (s *Store) Provision(arn, name string, p Properties) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.secrets[arn]; ok {
		return nil
	}
	value := p.SecretString
	if p.GenerateSecretString != nil {
		var err error
		if value, err = p.GenerateSecretString.value(); err != nil {
			return fmt.Errorf("secret %s: %w", name, err)
		}
	}
	if value == "" {
		return fmt.Errorf("secret %s: %w", name, ErrNoValue)
	}
	s.secrets[arn] = secret{Name: name, Description: p.Description, Value: value, VersionID: awsapi.NewRequestID(), Created: s.cfg.Now().UTC()}
	if err := s.save(); err != nil {
		delete(s.secrets, arn)
		return fmt.Errorf("secret %s: %w", name, err)
	}
	return nil
}

// save replaces the file in one step, so that a crash leaves the old one or the new one, whole.
func (s *Store) save() error {
	raw, err := json.Marshal(s.secrets)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.path), ".new-*") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.path)
}

// ARN returns the ARN of the secret with that name or ARN, whole or without
// its random ending; an unknown one comes back as it is.
func (s *Store) ARN(id string) string {
	if arn, _, ok := s.find(id); ok {
		return arn
	}
	return id
}

func (s *Store) find(id string) (string, secret, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sec, ok := s.secrets[id]; ok {
		return id, sec, true
	}
	for arn, sec := range s.secrets {
		if sec.Name == id || strings.HasPrefix(id, "arn:") && arn[:len(arn)-min(len(arn), 7)] == id {
			return arn, sec, true
		}
	}
	return "", secret{}, false
}
