package modelstore

import (
	"crypto/sha1" //nolint:gosec // the only hash one upstream publishes; it pins a file, it guards no secret
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Network is the verified bytes of one network.
type Network struct {
	Weights, Config         []byte
	WeightsPath, ConfigPath string // for messages; the bytes are what was verified
}

// Contents are a model's verified bytes. Network is that of a model which has
// only one.
type Contents struct {
	Network
	Parts map[string]Network // all of them by File.Part
}

// Load reads a model's files and verifies them. The caller uses the bytes, not
// the paths: what was hashed is then what is run. Errors wrap ErrUnknownModel,
// ErrMissing or ErrCorrupt.
func (s *Store) Load(name string) (*Contents, error) {
	m, err := s.Model(name)
	if err != nil {
		return nil, err
	}
	c := Contents{Parts: map[string]Network{}}
	for _, f := range m.Files {
		path, data, err := s.find(f)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w: run \"porchlight models pull %s\"", m.Name, err, m.Name)
		}
		n := c.Parts[f.Part]
		if f.Role == RoleWeights {
			n.Weights, n.WeightsPath = data, path
		} else {
			n.Config, n.ConfigPath = data, path
		}
		c.Parts[f.Part] = n
	}
	c.Network = c.Parts[""]
	return &c, nil
}

// SHA256 tells networks apart, in hexadecimal: the hash of the weights, or of
// weights and config one after the other where there is a config.
func (n Network) SHA256() string {
	h := sha256.New()
	h.Write(n.Weights)
	h.Write(n.Config)
	return hex.EncodeToString(h.Sum(nil))
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
	for _, dir := range s.dirs() {
		for _, candidate := range lookup(dir, f.Name) {
			data, bad := readVerified(candidate, f)
			if bad == nil {
				return candidate, data, nil
			}
			err = bad
		}
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
