package publish

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Artifact is one file of a component.
type Artifact struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hexadecimal
	Path   string `json:"-"`      // where it lies here
}

// Bounds of an artifact. Greengrass takes 2 GB for all artifacts of a
// component version.
const (
	maxArtifactBytes = 2 << 30
	maxZipFiles      = 5000
)

// ErrArtifact is an artifact that cannot be made.
var ErrArtifact = errors.New("bad artifact")

func newArtifact(path string) (Artifact, error) {
	file, err := os.Open(path)
	if err != nil {
		return Artifact{}, fmt.Errorf("%w: %w", ErrArtifact, err)
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(file, maxArtifactBytes+1))
	if err != nil {
		return Artifact{}, fmt.Errorf("%w: %w", ErrArtifact, err)
	}
	if n > maxArtifactBytes {
		return Artifact{}, fmt.Errorf("%w: %s has more than %d bytes, which Greengrass refuses: leave something out", ErrArtifact, path, maxArtifactBytes)
	}
	return Artifact{Name: filepath.Base(path), Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil)), Path: path}, nil
}

// zipEntry is a file to pack: From on disk becomes Name in the archive.
type zipEntry struct{ name, from string }

// filesBelow lists the files of a folder as entries below name, following
// links to files. A folder that is not there has none.
func filesBelow(folder, name string) (entries []zipEntry, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == folder {
			return fs.SkipAll
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a link to one: remove it", path)
		}
		if len(entries) == maxZipFiles {
			return fmt.Errorf("%s holds more than %d files: was another folder meant?", folder, maxZipFiles)
		}
		inside, err := filepath.Rel(folder, path)
		entries = append(entries, zipEntry{name: name + "/" + filepath.ToSlash(inside), from: path})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrArtifact, err)
	}
	return entries, nil
}

// writeZip packs entries so that the same files make the same bytes: in order
// of their names, without times, all executable. The nucleus sets permissions
// itself, from the recipe.
func writeZip(ctx context.Context, path string, entries []zipEntry) (_ Artifact, err error) {
	out, err := os.Create(path)
	if err != nil {
		return Artifact{}, fmt.Errorf("%w: %w", ErrArtifact, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	entries = slices.SortedFunc(slices.Values(entries), func(a, b zipEntry) int { return cmp.Compare(a.name, b.name) })
	archive := zip.NewWriter(out)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return Artifact{}, err
		}
		if err := addToZip(archive, e); err != nil {
			return Artifact{}, fmt.Errorf("%w: %s: %w", ErrArtifact, path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return Artifact{}, fmt.Errorf("%w: %s: %w", ErrArtifact, path, err)
	}
	return newArtifact(path)
}

func addToZip(archive *zip.Writer, e zipEntry) error {
	header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	w, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	file, err := os.Open(e.from)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}
