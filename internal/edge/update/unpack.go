package update

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"porchlight/internal/atomicfile"
)

// program is what of a version is run.
const program = "camera"

// Bounds of what is unpacked.
const (
	maxUnpacked = 1 << 30 // bytes
	maxEntries  = 10_000
)

// errArchive is a file that is no version of the software.
var errArchive = errors.New("not a program, nor a tar.gz with one named camera at its top")

// unpack makes a folder of a version: of a tar.gz what is in it, of anything
// else the one program. All of it is on disk when it returns.
func unpack(file, into string, most int64) error {
	if err := os.MkdirAll(into, 0o700); err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	u := &unpacker{root: root, left: most}
	buffered := bufio.NewReader(in)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		err = u.archive(buffered)
	} else {
		err = u.write(program, 0o755, buffered)
	}
	if err != nil {
		return err
	}
	info, err := root.Stat(program)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o100 == 0 {
		return errArchive
	}
	return filepath.WalkDir(into, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return atomicfile.SyncDir(path)
	})
}

// unpacker writes below a folder and never outside it.
type unpacker struct {
	root    *os.Root
	left    int64 // bytes that may still be written
	entries int
}

func (u *unpacker) archive(r io.Reader) error {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errArchive, err)
	}
	for archive := tar.NewReader(zipped); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errArchive, err)
		}
		if u.entries++; u.entries > maxEntries {
			return fmt.Errorf("%w: more than %d entries", errArchive, maxEntries)
		}
		if err := u.entry(entry, archive); err != nil {
			return fmt.Errorf("%.100q: %w", entry.Name, err)
		}
	}
}

func (u *unpacker) entry(entry *tar.Header, r io.Reader) error {
	name := path.Clean(entry.Name)
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%w: a name that leads out of the folder", errArchive)
	}
	switch entry.Typeflag {
	case tar.TypeDir:
		return u.root.MkdirAll(name, 0o755)
	case tar.TypeReg:
		if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		return u.write(name, 0o644|fs.FileMode(entry.Mode)&0o111, r)
	case tar.TypeSymlink: // as libraries have
		if target := path.Join(path.Dir(name), entry.Linkname); path.IsAbs(entry.Linkname) || !filepath.IsLocal(target) {
			return fmt.Errorf("%w: a link that leads out of the folder", errArchive)
		}
		if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		return u.root.Symlink(entry.Linkname, name)
	case tar.TypeXGlobalHeader:
		return nil
	default:
		return fmt.Errorf("%w: neither a file, a folder nor a link", errArchive)
	}
}

func (u *unpacker) write(name string, mode fs.FileMode, r io.Reader) error {
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, u.left+1))
	if u.left -= n; err == nil && u.left < 0 {
		err = fmt.Errorf("%w: there is no room for what it unpacks to", errArchive)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
