package update

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startWatchdog starts this program again, as a child of the process that will
// run the version on trial: the program on trial is not to be trusted, the one
// that was installed is. It returns the child's process id and what ends it.
func (l Launch) startWatchdog(version string) (pid int, end func(), err error) {
	self := l.Self
	if self == "" {
		if self, err = os.Executable(); err != nil {
			return 0, nil, err
		}
	}
	child := exec.Command(self, l.Argv[1:]...) //nolint:noctx // it outlives this process' program
	child.Env = append(without(l.Environ, envWatch), fmt.Sprintf("%s=%s,%d,%s", envWatch, version, os.Getpid(), l.Patience))
	child.Stderr = os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := child.Start(); err != nil {
		return 0, nil, err
	}
	return child.Process.Pid, func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}, nil
}

// watch is the watchdog: it looks after its parent until that has proved
// itself or is gone, and kills it when it does neither in time. What is to be
// used instead is on disk before that.
func (l Launch) watch(order string) error {
	const often = time.Second
	fields := strings.Split(order, ",")
	if len(fields) != 3 {
		return fmt.Errorf("watchdog: %q is no order", order)
	}
	version := fields[0]
	pid, err := strconv.Atoi(fields[1])
	if err != nil || pid < 2 {
		return fmt.Errorf("watchdog: %q is no process", fields[1])
	}
	patience, err := time.ParseDuration(fields[2])
	if err != nil {
		return fmt.Errorf("watchdog: %w", err)
	}
	s := softwareSlot(l.StateDir)
	for begun := time.Now(); ; time.Sleep(min(often, patience/4)) {
		if os.Getppid() != pid {
			return nil // it is gone; whoever comes next counts its starts
		}
		c, err := s.Read()
		if err == nil && (!c.Trial || c.Current != version) {
			return nil
		}
		if time.Since(begun) < patience {
			continue
		}
		l.Log.Error("the version on trial has not proved itself in time and is killed", "version", version, "after", patience.String())
		if err := s.Revert(version, fmt.Sprintf("it did not prove itself within %v of its start", patience)); err != nil {
			l.Log.Error("cannot go back to the version before", "error", err)
		}
		if c, err := s.Read(); err == nil && c.Current == version && !c.Trial {
			return nil // it did so at the last moment
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
}
