package modelstore

import (
	"crypto/sha1" //nolint:gosec // the only hash one upstream publishes; it pins a file, it guards no secret
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
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
	Client   *http.Client  // for Pull; http.DefaultClient when nil
	Backoff  time.Duration // first pause before Pull tries again, 500 ms when 0
	Stall    time.Duration // without a byte until Pull tries again, 30 s when 0
	Log      *slog.Logger  // hears of models passed over; discarded when nil
}

// Store is a directory of models. It is safe for concurrent use.
type Store struct {
	cfg    Config
	models []Model
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
// the owner's own models to the built-in ones; it may not redefine one.
func New(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("model directory: none given: set PORCHLIGHT_MODELS or --models")
	}
	s := &Store{cfg: cfg}
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
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("own models: %w", err)
	}
	return s, s.add(data, own)
}

func (s *Store) add(manifest []byte, from string) error {
	m, err := ParseManifest(manifest)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
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

// Contents are a model's verified bytes.
type Contents struct {
	Weights, Config         []byte
	WeightsPath, ConfigPath string // for messages; the bytes are what was verified
}

// Load reads a model's files and verifies them. The caller uses the bytes, not
// the paths: what was hashed is then what is run. Errors wrap ErrUnknownModel,
// ErrMissing or ErrCorrupt.
func (s *Store) Load(name string) (*Contents, error) {
	m, err := s.Model(name)
	if err != nil {
		return nil, err
	}
	var c Contents
	for _, f := range m.Files {
		path, data, err := s.find(f)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w: run \"porchlight models pull %s\"", m.Name, err, m.Name)
		}
		if f.Role == RoleWeights {
			c.Weights, c.WeightsPath = data, path
		} else {
			c.Config, c.ConfigPath = data, path
		}
	}
	return &c, nil
}

// Verify reports whether every file of a model is there and hashes to what
// the manifest says. Errors are as those of Load.
func (s *Store) Verify(name string) error {
	_, err := s.Load(name)
	return err
}

// find returns the file of that name whose hash is right, or says of the last
// one it saw what is wrong with it.
func (s *Store) find(f File) (path string, data []byte, err error) {
	err = fmt.Errorf("%w: no file %s below %s", ErrMissing, f.Name, s.cfg.Dir)
	for _, candidate := range lookup(s.cfg.Dir, f.Name) {
		data, bad := readVerified(candidate, f)
		if bad == nil {
			return candidate, data, nil
		}
		err = bad
	}
	return "", nil, err
}

// lookup returns the paths of all files of a name below dir. What cannot be
// read is as good as absent.
func lookup(dir, name string) (paths []string) {
	const maxEntries = 20000 // of a directory that was surely not meant
	entries := 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > maxEntries {
			return fs.SkipAll
		}
		if err == nil && d.Name() == name && !d.IsDir() {
			paths = append(paths, path)
		}
		return nil
	})
	return paths
}

func readVerified(path string, f File) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, f.Limit()+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	h := f.hash()
	h.Write(data)
	if err := f.check(int64(len(data)), h); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

func (f File) hash() hash.Hash {
	if f.SHA256 != "" {
		return sha256.New()
	}
	return sha1.New() //nolint:gosec // see the import
}

// check compares a file's size and hash with the manifest.
func (f File) check(size int64, h hash.Hash) error {
	switch want := f.SHA256 + f.SHA1; {
	case size == 0:
		return fmt.Errorf("%w: it is empty", ErrCorrupt)
	case size > f.Limit():
		return fmt.Errorf("%w: it is longer than the %d bytes it should have", ErrCorrupt, f.Limit())
	case size < f.Bytes:
		return fmt.Errorf("%w: it is cut short, %d of %d bytes", ErrCorrupt, size, f.Bytes)
	case hex.EncodeToString(h.Sum(nil)) != strings.ToLower(want):
		return fmt.Errorf("%w: its hash is %x, not %s", ErrCorrupt, h.Sum(nil), want)
	}
	return nil
}
