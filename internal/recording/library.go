package recording

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// LibraryConfig describes where recordings are kept. Dir, Free and Log are
// required.
type LibraryConfig struct {
	Dir string
	// Free returns how many bytes may still be written below a folder.
	Free    func(dir string) (int64, error)
	MinFree int64 // bytes that recordings leave free on the disk; 1 GiB when 0
	// Limits are those of cameras for which SetLimits has set none, such as
	// former ones.
	Limits Limits
	Log    *slog.Logger
	Now    func() time.Time // for tests; default time.Now
}

// Limits bound one camera's recordings.
type Limits struct {
	Keep     Keep
	MaxBytes int64 // 0: as much as there is room
}

// Library is the recordings of all cameras of this machine. It is safe for
// concurrent use.
type Library struct {
	cfg      LibraryConfig
	lock     *os.File // nil when it is only read
	readOnly bool
	began    time.Time

	mu      sync.Mutex
	cameras map[string]*shelf
	cache   []*file // closed ones with an index, the most recently used last
	clock   clock
	said    time.Time // that room had to be made
	away    bool      // the folder is not the one that was opened
	closed  bool
}

// Open opens the recordings in cfg.Dir, which is created if need be, and
// repairs what a crash has left. It fails with ErrBusy or the disk's error.
// Single files that cannot be read are left alone, and said.
func Open(cfg LibraryConfig) (*Library, error) {
	if cfg.MinFree == 0 {
		cfg.MinFree = 1 << 30
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open recordings: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open recordings in %s: %w", cfg.Dir, err)
	}
	l := &Library{cfg: cfg, lock: lock, began: cfg.Now(), cameras: make(map[string]*shelf)}
	if err := l.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open recordings in %s: %w", cfg.Dir, err), lock.Close())
	}
	return l, nil
}

// lockDir keeps a second process from repairing files that this one writes.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: stop that one first", ErrBusy)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close lets go of the folder. Recorders must have ended.
func (l *Library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.lock == nil {
		return nil
	}
	return l.lock.Close()
}

// SetLimits sets how much of a camera's recordings is kept. It fails with
// ErrCamera.
func (l *Library) SetLimits(camera string, limits Limits) error {
	if err := checkCamera(camera); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shelf(camera).limits = limits
	return nil
}

// shelf is called with mu held.
func (l *Library) shelf(camera string) *shelf {
	s := l.cameras[camera]
	if s == nil {
		s = &shelf{camera: camera, limits: l.cfg.Limits}
		l.cameras[camera] = s
	}
	return s
}

// Usage is how much is recorded.
type Usage struct {
	Files  int
	Bytes  map[Class]int64
	Oldest time.Time // zero when there is nothing
	Newest time.Time
}

// Usage returns how much is recorded of a camera.
func (l *Library) Usage(camera string) Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := Usage{Bytes: make(map[Class]int64)}
	s := l.cameras[camera]
	if s == nil || len(s.files) == 0 {
		return u
	}
	u.Files = len(s.files)
	u.Oldest = time.UnixMilli(s.files[0].start).UTC()
	for _, f := range s.files {
		u.Bytes[f.class] += f.bytes
		if t := time.UnixMilli(f.end).UTC(); t.After(u.Newest) {
			u.Newest = t
		}
	}
	return u
}

// Cameras returns the ids of all cameras of which there are recordings.
func (l *Library) Cameras() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, s := range l.cameras {
		if len(s.files) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}
