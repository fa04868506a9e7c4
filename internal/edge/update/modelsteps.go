package update

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/atomicfile"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/edge/update/slot"
	"porchlight/internal/modelstore"
)

// probeFile is where an overlay keeps its probe picture.
func probeFile(folder string) string { return filepath.Join(folder, "probe", "picture") }

// installed says whether a model's folder holds all that it should.
func (u *Updater) installed(d *Document, id string) error {
	folder := modelFolder(u.cfg.StateDir, id)
	known, err := json.Marshal(modelstore.Manifest{Labels: u.cfg.Models.Labels})
	if err != nil {
		return err
	}
	store, err := modelstore.New(modelstore.Config{Dir: filepath.Join(folder, "nothing"), Overlay: folder, Manifest: known})
	if err != nil {
		return err
	}
	if d.Probe != nil {
		if info, err := os.Stat(probeFile(folder)); err != nil || info.Size() != d.Probe.Size {
			return errors.Join(errors.New("its probe is missing"), err)
		}
	}
	return store.Verify(d.Model.Name)
}

// installModel downloads a model and puts it into its folder, which appears
// whole or not at all.
func (u *Updater) installModel(steps *reporter, d *Document, id string) error {
	folder := modelFolder(u.cfg.StateDir, id)
	if u.installed(d, id) == nil {
		return nil
	}
	where := map[string]string{}
	for _, l := range d.Files {
		where[l.Name] = l.URL
	}
	wanted := map[string]fetch.File{} // by place in the folder
	for _, f := range d.Model.Files {
		wanted[f.Name] = fetch.File{URL: where[f.Name], SHA256: f.SHA256, Size: f.Bytes}
	}
	if p := d.Probe; p != nil {
		wanted[probeFile("")] = fetch.File{URL: p.URL, SHA256: p.SHA256, Size: p.Size}
	}
	paths, err := u.download(steps, wanted)
	if err != nil {
		return err
	}
	steps.step("install", nil)
	manifest, err := d.manifest()
	if err != nil {
		return err
	}
	fresh := folder + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(folder)); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(fresh, "manifest.json"), manifest, 0o600); err != nil {
		return err
	}
	for place, path := range paths {
		to := filepath.Join(fresh, place)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		// A link, because one download may be two files of the model.
		if err := os.Link(path, to); err != nil {
			return err
		}
		if err := atomicfile.SyncDir(filepath.Dir(to)); err != nil {
			return err
		}
	}
	return commit(fresh, folder)
}

// commit gives a folder that is whole its name.
func commit(fresh, folder string) error {
	if err := atomicfile.SyncDir(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, folder); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(folder))
}

// download gets files and says how far it is.
func (u *Updater) download(steps *reporter, wanted map[string]fetch.File) (paths map[string]string, err error) {
	const often = 10 * time.Second // no more than that is told
	total, before := int64(0), int64(0)
	for _, f := range wanted {
		total += f.Size
	}
	told := time.Time{}
	tell := func(done int64) {
		if now := time.Now(); now.Sub(told) >= often {
			told = now
			steps.step("download", map[string]string{"progress": fmt.Sprintf("%d%%", 100*(before+done)/max(total, 1))})
		}
	}
	tell(0)
	paths = map[string]string{}
	for place, f := range wanted {
		if paths[place], err = u.cfg.Download.Get(steps.ctx, f, tell); err != nil {
			return nil, fmt.Errorf("download %s: %w", filepath.Base(place), err)
		}
		before += f.Size
	}
	return paths, nil
}

// proveModel activates a model and finds out whether it is any good.
func (u *Updater) proveModel(ctx context.Context, d *Document, id string, steps *reporter) error {
	ref, err := modelRef(u.cfg.StateDir, id)
	if err != nil {
		return err
	}
	steps.step("switch", nil)
	if err := u.guard(ctx, "switch to the new model", stepPatience, func(ctx context.Context) error { return u.cfg.Models.Activate(ctx, ref) }); err != nil {
		return err
	}
	steps.step("check", nil)
	if d.Probe != nil {
		look := func(ctx context.Context) error {
			return probe(ctx, *d.Probe, probeFile(ref.Overlay), u.cfg.Models.Detect)
		}
		if err := u.guard(ctx, "probe", stepPatience, look); err != nil {
			return err
		}
	}
	return u.guard(ctx, "health check", u.cfg.Patience, u.cfg.Models.Healthy)
}

// rollBackModel goes back to the model before and says why.
func (u *Updater) rollBackModel(ctx context.Context, s slot.Slot, id string, failed error, steps *reporter) error {
	steps.step("rollback", map[string]string{"reason": failed.Error()})
	if err := s.Revert(id, failed.Error()); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	c, err := s.Read()
	if err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	ref, err := modelRef(u.cfg.StateDir, c.Current)
	if err == nil {
		err = u.guard(ctx, "switch to the model before", stepPatience, func(ctx context.Context) error { return u.cfg.Models.Activate(ctx, ref) })
	}
	if err != nil {
		return fmt.Errorf("%w: %w; rolled back, but the model before does not run either, the program must be started again: %w", errFailed, failed, err)
	}
	return fmt.Errorf("%w, rolled back: %w", errFailed, failed)
}

// sweep removes the folders of versions that nothing goes back to.
func (u *Updater) sweep(root string, s slot.Slot) {
	c, err := s.Read()
	if err != nil {
		return
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if name := entry.Name(); entry.IsDir() && name != c.Current && name != c.Previous {
			if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
				u.cfg.Log.Warn("cannot remove an old version", "version", name, "error", err)
			}
		}
	}
}
