package gallery

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// maxFile bounds a gallery file, in bytes: the most persons with the most
// pictures of 512 numbers.
const maxFile = 96 << 20

// File is a gallery on disk, readable by its owner alone. It is safe for
// concurrent use, by several processes too.
type File struct {
	path string

	mu      sync.Mutex
	seen    fs.FileInfo // of what current was read from; nil: there was no file
	current *Gallery
}

// DefaultPath is where the gallery is when nobody says otherwise:
// $XDG_DATA_HOME/porchlight/faces.json, by default below ~/.local/share.
func DefaultPath() (string, error) {
	base := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // the XDG specification says to ignore relative ones
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no home directory to keep faces in: %w: name a file with --gallery", err)
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "porchlight", "faces.json"), nil
}

// At returns the gallery of a path, where there need not be a file yet.
func At(path string) *File { return &File{path: path} }

// Path is where it is.
func (f *File) Path() string { return f.path }

// Current returns the gallery, read anew when the file has changed: who is
// removed by one process is soon unknown to the others. Errors wrap ErrFile or
// those of reading.
func (f *File) Current() (*Gallery, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.current, f.seen = Empty(), nil
		return f.current, nil
	case err != nil:
		return nil, fmt.Errorf("read the gallery: %w", err)
	case f.seen != nil && os.SameFile(f.seen, info) && f.seen.ModTime().Equal(info.ModTime()) && f.seen.Size() == info.Size():
		return f.current, nil
	}
	g, info, err := read(f.path)
	if err != nil {
		return nil, err
	}
	f.current, f.seen = g, info
	return g, nil
}

func read(path string) (*Gallery, fs.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the gallery: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read the gallery: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, nil, fmt.Errorf("%w: %s: want a file of at most %d bytes", ErrFile, path, maxFile)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, nil, fmt.Errorf("read the gallery: %w", err)
	}
	g, err := Decode(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: restore %s from a backup, or delete it and enroll again", err, path)
	}
	return g, info, nil
}

// Update replaces the gallery by what change makes of it. Another process that
// wants to do the same waits; a crash leaves the old gallery or the new one.
// Errors are those of Current, of change and of writing.
func (f *File) Update(change func(*Gallery) (*Gallery, error)) error {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the gallery: %w: name another file with --gallery", err)
	}
	lock, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write the gallery: %w: name another file with --gallery", err)
	}
	defer lock.Close() // which unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("write the gallery: lock %s: %w", lock.Name(), err)
	}
	old, err := f.Current()
	if err != nil {
		return err
	}
	changed, err := change(old)
	if err != nil {
		return err
	}
	data, err := changed.Encode()
	if err != nil {
		return fmt.Errorf("write the gallery: %w", err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("%w: %d bytes, the most is %d: remove somebody", ErrFull, len(data), maxFile)
	}
	if err := replace(f.path, data); err != nil {
		return fmt.Errorf("write the gallery: %w", err)
	}
	return nil
}

// replace writes a file whole or not at all. What it writes to first has always
// the same name, so that a crash leaves no faces that nobody knows of.
func replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	part, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	if _, err := part.Write(data); err != nil {
		return err
	}
	if err := part.Sync(); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
