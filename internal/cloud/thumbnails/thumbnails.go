// Package thumbnails takes the pictures of events, as S3 tells of them over a
// queue: it has them looked at, where that is wanted, writes what was seen into
// the event and tells the owner's subscribers that there is something to see.
//
// The key of a picture says which thing it is of, because a thing can write
// below its own name only; nothing else can claim otherwise, and nothing is
// looked up or written but in that thing's owner's partition. Deliveries may
// repeat and come in any order. A picture may come before its event: it is
// delivered again, later each time, until the queue gives it up, which hands
// it to its dead-letter queue.
package thumbnails

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/store"
)

// ErrGone is what Metadata returns for an object that is not there any more.
var ErrGone = errors.New("picture is gone")

// Store is the part of the table that pictures take. See package store.
type Store interface {
	OwnerOf(ctx context.Context, thing string) (string, error)
	LabeledEvent(ctx context.Context, owner, id string) (*store.Labeled, error)
	MergeLabels(ctx context.Context, owner, camera, id, picture string, labels map[string]float64) (map[string]float64, error)
	TakeTurn(ctx context.Context, owner, camera, by string, until time.Time) (bool, error)
	BeginTask(ctx context.Context, t store.Task, until time.Time, keep time.Duration) (store.TaskState, string, error)
	FinishTask(ctx context.Context, t store.Task) (bool, error)
}

// Config of a Handler. All but Look, Cooldown and Now are required.
type Config struct {
	Store  Store
	Bucket string // the only one whose pictures are taken
	// Look says what is in a picture, labels with scores from 0 to 1. Errors
	// are ErrPicture and those worth another try. Nil: nobody looks.
	Look     func(ctx context.Context, p Picture) (map[string]float64, error)
	Cooldown time.Duration // between two pictures of a camera that are looked at
	// Metadata reads the metadata of an object, names in small letters. Errors
	// are ErrGone and those worth another try.
	Metadata func(ctx context.Context, p Picture) (map[string]string, error)
	Notify   func(ctx context.Context, n Notice) error
	// Delay says when a message is to come again.
	Delay func(ctx context.Context, m *events.SQSMessage, d time.Duration) error
	Log   *slog.Logger
	Now   func() time.Time // nil is time.Now
}

// Handler handles batches. It is safe for concurrent use.
type Handler struct{ cfg Config }

// New returns a Handler.
func New(cfg Config) *Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Handler{cfg: cfg}
}

// Handle takes the pictures of a batch and names the messages that are to be
// delivered again.
func (h *Handler) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for i := range in.Records {
		m := &in.Records[i]
		err := h.take(ctx, m)
		if err == nil {
			continue
		}
		received := receives(m)
		level := slog.LevelWarn
		if received == 1 && errors.Is(err, store.ErrNotFound) {
			level = slog.LevelInfo // a picture is often faster than its event
		}
		h.cfg.Log.Log(ctx, level, "message comes again", "message_id", m.MessageId, "received", received,
			"rejected", errors.Is(err, ErrRejected), "err", err)
		if err := h.cfg.Delay(ctx, m, backoff(received)); err != nil { // then it comes when the queue says
			h.cfg.Log.WarnContext(ctx, "message comes later than it should", "message_id", m.MessageId, "err", err)
		}
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
	}
	return out, nil
}

func (h *Handler) take(ctx context.Context, m *events.SQSMessage) error {
	pictures, err := parseMessage(m.Body)
	if err != nil {
		return err
	}
	var failures []error
	for _, p := range pictures {
		if err := h.takePicture(ctx, m, p); err != nil {
			failures = append(failures, fmt.Errorf("%.140q: %w", p.Key, err))
		}
	}
	return errors.Join(failures...)
}

func (h *Handler) takePicture(ctx context.Context, m *events.SQSMessage, p Picture) error {
	if p.Bucket != h.cfg.Bucket {
		return fmt.Errorf("%w: bucket %.80q is not %s", ErrRejected, p.Bucket, h.cfg.Bucket)
	}
	subject, err := ParseKey(p.Key)
	if errors.Is(err, ErrForeign) {
		h.cfg.Log.InfoContext(ctx, "object is no event's picture", "key", fmt.Sprintf("%.140q", p.Key))
		return nil
	}
	if err != nil {
		return err
	}
	ids := []string{subject.EventID}
	if subject.EventID == "" {
		metadata, err := h.cfg.Metadata(ctx, p)
		if errors.Is(err, ErrGone) {
			h.cfg.Log.WarnContext(ctx, "picture is gone, or may not be read", "camera", subject.Camera, "err", err)
			return nil
		}
		if err != nil {
			return err
		}
		if ids = eventsOf(metadata); len(ids) == 0 {
			h.cfg.Log.WarnContext(ctx, "picture names no event", "camera", subject.Camera, "tag", TagEvents)
			return nil
		}
	}
	owner, err := h.cfg.Store.OwnerOf(ctx, subject.Thing)
	if err != nil {
		return err
	}
	v := &visit{Handler: h, message: m, picture: p, subject: subject, owner: owner}
	var failures []error
	for _, id := range ids {
		failures = append(failures, v.event(ctx, id))
	}
	return errors.Join(failures...)
}

// receives is how often a message has been delivered, this time included.
func receives(m *events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// backoff doubles from 2 s to 2 minutes, with up to a quarter more, so that
// what failed together does not come back together.
func backoff(received int) time.Duration {
	d := min(time.Second<<min(received, 7), 2*time.Minute)
	return d + rand.N(d/4)
}
