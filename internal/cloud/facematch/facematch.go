// Package facematch answers whose face is in a picture, as asked over one queue
// and answered over another.
//
// Who sent a request decides whose persons it is compared with, and the queue
// says that, not the request: a device's session is named after its
// certificate. A request is answered once however often it is delivered and
// wherever the process is killed, but for one moment, between the answer's
// being sent and that being written down: then the same answer comes twice, byte for byte.
// Requests that nobody can be answered for are left in the queue, which
// hands them to its dead-letter queue.
package facematch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
)

// ErrPicture is what a Recognizer returns for data that is no picture.
var ErrPicture = errors.New("not a picture")

const (
	// Remember is how long a request's id is known: the same id from the same
	// owner within it is the same request.
	Remember = time.Hour
	// margin is what an invocation keeps of its time: it begins nothing in its
	// last moments, for being killed there is what doubles answers.
	margin = 3 * time.Second
	// mostRun is how long a request belongs to an invocation without deadline.
	mostRun = time.Minute
)

// Recognizer makes embeddings of faces.
type Recognizer interface {
	// Look makes the embedding of the face in a JPEG or PNG picture. Errors are
	// ErrPicture, gallery.ErrNoFace and those worth another try.
	Look(ctx context.Context, picture []byte) (face.Embedding, error)
	// MaxDistance is the cosine distance from which two faces are of two persons.
	MaxDistance() float64
}

// Galleries holds the persons of every owner; others is how many of the owner's
// were enrolled with another model.
type Galleries interface {
	Gallery(ctx context.Context, owner string, of *face.Model) (g *gallery.Gallery, others int, err error)
}

// Table knows certificates and tasks. See package store.
type Table interface {
	OwnerOfCertificate(ctx context.Context, id string) (string, error)
	BeginTask(ctx context.Context, t store.Task, until time.Time, keep time.Duration) (store.TaskState, string, error)
	AnswerTask(ctx context.Context, t store.Task, answer string) (bool, error)
	FinishTask(ctx context.Context, t store.Task) (bool, error)
	TaskBegunBy(ctx context.Context, t store.Task) (bool, error)
}

// Config of a Handler. All but DefaultOwner, MaxDistance and Now are required.
type Config struct {
	Recognizer Recognizer
	Galleries  Galleries
	Table      Table
	Respond    func(ctx context.Context, body string) error // puts an answer into the response queue

	DeviceRole   string  // unique id of the devices' role, AROA…: what its sessions' names are believed of
	DefaultOwner string  // of requests whose sender is no provisioned device; empty: those are refused
	MaxDistance  float64 // instead of the recognizer's own; 0: that
	Log          *slog.Logger
	Now          func() time.Time // nil is time.Now
}

// Handler handles batches. It is not safe for concurrent use: a Lambda's
// environment has one invocation at a time.
type Handler struct{ cfg Config }

// New returns a Handler.
func New(cfg Config) *Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Handler{cfg: cfg}
}

// Handle answers the requests of a batch, one after the other, and names those
// that are to be delivered again.
func (h *Handler) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	b := &batch{Handler: h, began: h.cfg.Now(), galleries: map[string]*gallery.Gallery{}, tally: map[string]int{}}
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	again := func(id string) {
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	var jobs []*job
	for i := range in.Records {
		j, err := b.accept(ctx, &in.Records[i])
		if err != nil {
			b.failed(ctx, &in.Records[i], err)
			again(in.Records[i].MessageId)
			continue
		}
		jobs = append(jobs, j)
	}
	// A request in the middle of which the process died may be the cause: it
	// comes last, when all others have their answers.
	for _, last := range []bool{false, true} {
		for _, j := range jobs {
			if j.died != last {
				continue
			}
			if err := b.answer(ctx, j); err != nil {
				b.failed(ctx, j.message, err)
				again(j.message.MessageId)
			}
		}
	}
	b.report(ctx, len(in.Records))
	return out, nil
}

// batch is what is known while one is handled.
type batch struct {
	*Handler
	began     time.Time
	galleries map[string]*gallery.Gallery // by owner: read anew for each batch, so that whoever is removed is soon unknown
	tally     map[string]int
}

// count notes how a request ended; what is counted is in the log of each batch.
func (b *batch) count(how string) { b.tally[how]++ }

func (b *batch) failed(ctx context.Context, m *events.SQSMessage, err error) {
	refused := errors.Is(err, event.ErrInvalid) || errors.Is(err, event.ErrTooLarge)
	if refused {
		b.count("refused")
	} else {
		b.count("failed")
	}
	b.cfg.Log.WarnContext(ctx, "request not answered", "message_id", m.MessageId, "refused", refused,
		"received", m.Attributes["ApproximateReceiveCount"], "err", err)
}

func (b *batch) report(ctx context.Context, requests int) {
	args := []any{"requests", requests, "ms", b.cfg.Now().Sub(b.began).Milliseconds()}
	for _, how := range []string{"named", "unknown", "no_face", "invalid_image", "unauthorized", "repeated", "refused", "failed"} {
		if n := b.tally[how]; n > 0 {
			args = append(args, how, n)
		}
	}
	b.cfg.Log.InfoContext(ctx, "batch handled", args...)
}
