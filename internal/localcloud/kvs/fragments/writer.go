package fragments

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"porchlight/internal/localcloud/kvs/mkv"
)

// Writer writes one fragment. Commit or Abort ends it.
type Writer struct {
	store  *Store
	stream Stream
	file   *os.File
	out    *bufio.Writer
	buf    []byte
	blocks int

	Fragment Fragment // Number and Server are set from the start
}

// Begin gives a fragment its number and opens its file. Until it is committed it does not count.
func (s *Store) Begin(stream Stream, header *mkv.Header, f Fragment) (*Writer, error) {
	f.Number, f.Server = s.number(stream.ARN)
	f.Codec = codec(header.Tracks)
	dir := s.dir(stream.ARN)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, f.Number+".part"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w := &Writer{store: s, stream: stream, file: file, out: bufio.NewWriterSize(file, 256<<10), Fragment: f}
	head := mkv.AppendHeader(nil, header.RawTracks)
	w.Fragment.TagsAt = int64(len(head))
	head = mkv.AppendTags(head, f.Tags)
	w.Fragment.ClusterAt = int64(len(head))
	head = mkv.AppendCluster(head, uint64(max(f.Producer.UnixMilli(), 0)))
	return w, w.write(head)
}

// codec tells the same for tracks that one player can go on playing. What else
// a track has, as its UID, may differ from one upload to the next.
func codec(tracks []mkv.Track) string {
	sum := sha256.New()
	for _, t := range tracks {
		fmt.Fprintf(sum, "%d %d %q %x %d %d %v %d\n", t.Number, t.Type, t.CodecID, t.CodecPrivate, t.Width, t.Height, t.SampleRate, t.Channels)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// Block adds a frame at a time after the fragment's start. A failed write must be followed by Abort.
func (w *Writer) Block(track uint64, at time.Duration, key bool, data []byte) error {
	ms := at.Milliseconds()
	if !mkv.FitsBlock(ms) {
		return fmt.Errorf("%w: a frame lies %s from its cluster", mkv.ErrInvalid, at)
	}
	w.blocks++
	w.Fragment.Early = max(w.Fragment.Early, -at)
	w.buf = mkv.AppendBlockHeader(w.buf[:0], track, int16(ms), key, len(data))
	if err := w.write(w.buf); err != nil {
		return err
	}
	return w.write(data)
}

func (w *Writer) write(b []byte) error {
	n, err := w.out.Write(b)
	w.Fragment.Bytes += int64(n)
	return err
}

// Commit makes the fragment durable and visible. work asks that it is listed by
// Work until Done says that it was seen to.
func (w *Writer) Commit(length time.Duration, work bool) (Fragment, error) {
	f := &w.Fragment
	f.Length = length
	if w.blocks == 0 {
		return *f, errors.Join(errUncommitted, w.Abort())
	}
	part, path := w.file.Name(), w.store.path(w.stream.ARN, f.Number)
	err := errors.Join(w.out.Flush(), w.file.Sync(), w.file.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err == nil {
		err = w.index(work)
	}
	if err != nil {
		return *f, errors.Join(err, remove(part), remove(path))
	}
	w.store.added(f.Bytes)
	w.store.announce(w.stream.ARN)
	return *f, nil
}

func (w *Writer) index(work bool) error {
	f := &w.Fragment
	return w.store.db.Update(func(tx *bolt.Tx) (err error) {
		stream, err := find(tx, w.stream.ARN)
		if err != nil {
			return ErrRetired
		}
		f.Kept = stream.RetentionHours > 0
		numbers, times := tx.Bucket(bucketFragments).Bucket([]byte(stream.ARN)), tx.Bucket(bucketTimes).Bucket([]byte(stream.ARN))
		if f.Ordinal, err = numbers.NextSequence(); err != nil {
			return err
		}
		if work {
			if err := tx.Bucket(bucketWork).Put([]byte(stream.ARN+" "+f.Number), nil); err != nil {
				return err
			}
		}
		if err := times.Put(timeKey(f.Producer, f.Number), nil); err != nil {
			return err
		}
		return put(numbers, f.Number, f)
	})
}

// Abort drops the fragment.
func (w *Writer) Abort() error {
	w.file.Close()
	return remove(w.file.Name())
}

// number gives the next fragment number of a stream: its server time in
// milliseconds stands in it, so that numbers sort by it.
func (s *Store) number(arn string) (string, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	if last := s.last[arn]; now.Before(last) {
		now = last // a clock that is set back does not turn the order round
	}
	s.last[arn] = now
	s.count++
	return numberPrefix + fmt.Sprintf("%013d%021d", now.UnixMilli(), s.count), now
}

// numberPrefix begins the numbers of the real service too.
const numberPrefix = "9134385233318"

// numberFrom is not larger than any number given at or after t.
func numberFrom(t time.Time) string {
	return numberPrefix + fmt.Sprintf("%013d", max(t.UnixMilli(), 0))
}

func timeKey(t time.Time, number string) []byte {
	// The sign bit is turned so that times before 1970 sort first.
	return append(binary.BigEndian.AppendUint64(nil, uint64(t.UnixMilli())^1<<63), number...)
}

// dir is a stream's folder: names may hold anything that a folder's may not.
func (s *Store) dir(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return filepath.Join(s.cfg.Dir, hex.EncodeToString(sum[:12]))
}

func (s *Store) path(arn, number string) string { return filepath.Join(s.dir(arn), number+".mkv") }

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes a rename durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
