package update

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"porchlight/internal/edge/update/slot"
)

// ErrDone is that this process was started to watch over another, has done so,
// and has nothing else to do.
var ErrDone = errors.New("nothing more to do")

// Launch is how a program chooses the version of itself to be. All fields but
// Patience and Self are required.
type Launch struct {
	StateDir  string
	Installed string // version of this program, as it was installed with the device
	Argv      []string
	Environ   []string
	Exec      func(program string, argv, environ []string) error // syscall.Exec
	Log       *slog.Logger
	Patience  time.Duration // for a version on trial in each of its starts; default 5 min
	Self      string        // this program's file; default what the system says
}

// Launched says what runs now.
type Launched struct {
	Version   string // of an update; "": what was installed with the device
	Installed string // version of what was installed with the device
}

// What one process tells the next.
const (
	envVersion   = "PORCHLIGHT_SOFTWARE"
	envInstalled = "PORCHLIGHT_SOFTWARE_INSTALLED"
	envWatchdog  = "PORCHLIGHT_SOFTWARE_WATCHDOG" // process id
	envWatch     = "PORCHLIGHT_SOFTWARE_WATCH"    // version, process id and patience, for the watchdog
)

// Run is the first thing that the program does. The supervisor always starts
// the installed program; when an update is in use or on trial, Run becomes it
// and does not return. It returns what runs now when that is this process.
//
// A version on trial that crashes is started twice, and one that hangs is
// killed by a watchdog once Patience is over; then the version before is used.
// With ErrDone the process was the watchdog, and ends. After any other
// error the program goes on as it is.
func (l Launch) Run() (Launched, error) {
	if l.Patience == 0 {
		l.Patience = 5 * time.Minute
	}
	if watch := lookup(l.Environ, envWatch); watch != "" {
		if err := l.watch(watch); err != nil {
			return Launched{}, errors.Join(ErrDone, err)
		}
		return Launched{}, ErrDone
	}
	if version := lookup(l.Environ, envVersion); version != "" {
		reap(lookup(l.Environ, envWatchdog))
		return Launched{Version: version, Installed: lookup(l.Environ, envInstalled)}, nil
	}
	installed := Launched{Installed: l.Installed}
	s := softwareSlot(l.StateDir)
	if c, err := s.Read(); err != nil || c == (slot.Choice{}) {
		return installed, err // nothing was ever updated: nothing is written
	}
	for {
		c, err := s.Start(l.Installed)
		if err != nil || c.Current == "" {
			return installed, err
		}
		l.Log.Info("starting an updated version", "version", c.Current, "trial", c.Trial, "start", c.Starts)
		err = l.become(c)
		l.Log.Error("an updated version cannot be started and is not used any more", "version", c.Current, "error", err)
		if err := s.Drop(c.Current, fmt.Sprintf("it cannot be started: %v", err)); err != nil {
			return installed, err
		}
	}
}

// become runs the version in place of this process. It returns only when that
// fails.
func (l Launch) become(c slot.Choice) error {
	folder := softwareFolder(l.StateDir, c.Current)
	file, err := filepath.Abs(filepath.Join(folder, program))
	if err != nil {
		return err
	}
	if info, err := os.Stat(file); err != nil {
		return err
	} else if !info.Mode().IsRegular() || info.Mode()&0o100 == 0 {
		return fmt.Errorf("%s: not a program", file)
	}
	environ := append(without(l.Environ, envVersion, envInstalled, envWatchdog, envWatch),
		envVersion+"="+c.Current, envInstalled+"="+l.Installed)
	if libraries := filepath.Join(filepath.Dir(file), "lib"); isFolder(libraries) {
		const path = "LD_LIBRARY_PATH"
		value := libraries
		if more := lookup(l.Environ, path); more != "" {
			value += ":" + more
		}
		environ = append(without(environ, path), path+"="+value)
	}
	stop := func() {}
	if c.Trial {
		pid, end, err := l.startWatchdog(c.Current)
		if err != nil {
			return fmt.Errorf("start its watchdog: %w", err)
		}
		stop = end
		environ = append(environ, envWatchdog+"="+strconv.Itoa(pid))
	}
	err = l.Exec(file, l.Argv, environ)
	stop()
	return err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// reap waits in the background for the watchdog that this process inherited
// as a child, so that no zombie is left.
func reap(pid string) {
	if child, err := strconv.Atoi(pid); err == nil && child > 1 {
		go func() { _, _ = syscall.Wait4(child, nil, 0, nil) }()
	}
}

func lookup(environ []string, name string) string {
	for _, entry := range environ {
		if value, is := strings.CutPrefix(entry, name+"="); is {
			return value
		}
	}
	return ""
}

func without(environ []string, names ...string) (kept []string) {
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		found := false
		for _, one := range names {
			found = found || name == one
		}
		if !found {
			kept = append(kept, entry)
		}
	}
	return kept
}
