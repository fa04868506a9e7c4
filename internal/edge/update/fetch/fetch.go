// Package fetch downloads files whose size and SHA-256 are known: bounded,
// resumed where a download stopped, in this run of the program or an earlier
// one, and never handed out unless the hash is right.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/atomicfile"
	"porchlight/internal/backoff"
	"porchlight/internal/edge/disk"
)

// Errors of a download, wrapped with cause and cure.
var (
	ErrCorrupt = errors.New("not the file that was announced")
	ErrNoSpace = errors.New("not enough free space")
	// ErrRefused is wrapped by a Source to say that asking again is of no use.
	ErrRefused = errors.New("refused for good")
)

// Source opens files by their address.
type Source interface {
	// Open returns the file from byte offset on, and the offset it really
	// begins at: 0 when the source cannot resume.
	Open(ctx context.Context, address string, offset int64) (body io.ReadCloser, from int64, err error)
}

// File is what to download.
type File struct {
	URL    string // https:// or s3://bucket/key
	SHA256 string // 64 hexadecimal digits in lower case
	Size   int64  // bytes, exact
}

// Downloader downloads into a folder. Source, Dir and Log are required.
type Downloader struct {
	Source   Source
	Dir      string                      // what is in it, is a download or part of one
	Reserve  int64                       // bytes to leave free on the disk
	Free     func(string) (int64, error) // default disk.Free
	Attempts int                         // in a row without a byte of progress; default 30
	Backoff  time.Duration               // first pause before another attempt; default 1 s
	Longest  time.Duration               // longest pause; default 1 min
	Stall    time.Duration               // without a byte until an attempt is given up; default 30 s
	Log      *slog.Logger
}

func (d Downloader) withDefaults() Downloader {
	if d.Free == nil {
		d.Free = disk.Free
	}
	if d.Attempts == 0 {
		d.Attempts = 30
	}
	if d.Backoff == 0 {
		d.Backoff = time.Second
	}
	if d.Longest == 0 {
		d.Longest = time.Minute
	}
	if d.Stall == 0 {
		d.Stall = 30 * time.Second
	}
	return d
}

// Get downloads a file and returns where it is. One that is there already is
// not fetched again. progress hears of the bytes there are. Errors wrap
// ErrCorrupt, ErrNoSpace, ErrRefused, ctx's, or say why the last attempt failed.
func (d Downloader) Get(ctx context.Context, f File, progress func(done int64)) (path string, err error) {
	d = d.withDefaults()
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(d.Dir, f.SHA256)
	if d.whole(path, f) == nil {
		return path, nil
	}
	part, err := os.OpenFile(path+".part", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer part.Close()
	resumed, err := length(part)
	if err != nil {
		return "", err
	}
	if err := d.room(f, resumed); err != nil {
		return "", err
	}
	for {
		if err := d.fill(ctx, part, f, progress); err != nil {
			return "", err
		}
		err := errors.Join(part.Sync(), d.whole(part.Name(), f))
		if err == nil {
			break
		}
		// Nothing in it can be trusted. When part of it was there before, that
		// may have been to blame: once more from the start.
		if cut := part.Truncate(0); cut != nil || resumed == 0 {
			os.Remove(part.Name())
			return "", errors.Join(err, cut)
		}
		resumed = 0
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return "", err
	}
	return path, atomicfile.SyncDir(d.Dir)
}

// room says whether what is missing of the file fits.
func (d Downloader) room(f File, have int64) error {
	free, err := d.Free(d.Dir)
	if err != nil {
		return err
	}
	if need := max(f.Size-have, 0) + d.Reserve; free < need {
		return fmt.Errorf("%w: %d bytes are needed and %d are free: remove something", ErrNoSpace, need, free)
	}
	return nil
}

// fill completes the part file, in as many attempts as bring it on.
func (d Downloader) fill(ctx context.Context, part *os.File, f File, progress func(int64)) error {
	pause := d.Backoff
	for attempt := 1; ; attempt++ {
		before, err := length(part)
		if err != nil {
			return err
		}
		if before >= f.Size {
			return nil // whole or hopeless: the hash will tell
		}
		err = d.transfer(ctx, part, f, before, progress)
		if err == nil {
			continue // which finds that it is whole, or cut short
		}
		var broken *fs.PathError
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &broken), errors.Is(err, ErrRefused), errors.Is(err, ErrNoSpace):
			return err
		}
		if after, _ := length(part); after > before {
			attempt, pause = 0, d.Backoff // it moves
		}
		if attempt >= d.Attempts {
			return fmt.Errorf("given up after %d attempts: %w", attempt, err)
		}
		d.Log.Warn("download stopped, will try again", "bytes", before, "of", f.Size, "error", err)
		if backoff.Pause(ctx, backoff.Jitter(pause)); ctx.Err() != nil {
			return err
		}
		pause = min(2*pause, d.Longest)
	}
}

// errShort is a file that ends too early.
var errShort = errors.New("the file ends too early")

// transfer appends what a source gives, and never more than is announced.
func (d Downloader) transfer(ctx context.Context, part *os.File, f File, have int64, progress func(int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.Stall, func() { cancel(fmt.Errorf("nothing arrived for %v", d.Stall)) })
	defer watch.Stop()
	body, from, err := d.Source.Open(ctx, f.URL, have)
	if err != nil {
		return because(ctx, err)
	}
	defer body.Close()
	if err := part.Truncate(from); err != nil {
		return err
	}
	if _, err := part.Seek(from, io.SeekStart); err != nil {
		return err
	}
	done := from
	_, err = io.Copy(writerFunc(func(p []byte) (int, error) {
		watch.Reset(d.Stall)
		n, err := part.Write(p)
		done += int64(n)
		progress(done)
		return n, err
	}), io.LimitReader(body, f.Size-from))
	if err != nil {
		return because(ctx, err)
	}
	if done < f.Size {
		return fmt.Errorf("%w: %d of %d bytes", errShort, done, f.Size)
	}
	return nil
}

// because prefers why a context ended to what came of it.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// whole says whether a file is the one that was announced.
func (d Downloader) whole(path string, f File) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); n != f.Size || sum != f.SHA256 {
		return fmt.Errorf("%w: %d bytes with the SHA-256 %s, want %d with %s", ErrCorrupt, n, sum, f.Size, f.SHA256)
	}
	return nil
}

func length(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
