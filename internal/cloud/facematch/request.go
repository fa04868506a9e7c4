package facematch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
)

// job is one request of a batch.
type job struct {
	message *events.SQSMessage
	request *event.FaceRequest
	owner   string // empty: nobody's
	task    store.Task
	died    bool // the process did, at this request
}

// errLate is that too little of the invocation's time is left.
var errLate = errors.New("no time is left in this invocation")

// accept reads a request and finds out whose it is. A request without a
// picture is one; it has an answer.
func (b *batch) accept(ctx context.Context, m *events.SQSMessage) (*job, error) {
	request, err := event.ParseFaceRequest([]byte(m.Body))
	if err != nil && !errors.Is(err, event.ErrFaceImage) {
		return nil, err
	}
	sender := m.Attributes["SenderId"]
	j := &job{message: m, request: request}
	scope := "SENDER#" + sender
	switch owner, err := b.ownerOf(ctx, sender); {
	case err != nil:
		return nil, err
	case owner != "":
		j.owner = owner
		if scope, err = store.OwnerScope(owner); err != nil {
			return nil, err
		}
	}
	j.task = store.Task{Scope: scope, ID: request.RequestID, By: m.MessageId}
	if m.Attributes["ApproximateReceiveCount"] != "1" {
		if j.died, err = b.cfg.Table.TaskBegunBy(ctx, j.task); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// ownerOf returns whose persons a sender may ask about, or nobody. Only the
// devices' own role is believed that its session is named after a certificate:
// anybody may name a session of another role.
func (b *batch) ownerOf(ctx context.Context, sender string) (string, error) {
	role, session, _ := strings.Cut(sender, ":")
	if role != b.cfg.DeviceRole || session == "" {
		return b.cfg.DefaultOwner, nil
	}
	owner, err := b.cfg.Table.OwnerOfCertificate(ctx, session)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrInvalid): // provisioned by hand
		return b.cfg.DefaultOwner, nil
	case errors.Is(err, store.ErrUnclaimed):
		return "", nil
	}
	return owner, err
}

// answer brings a request to its end from wherever it is.
func (b *batch) answer(ctx context.Context, j *job) error {
	until := b.cfg.Now().Add(mostRun)
	if deadline, ok := ctx.Deadline(); ok {
		if time.Until(deadline) < margin {
			return errLate
		}
		until = deadline.Add(time.Second)
	}
	state, result, err := b.cfg.Table.BeginTask(ctx, j.task, until, Remember)
	switch {
	case err != nil:
		return err
	case state == store.TaskDone:
		b.count("repeated")
		return nil
	case state == store.TaskBusy:
		return fmt.Errorf("request %q is being answered by another invocation", j.request.RequestID)
	case state == store.TaskBegun:
		if result, err = b.result(ctx, j); err != nil {
			return err
		}
		ours, err := b.cfg.Table.AnswerTask(ctx, j.task, result)
		if err != nil {
			return err
		}
		if !ours {
			return fmt.Errorf("request %q was taken over by another invocation", j.request.RequestID)
		}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < margin/2 {
		return errLate
	}
	body, err := (&event.FaceResponse{RequestID: j.request.RequestID, Result: result}).Marshal()
	if err != nil {
		return err
	}
	if err := b.cfg.Respond(ctx, string(body)); err != nil {
		return fmt.Errorf("send the answer: %w", err)
	}
	// From here on it is answered; that this was not written down harms nothing
	// unless the queue delivers the request again.
	if _, err := b.cfg.Table.FinishTask(ctx, j.task); err != nil {
		b.cfg.Log.WarnContext(ctx, "answered, but not written down as such", "message_id", j.message.MessageId, "err", err)
	}
	b.count(kindOf(result))
	return nil
}

// result is the answer to a request. Its errors are worth another try.
func (b *batch) result(ctx context.Context, j *job) (string, error) {
	if j.owner == "" {
		return event.ResultUnauthorized, nil
	}
	if len(j.request.Image) == 0 {
		return event.ResultInvalidImage, nil
	}
	e, err := b.cfg.Recognizer.Look(ctx, j.request.Image)
	switch {
	case errors.Is(err, ErrPicture):
		return event.ResultInvalidImage, nil
	case errors.Is(err, gallery.ErrNoFace), errors.Is(err, face.ErrLandmarks):
		return event.ResultNoFace, nil
	case err != nil:
		return "", err
	}
	g, err := b.gallery(ctx, j.owner, e.Model)
	if err != nil {
		return "", err
	}
	found, err := g.Nearest(e)
	if err != nil {
		return "", err
	}
	rule := match.Rule{MaxDistance: b.cfg.MaxDistance}
	if rule.MaxDistance == 0 {
		rule.MaxDistance = b.cfg.Recognizer.MaxDistance()
	}
	name, known := rule.Name(found)
	if !known {
		return event.ResultUnknown, nil
	}
	return name, nil
}

func (b *batch) gallery(ctx context.Context, owner string, m face.Model) (*gallery.Gallery, error) {
	if g := b.galleries[owner]; g != nil {
		return g, nil
	}
	g, others, err := b.cfg.Galleries.Gallery(ctx, owner, &m)
	if err != nil {
		return nil, err
	}
	if others > 0 {
		b.cfg.Log.WarnContext(ctx, "persons enrolled with another model are unknown: enroll them again", "owner", owner,
			"persons", others, "model", m.Name)
	}
	b.galleries[owner] = g
	return g, nil
}

// kindOf is how an answer is counted and logged: never by name.
func kindOf(result string) string {
	switch result {
	case event.ResultUnknown:
		return "unknown"
	case event.ResultNoFace:
		return "no_face"
	case event.ResultInvalidImage:
		return "invalid_image"
	case event.ResultUnauthorized:
		return "unauthorized"
	}
	return "named"
}
