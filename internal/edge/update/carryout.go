package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"porchlight/internal/edge/update/jobs"
)

// Errors of the steps of an update.
var (
	errRejected = errors.New("rejected") // it is not begun
	errFailed   = errors.New("failed")   // it was tried, and nothing has changed
	// errRestart ends the work until the program is started again.
	errRestart = errors.New("the program is to be started again")
)

// carryOut does the job of the state, from the beginning or from where an
// earlier process stopped. It returns an error only when the device stops.
func (u *Updater) carryOut(ctx context.Context) error {
	j := u.state.Job
	log := u.cfg.Log.With("job", j.JobID)
	steps := newReporter(ctx, u.client, j.Execution, log)
	details, err := u.try(ctx, j, steps)
	version := steps.stop()
	switch {
	case errors.Is(err, errState):
		return err
	case ctx.Err() != nil:
		return ctx.Err() // the next start goes on
	case errors.Is(err, errRestart):
		log.Info("update: the program stops, to be started again with the new version")
		u.cfg.Software.Restart()
		<-ctx.Done()
		return ctx.Err()
	}
	r := report{JobID: j.JobID, Number: j.Number, Version: version, Status: jobs.Succeeded, Details: details}
	if r.Details == nil {
		r.Details = map[string]string{}
	}
	switch {
	case err == nil:
		log.Info("update succeeded")
	case errors.Is(err, errRejected):
		r.Status = jobs.Rejected
	default:
		if over := steps.over(); over != nil {
			log.Warn("update given up: its job is over", "error", over)
			err = over
		}
		r.Status = jobs.Failed
	}
	if err != nil {
		log.Error("update did not succeed", "status", r.Status, "error", err)
		r.Details["reason"] = reason(err)
	}
	if err := u.done(r); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	if err := os.RemoveAll(u.cfg.Download.Dir); err != nil {
		log.Warn("cannot remove what was downloaded", "error", err)
	}
	return nil
}

// reason is an error without the words that the status says already.
func reason(err error) string {
	text := err.Error()
	for _, said := range []error{errRejected, errFailed} {
		text = strings.TrimLeft(strings.TrimPrefix(text, said.Error()), ":, ")
	}
	return text
}

// try judges the document and takes the steps of its action.
func (u *Updater) try(ctx context.Context, j *job, steps *reporter) (details map[string]string, err error) {
	action, err := readAction(j.Document)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errRejected, err)
	case action == ActionModel && u.cfg.Models == nil:
		return nil, fmt.Errorf("%w: model updates: %s", errRejected, u.cfg.NoModels)
	case action == ActionSoftware && u.cfg.Software == nil:
		return nil, fmt.Errorf("%w: software updates: %s", errRejected, u.cfg.NoSoftware)
	}
	known := map[string][]string{}
	if u.cfg.Models != nil {
		known = u.cfg.Models.Labels
	}
	d, err := ParseDocument(j.Document, known)
	if err == nil {
		err = verify(j.Document, u.cfg.PublicKey)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errRejected, err)
	case d.Action == ActionModel:
		return u.model(ctx, j, d, steps)
	default:
		return u.software(ctx, j, d, steps)
	}
}

// reporter tells the service how a job goes, while it goes, without ever
// holding it up. Only the newest is told.
type reporter struct {
	ctx    context.Context //nolint:containedctx // ends when the service says that the job is over
	cancel context.CancelCauseFunc
	newest chan map[string]string // holds one
	ended  sync.WaitGroup
	quit   chan struct{}
	e      jobs.Execution
}

func newReporter(ctx context.Context, client *jobs.Client, e jobs.Execution, log *slog.Logger) *reporter {
	r := &reporter{newest: make(chan map[string]string, 1), quit: make(chan struct{}), e: e}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.ended.Go(func() {
		var last map[string]string
		for {
			select {
			case <-r.quit:
				return
			case last = <-r.newest:
			case <-client.News(): // is the job still there? and what was not told may be now
			}
			if last == nil {
				continue
			}
			err := client.Update(r.ctx, &r.e, jobs.InProgress, last)
			if errors.Is(err, jobs.ErrGone) {
				r.cancel(err)
			} else if err != nil {
				log.Info("progress of an update is not told", "error", err)
			}
		}
	})
	return r
}

// step tells where the job is. It is called by one goroutine.
func (r *reporter) step(name string, more map[string]string) {
	details := map[string]string{"step": name}
	for key, value := range more {
		details[key] = value
	}
	for {
		select {
		case r.newest <- details:
			return
		default:
		}
		select { // make room
		case <-r.newest:
		default:
		}
	}
}

// over says why the service does not want the job any more, or nil.
func (r *reporter) over() error {
	if cause := context.Cause(r.ctx); errors.Is(cause, jobs.ErrGone) {
		return cause
	}
	return nil
}

// stop returns the last version of the execution that is known. An answer that
// is under way is not waited for: versions that differ are put right later.
func (r *reporter) stop() int64 {
	close(r.quit)
	r.cancel(nil)
	r.ended.Wait()
	return r.e.Version
}
