package update

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"porchlight/internal/atomicfile"
	"porchlight/internal/edge/disk"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/edge/update/slot"
)

// Software is what software updates need of the agent. Launched, Healthy and
// Restart are required.
type Software struct {
	Launched Launched // what Launch returned
	Platform string   // like linux-arm64; default this program's
	// Healthy returns nil once this program has proved itself. That the jobs
	// service can be heard is asked for as well.
	Healthy func(ctx context.Context) error
	// Restart ends the program in an orderly way; its supervisor starts it
	// again, and Launch then chooses the version.
	Restart func()
}

// mostRestarts is how often a program is ended to begin a trial.
const mostRestarts = 3

// errLauncher is a supervisor that does not start what it should.
var errLauncher = errors.New("the program was started again and does not run the new version: its supervisor must start the installed program, which launches it")

func softwareSlot(stateDir string) slot.Slot {
	return slot.At(filepath.Join(stateDir, "software", "current"))
}

func softwareFolder(stateDir, version string) string {
	return filepath.Join(stateDir, "software", version)
}

// software does a software update, from wherever an earlier process left it.
func (u *Updater) software(ctx context.Context, j *job, d *Document, steps *reporter) (map[string]string, error) {
	details := map[string]string{"version": d.Version}
	if ours := u.platform(); d.Platform != "" && d.Platform != ours {
		return details, fmt.Errorf("%w: it is for %s, and this device is %s", errRejected, d.Platform, ours)
	}
	s, now := softwareSlot(u.cfg.StateDir), u.cfg.Software.Launched
	c, err := s.Read()
	if err != nil {
		return details, fmt.Errorf("%w: %w", errState, err)
	}
	mine := c.Owner == j.key()
	switch {
	case c.Failed == d.Version && mine:
		return details, fmt.Errorf("%w, rolled back: %s", errFailed, c.Reason)
	case c.Current == d.Version && !c.Trial && now.Version == d.Version && u.sameSoftware(d):
		return details, nil // another execution did it
	case c.Current == "" && now.Installed == d.Version:
		return details, nil // it is what was installed with the device
	case c.Current == d.Version && c.Trial && mine && now.Version == d.Version:
		return details, u.proveSoftware(ctx, s, d, steps)
	case c.Current == d.Version && c.Trial && mine:
	case now.Version == d.Version:
		return details, fmt.Errorf("%w: version %s runs already, with another content: give the new one another version", errRejected, d.Version)
	default:
		if err := u.installSoftware(steps, d); err != nil {
			return details, fmt.Errorf("%w: %w", errFailed, err)
		}
		if err := s.Try(d.Version, j.key(), now.Installed); err != nil {
			return details, fmt.Errorf("%w: %w", errState, err)
		}
	}
	if j.Restarts++; j.Restarts > mostRestarts {
		if err := s.Revert(d.Version, errLauncher.Error()); err != nil {
			return details, fmt.Errorf("%w: %w", errState, err)
		}
		return details, fmt.Errorf("%w: %w", errFailed, errLauncher)
	}
	steps.step("restart", nil)
	if err := u.save(); err != nil {
		return details, fmt.Errorf("%w: %w", errState, err)
	}
	return details, errRestart
}

func (u *Updater) platform() string {
	if p := u.cfg.Software.Platform; p != "" {
		return p
	}
	return runtime.GOOS + "-" + runtime.GOARCH
}

// proveSoftware finds out whether this program, which is on trial, is any
// good. When it is not, it ends, and the version before begins.
func (u *Updater) proveSoftware(ctx context.Context, s slot.Slot, d *Document, steps *reporter) error {
	steps.step("check", nil)
	failed := u.guard(ctx, "reach AWS IoT Core", stepPatience, func(ctx context.Context) error {
		select {
		case <-u.client.Up():
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if failed == nil {
		failed = u.guard(ctx, "health check", u.cfg.Patience, u.cfg.Software.Healthy)
	}
	if ctx.Err() != nil {
		return ctx.Err() // the next start goes on with the trial
	}
	if failed == nil {
		failed = s.Confirm(d.Version)
	}
	if failed == nil {
		u.sweep(filepath.Join(u.cfg.StateDir, "software"), s)
		return nil
	}
	u.cfg.Log.Error("this version has not proved itself, going back to the one before", "version", d.Version, "error", failed)
	steps.step("rollback", map[string]string{"reason": failed.Error()})
	if err := s.Revert(d.Version, failed.Error()); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return errRestart
}

// digestFile keeps the SHA-256 of what a version was unpacked from.
func digestFile(folder string) string { return filepath.Join(folder, ".sha256") }

// sameSoftware says whether the version is unpacked, from the very file of the
// document.
func (u *Updater) sameSoftware(d *Document) bool {
	digest, err := os.ReadFile(digestFile(softwareFolder(u.cfg.StateDir, d.Version)))
	return err == nil && strings.TrimSpace(string(digest)) == d.SHA256
}

// installSoftware downloads a version and unpacks it into its folder, which
// appears whole or not at all.
func (u *Updater) installSoftware(steps *reporter, d *Document) error {
	if u.sameSoftware(d) {
		return nil
	}
	paths, err := u.download(steps, map[string]fetch.File{"software": {URL: d.URL, SHA256: d.SHA256, Size: d.Size}})
	if err != nil {
		return err
	}
	steps.step("install", nil)
	folder := softwareFolder(u.cfg.StateDir, d.Version)
	fresh := folder + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(folder)); err != nil {
		return err
	}
	free := u.cfg.Download.Free
	if free == nil {
		free = disk.Free
	}
	room, err := free(u.cfg.StateDir)
	if err != nil {
		return err
	}
	if err := unpack(paths["software"], fresh, min(maxUnpacked, room-u.cfg.Download.Reserve)); err != nil {
		return errors.Join(fmt.Errorf("unpack: %w", err), os.RemoveAll(fresh))
	}
	if err := atomicfile.Write(digestFile(fresh), []byte(d.SHA256), 0o600); err != nil {
		return err
	}
	return commit(fresh, folder)
}
