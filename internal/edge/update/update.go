// Package update carries out update jobs of AWS IoT Jobs: a new detection
// model, or new software on a device without Greengrass.
//
// An update is downloaded, verified, put on trial and kept only when it proves
// itself; otherwise the device goes back to what it had, and the job says why.
// Each step is on disk before it is taken, so that the next start of the program
// goes on or goes back, whenever the power went.
package update

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"porchlight/internal/backoff"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/edge/update/jobs"
)

// Config of an updater. Thing, StateDir, Link, Source and Log are required.
type Config struct {
	Thing    string
	StateDir string // its folders update and software belong to this package
	Link     jobs.Link
	Source   fetch.Source
	Log      *slog.Logger

	// PublicKey, when set, must have signed every update.
	PublicKey ed25519.PublicKey
	// Models carries out model updates; nil: NoModels says why there are none.
	Models   *Models
	NoModels string
	// Software carries out software updates; nil: NoSoftware says why there
	// are none, like "deployed by Greengrass".
	Software   *Software
	NoSoftware string

	Patience time.Duration    // for what is on trial to prove itself; default 2 min
	Download fetch.Downloader // bounds of downloads; Source, Dir, Log and a Reserve are filled in
	Retry    time.Duration    // first pause after the service did not answer; default 5 s
}

// Updater works on one job after the other.
type Updater struct {
	cfg    Config
	client *jobs.Client
	state  state
}

// How the service is asked.
const (
	longestRetry = 5 * time.Minute
	poll         = time.Hour // without any news
	reserve      = 64 << 20  // bytes left free on the disk
)

// New returns an updater. It fails when the state on disk cannot be read.
func New(cfg Config) (*Updater, error) {
	if cfg.Patience == 0 {
		cfg.Patience = 2 * time.Minute
	}
	if cfg.Retry == 0 {
		cfg.Retry = 5 * time.Second
	}
	cfg.Download.Source, cfg.Download.Log = cfg.Source, cfg.Log
	cfg.Download.Dir = filepath.Join(cfg.StateDir, "update", "download")
	if cfg.Download.Reserve == 0 {
		cfg.Download.Reserve = reserve
	}
	u := &Updater{cfg: cfg, client: jobs.New(jobs.Config{Thing: cfg.Thing, Link: cfg.Link, Log: cfg.Log})}
	return u, u.load()
}

// Run works on jobs until ctx ends. It fails when the service cannot be
// subscribed to or the state cannot be written.
func (u *Updater) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() {
		if err := u.client.Run(ctx); err != nil {
			cancel(err)
		}
	})
	defer cancel(nil)
	if err := u.work(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (u *Updater) work(ctx context.Context) error {
	if u.state.Job != nil {
		u.cfg.Log.Info("going on with an update that was interrupted", "job", u.state.Job.JobID)
		if err := u.carryOut(ctx); err != nil {
			return err
		}
	}
	select { // an answer that cannot be heard is waited for in vain
	case <-ctx.Done():
		return ctx.Err()
	case <-u.client.Up():
	}
	retry := u.cfg.Retry
	for {
		pause, err := poll, u.next(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			retry = u.cfg.Retry
			continue
		case errors.Is(err, errState):
			return err
		case errors.Is(err, jobs.ErrNoJob):
			retry = u.cfg.Retry
		default:
			u.cfg.Log.Warn("the jobs service cannot be asked, will try again", "error", err)
			pause = backoff.Jitter(retry)
			retry = min(2*retry, longestRetry)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-u.client.News():
		}
		timer.Stop()
	}
}

// errState is a state that cannot be written: to go on without would break
// the promise to go back after a power cut.
var errState = errors.New("updates stop")

// next reports what is to be reported and does the next job. It returns nil
// when it did something.
func (u *Updater) next(ctx context.Context) error {
	if err := u.deliver(ctx); err != nil {
		return err
	}
	e, err := u.client.StartNext(ctx)
	if err != nil {
		return err
	}
	if r := u.recent(e); r != nil { // the service missed its report
		again := *r
		again.Version = e.Version
		u.state.Report = &again
		return nil
	}
	u.state.Job = &job{Execution: *e}
	if err := u.save(); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return u.carryOut(ctx)
}

// deliver reports how the last job ended, until the service knows.
func (u *Updater) deliver(ctx context.Context) error {
	r := u.state.Report
	if r == nil {
		return nil
	}
	log := u.cfg.Log.With("job", r.JobID, "status", r.Status)
	err := u.client.Update(ctx, &jobs.Execution{JobID: r.JobID, Number: r.Number, Version: r.Version}, r.Status, r.Details)
	switch {
	case err == nil:
		log.Info("update reported")
	case errors.Is(err, jobs.ErrGone), errors.Is(err, jobs.ErrRefused):
		log.Warn("the jobs service does not want to know how an update ended", "error", err)
	default:
		return err
	}
	u.state.Report = nil
	if err := u.save(); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return nil
}
