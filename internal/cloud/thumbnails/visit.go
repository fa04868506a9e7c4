package thumbnails

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

// ErrPicture is what Look returns for a picture that nobody can look at,
// however often it is tried.
var ErrPicture = errors.New("picture cannot be looked at")

// errBusy: another delivery is at it and may yet fail.
var errBusy = errors.New("another delivery is sending the notice")

const (
	maxSize = 5 << 20 // bytes; a thumbnail has a hundredth of it
	// lookTries is how often a picture is delivered for the sake of its labels:
	// who is to be told of the event does not wait longer for them.
	lookTries = 3
	// rememberNotice is how long a notice is known to have been sent.
	rememberNotice = 7 * 24 * time.Hour
	// mostRun is how long a notice belongs to an invocation without deadline.
	mostRun = time.Minute
)

// visit is one picture and the one owner it can be of.
type visit struct {
	*Handler
	message *events.SQSMessage
	picture Picture
	subject Subject
	owner   string
}

// event does for one event what its picture is a reason for.
func (v *visit) event(ctx context.Context, id string) error {
	e, err := v.cfg.Store.LabeledEvent(ctx, v.owner, id)
	if err != nil { // ErrNotFound too: the picture was faster, or the event is still on the device
		return err
	}
	log := v.cfg.Log.With("camera", v.subject.Camera, "event_id", id)
	if e.Camera != v.subject.Camera {
		log.WarnContext(ctx, "event is another camera's", "its_camera", e.Camera)
		return nil
	}
	err = v.label(ctx, e)
	if err != nil {
		if receives(v.message) < lookTries {
			return err
		}
		log.ErrorContext(ctx, "picture is not looked at, it failed too often", "err", err)
	}
	return v.notify(ctx, e)
}

// label has the picture looked at where that is wanted: an alert's, unless
// another of the camera's was only just, or this one already.
func (v *visit) label(ctx context.Context, e *store.Labeled) error {
	if v.cfg.Look == nil || e.Severity != event.Alert || e.Picture == v.picture.ETag {
		return nil
	}
	log := v.cfg.Log.With("camera", e.Camera, "event_id", e.EventID)
	if v.picture.Size < 1 || v.picture.Size > maxSize {
		log.WarnContext(ctx, "picture is not looked at for its size", "bytes", v.picture.Size, "limit", maxSize)
		return nil
	}
	by := e.EventID + "/" + v.picture.ETag
	turn, err := v.cfg.Store.TakeTurn(ctx, v.owner, e.Camera, by, v.cfg.Now().Add(v.cfg.Cooldown))
	if err != nil {
		return err
	}
	if !turn {
		log.InfoContext(ctx, "picture is not looked at, another of the camera was", "cooldown", v.cfg.Cooldown.String())
		return nil
	}
	labels, err := v.cfg.Look(ctx, v.picture)
	if errors.Is(err, ErrPicture) {
		log.WarnContext(ctx, "picture cannot be looked at", "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at picture: %w", err)
	}
	merged, err := v.cfg.Store.MergeLabels(ctx, v.owner, e.Camera, e.EventID, v.picture.ETag, labels)
	if err != nil {
		return err
	}
	e.CloudLabels, e.Picture = merged, v.picture.ETag
	log.InfoContext(ctx, "picture looked at", "labels", len(labels))
	return nil
}

// notify sends the event's notice, once. An event that was told of and has
// risen to an alert since is told of once more. Being killed between sending
// and writing that down is the one way to a second copy.
func (v *visit) notify(ctx context.Context, e *store.Labeled) error {
	scope, err := store.OwnerScope(v.owner)
	if err != nil {
		return err
	}
	task := store.Task{Scope: scope, ID: "notice/" + e.EventID + "/" + string(e.Severity), By: v.message.MessageId}
	until, ok := ctx.Deadline()
	if !ok {
		until = v.cfg.Now().Add(mostRun)
	}
	state, _, err := v.cfg.Store.BeginTask(ctx, task, until, rememberNotice)
	switch {
	case err != nil:
		return err
	case state == store.TaskDone:
		return nil
	case state == store.TaskBusy:
		return errBusy
	}
	if err := v.cfg.Notify(ctx, newNotice(v.owner, v.picture.Key, e)); err != nil {
		return fmt.Errorf("send notice: %w", err)
	}
	if _, err := v.cfg.Store.FinishTask(ctx, task); err != nil {
		return err
	}
	v.cfg.Log.InfoContext(ctx, "notice sent", "camera", e.Camera, "event_id", e.EventID, "severity", e.Severity)
	return nil
}
