// Package ingest takes what things say, as an IoT rule hands it over through
// SNS, into the store.
//
// The topic alone says which thing spoke, because the broker let the thing
// publish there; nothing in a payload can claim otherwise. A record that
// fails is an error of the invocation, whatever the cause: the invocation is
// repeated, which harms nothing because every write is conditional, and then
// goes to the dead-letter queue as it came. For a record that can never
// succeed the repetitions are cheap, and nothing vanishes.
package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/event"
)

// ErrRejected marks a record that no repetition can save.
var ErrRejected = errors.New("record rejected")

// maxMessage is the most bytes of one record: a payload and what the rule
// adds, with room for the rule engine's own way of writing JSON.
const maxMessage = 2 * event.MaxPayload

// Store keeps what things say.
type Store interface {
	OwnerOf(ctx context.Context, thing string) (string, error)
	UpsertEvent(ctx context.Context, owner string, e *event.Event, expires time.Time) (written bool, err error)
	ApplyStatus(ctx context.Context, owner, thing string, st *event.Status, receivedAt time.Time) error
	UpsertSensor(ctx context.Context, owner, thing string, s *event.Sensor, receivedAt time.Time) (written bool, err error)
}

// Config of an Ingester.
type Config struct {
	Store     Store
	Retention time.Duration // how long events are kept, from their receipt
	Log       *slog.Logger
	Now       func() time.Time // nil is time.Now
}

// Ingester handles records. It is safe for concurrent use.
type Ingester struct {
	cfg    Config
	owners *owners
}

// New returns an Ingester.
func New(cfg Config) *Ingester {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Ingester{cfg: cfg, owners: newOwners(cfg.Store.OwnerOf, cfg.Now)}
}

// Handle takes in all records of an invocation, the good ones whatever the
// others are like, and returns the joined errors of those that failed.
func (i *Ingester) Handle(ctx context.Context, in events.SNSEvent) error {
	var failures []error
	for _, record := range in.Records {
		if err := i.take(ctx, []byte(record.SNS.Message)); err != nil {
			i.cfg.Log.ErrorContext(ctx, "record failed", "sns_message_id", record.SNS.MessageID,
				"rejected", errors.Is(err, ErrRejected), "err", err)
			failures = append(failures, fmt.Errorf("record %s: %w", record.SNS.MessageID, err))
		}
	}
	return errors.Join(failures...)
}

// take handles one message: a thing's payload with the fields that the rule
// adds to it.
func (i *Ingester) take(ctx context.Context, message []byte) error {
	if len(message) > maxMessage {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrRejected, len(message), maxMessage)
	}
	// By exact name: decoding into a struct would take a "Topic" that the thing
	// wrote for the rule's, and with it another thing's name.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(message, &fields); err != nil {
		return fmt.Errorf("%w: not the rule's JSON: %w", ErrRejected, err)
	}
	var rule struct {
		topic      string
		receivedAt int64 // Unix time in milliseconds
	}
	err := errors.Join(json.Unmarshal(fields["topic"], &rule.topic), json.Unmarshal(fields["received_at"], &rule.receivedAt))
	if err != nil {
		return fmt.Errorf("%w: not what the rule adds: %w", ErrRejected, err)
	}
	thing, channel, err := event.SplitTopic(rule.topic)
	ofSensor, sensor, notSensor := event.SplitSensorTopic(rule.topic)
	if err != nil && notSensor != nil {
		return fmt.Errorf("%w: %w", ErrRejected, err)
	}
	// Up to the year 9999, the last that RFC 3339 can write.
	if rule.receivedAt <= 0 || rule.receivedAt > 253402300799999 {
		return fmt.Errorf("%w: received_at %d: want the rule's timestamp() in milliseconds", ErrRejected, rule.receivedAt)
	}
	receivedAt := time.UnixMilli(rule.receivedAt).UTC()
	if notSensor == nil {
		return i.takeSensor(ctx, ofSensor, sensor, message, receivedAt)
	}
	switch channel {
	case event.ChannelEvents:
		return i.takeEvent(ctx, thing, message, receivedAt)
	case event.ChannelStatus:
		return i.takeStatus(ctx, thing, message, receivedAt)
	default:
		return fmt.Errorf("%w: nothing is known of channel %.40q", ErrRejected, string(channel))
	}
}

func (i *Ingester) takeEvent(ctx context.Context, thing string, message []byte, receivedAt time.Time) error {
	e, err := event.Parse(message)
	if err != nil {
		return fmt.Errorf("%w: thing %s: %w", ErrRejected, thing, err)
	}
	if err := checkClaims(thing, e); err != nil {
		return fmt.Errorf("%w: thing %s: event %s: %w", ErrRejected, thing, e.EventID, err)
	}
	owner, err := i.owners.of(ctx, thing)
	if err != nil {
		return err
	}
	written, err := i.cfg.Store.UpsertEvent(ctx, owner, e, receivedAt.Add(i.cfg.Retention))
	if err != nil {
		return err
	}
	i.cfg.Log.InfoContext(ctx, "event taken", "event_id", e.EventID, "sequence", e.Sequence,
		"state", e.State, "camera", e.Camera, "stale", !written)
	return nil
}

// checkClaims refuses an event that names what is another thing's.
func checkClaims(thing string, e *event.Event) error {
	if t, _, err := event.SplitCamera(e.Camera); err != nil || t != thing {
		return fmt.Errorf("camera %.140q is not this thing's", e.Camera)
	}
	if want := "thumbnails/" + thing + "/" + e.Camera + "/" + e.EventID + ".jpg"; e.ThumbnailKey != "" && e.ThumbnailKey != want {
		return fmt.Errorf("thumbnail_key %.140q is not %s", e.ThumbnailKey, want)
	}
	if e.Clip != nil {
		if t, _, err := event.SplitCamera(e.Clip.Stream); err != nil || t != thing {
			return fmt.Errorf("clip stream %.140q is not this thing's", e.Clip.Stream)
		}
	}
	return nil
}

func (i *Ingester) takeStatus(ctx context.Context, thing string, message []byte, receivedAt time.Time) error {
	st, err := event.ParseStatus(message)
	if err != nil {
		return fmt.Errorf("%w: thing %s: %w", ErrRejected, thing, err)
	}
	for _, c := range st.Cameras {
		if t, _, err := event.SplitCamera(c.Camera); err != nil || t != thing {
			return fmt.Errorf("%w: thing %s: status of camera %.140q, which is not this thing's", ErrRejected, thing, c.Camera)
		}
		switch c.State {
		case event.CameraConnecting, event.CameraRunning, event.CameraFailed, event.CameraEnded, event.CameraPrivate:
		default:
			return fmt.Errorf("%w: thing %s: camera state %.40q is unknown", ErrRejected, thing, string(c.State))
		}
	}
	owner, err := i.owners.of(ctx, thing)
	if err != nil {
		return err
	}
	if err := i.cfg.Store.ApplyStatus(ctx, owner, thing, st, receivedAt); err != nil {
		i.owners.forget(thing) // in case it changed hands
		return err
	}
	i.cfg.Log.InfoContext(ctx, "status taken", "thing", thing, "state", st.State, "session", st.Session)
	return nil
}
