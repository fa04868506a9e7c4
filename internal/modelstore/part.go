package modelstore

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// A part file is a download under way, beside the name it will get.

func verifyPart(part *os.File, f File) error {
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := f.hash()
	n, err := io.Copy(h, part)
	if err != nil {
		return err
	}
	return f.check(n, h)
}

func size(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// openPart opens or creates a part file and locks it against other processes.
func openPart(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot write models: %w: choose another directory with --models", err)
	}
	part, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write models: %w: choose another directory with --models", err)
	}
	if err := syscall.Flock(int(part.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		part.Close()
		return nil, fmt.Errorf("%s is being written by another process: wait for it", path)
	}
	return part, nil
}

// commit makes a verified part file durable under its final name.
func commit(part *os.File, path string) error {
	if err := part.Sync(); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
