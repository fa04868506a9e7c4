package modelstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// PullOptions of one Pull.
type PullOptions struct {
	// Mirror, when set, is used instead of the manifest's addresses: a
	// directory with the files anywhere below it, or an http(s) address below
	// which they lie by file name.
	Mirror string
	// Progress, when set, hears of bytes as they arrive. It is called on
	// Pull's goroutine.
	Progress func(Progress)
}

// Progress of one file.
type Progress struct {
	File  string
	Done  int64 // bytes on disk so far
	Total int64 // bytes in all, an upper bound where the exact size is unknown
}

// Pull fetches what is missing of a model and verifies it. An interrupted
// download is resumed where it stopped; a file appears under its name only
// when it is whole and its hash is right. Errors wrap ErrUnknownModel,
// ErrCorrupt, the context's error, or say which address failed and how.
func (s *Store) Pull(ctx context.Context, name string, opt PullOptions) error {
	m, err := s.Model(name)
	if err != nil {
		return err
	}
	for _, f := range m.Files {
		if _, _, err := s.find(f); err == nil {
			continue
		}
		if err := s.pullFile(ctx, m, f, opt); err != nil {
			return fmt.Errorf("pull %s: %s: %w", m.Name, f.Name, err)
		}
	}
	return nil
}

func (s *Store) pullFile(ctx context.Context, m Model, f File, opt PullOptions) error {
	sources, err := s.sources(f, opt.Mirror)
	if err != nil {
		return err
	}
	part, err := openPart(s.partPath(m, f))
	if err != nil {
		return err
	}
	defer part.Close()
	report := func(done int64) {
		if opt.Progress != nil {
			opt.Progress(Progress{File: f.Name, Done: done, Total: f.Limit()})
		}
	}
	var failed error
	for _, src := range sources {
		err := fill(ctx, part, f, src, report)
		if err == nil {
			return commit(part, s.path(m, f))
		}
		failed = errors.Join(failed, fmt.Errorf("from %s: %w", src, err))
		if ctx.Err() != nil {
			break // what arrived stays for the next time
		}
	}
	return failed
}

// source is a place that one file can come from.
type source interface {
	// open returns the file from byte offset on, and the offset it really
	// begins at: 0 when the source cannot resume.
	open(ctx context.Context, offset int64) (body io.ReadCloser, from int64, err error)
	// retry waits before another attempt after n failed ones, the last with
	// err, or returns false when trying again is pointless.
	retry(ctx context.Context, n int, err error) bool
	String() string
}

// fill completes the part file from one source and verifies it.
func fill(ctx context.Context, part *os.File, f File, src source, report func(int64)) error {
	for attempt := 0; ; {
		before, err := size(part)
		if err != nil {
			return err
		}
		err = transfer(ctx, part, f, src, report)
		if err == nil {
			err = verifyPart(part, f)
			if err == nil {
				return nil
			}
			// Nothing in the file can be trusted. When part of it was there
			// before, that may have been to blame: once more from the start.
			if cut := part.Truncate(0); cut != nil {
				return cut
			}
			if before > 0 && ctx.Err() == nil {
				continue
			}
			os.Remove(part.Name())
			return err
		}
		var disk *fs.PathError
		if errors.As(err, &disk) {
			return err
		}
		if after, _ := size(part); after > before {
			attempt = 0 // it moves
		}
		attempt++
		if !src.retry(ctx, attempt, err) {
			return err
		}
	}
}

// transfer appends to the part file what it lacks, and never more than the
// file may have.
func transfer(ctx context.Context, part *os.File, f File, src source, report func(int64)) error {
	have, err := size(part)
	if err != nil {
		return err
	}
	if have > f.Limit() || (have > 0 && have == f.Bytes) {
		return nil // whole or hopeless: the hash will tell
	}
	body, from, err := src.open(ctx, have)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := part.Truncate(from); err != nil {
		return err
	}
	if _, err := part.Seek(from, io.SeekStart); err != nil {
		return err
	}
	report(from)
	done := from
	w := writerFunc(func(p []byte) (int, error) {
		n, err := part.Write(p)
		done += int64(n)
		report(done)
		return n, err
	})
	// One byte over the limit is enough to know that it is the wrong file.
	if _, err := io.Copy(w, io.LimitReader(body, f.Limit()+1-from)); err != nil {
		return err
	}
	return ctx.Err()
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }
