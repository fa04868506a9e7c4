package modelstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Errors that a store returns, wrapped with the model, the file and the cure.
var (
	ErrUnknownModel = errors.New("unknown model")
	ErrMissing      = errors.New("model not installed")
	ErrCorrupt      = errors.New("model file corrupt")
)

// Config of a store.
type Config struct {
	Dir      string        // may be read-only, may not exist yet
	Manifest []byte        // the built-in manifest
	Overlay  string        // folder with a manifest.json and files that come before all others; "": none
	Client   *http.Client  // for Pull; http.DefaultClient when nil
	Backoff  time.Duration // first pause before Pull tries again, 500 ms when 0
	Stall    time.Duration // without a byte until Pull tries again, 30 s when 0
	Log      *slog.Logger  // hears of models passed over; discarded when nil
}

// Store is a directory of models. It is safe for concurrent use.
type Store struct {
	cfg    Config
	models []Model
	labels map[string][]string // the lists of all manifests
}

// DefaultDir is where models live when nobody says otherwise:
// $XDG_DATA_HOME/porchlight/models, by default below ~/.local/share.
func DefaultDir() (string, error) {
	base := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // the XDG specification says to ignore relative ones
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no home directory to keep models in: %w: set PORCHLIGHT_MODELS to a directory", err)
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "porchlight", "models"), nil
}

// New returns the store of a directory. A manifest.json in the directory adds
// the owner's own models to the built-in ones; it may not redefine one. That of
// the overlay, which must be there, may.
func New(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("model directory: none given: set PORCHLIGHT_MODELS or --models")
	}
	s := &Store{cfg: cfg, labels: map[string][]string{}}
	if cfg.Client == nil {
		s.cfg.Client = http.DefaultClient
	}
	if cfg.Backoff == 0 {
		s.cfg.Backoff = 500 * time.Millisecond
	}
	if cfg.Stall == 0 {
		s.cfg.Stall = 30 * time.Second
	}
	if cfg.Log == nil {
		s.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := s.add(cfg.Manifest, "built-in manifest"); err != nil {
		return nil, err
	}
	own := filepath.Join(cfg.Dir, "manifest.json")
	data, err := os.ReadFile(own)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("own models: %w", err)
	default:
		if err := s.add(data, own); err != nil {
			return nil, err
		}
	}
	return s, s.overlay()
}

func (s *Store) add(manifest []byte, from string) error {
	m, err := ParseManifest(manifest)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	s.know(m)
	for _, model := range m.Models {
		if _, err := s.Model(model.Name); err == nil {
			return fmt.Errorf("%s: %w: model %q is built in: choose another name", from, ErrManifest, model.Name)
		}
		s.models = append(s.models, model)
	}
	return nil
}

// Dir is the store's directory.
func (s *Store) Dir() string { return s.cfg.Dir }

// Models returns what the manifest lists, in its order.
func (s *Store) Models() []Model { return append([]Model(nil), s.models...) }

// Model returns the model of a name, or ErrUnknownModel naming those there are.
func (s *Store) Model(name string) (Model, error) {
	var names []string
	for _, m := range s.models {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Model{}, fmt.Errorf("%w %q: choose one of %s", ErrUnknownModel, name, strings.Join(names, ", "))
}
