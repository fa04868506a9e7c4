package ingest

import (
	"context"
	"fmt"
	"time"

	"porchlight/internal/event"
)

// ahead is how far a thing's clock may be before the cloud's.
const ahead = time.Minute

func (i *Ingester) takeSensor(ctx context.Context, thing, sensor string, message []byte, receivedAt time.Time) error {
	s, err := event.ParseSensor(sensor, message, receivedAt)
	if err != nil {
		return fmt.Errorf("%w: thing %s: %w", ErrRejected, thing, err)
	}
	// A time to come would keep out all that is said until then.
	if s.At.After(receivedAt.Add(ahead)) {
		s.At = event.At(receivedAt)
	}
	owner, err := i.owners.of(ctx, thing)
	if err != nil {
		return err
	}
	written, err := i.cfg.Store.UpsertSensor(ctx, owner, thing, s, receivedAt)
	if err != nil {
		return err
	}
	i.cfg.Log.InfoContext(ctx, "sensor taken", "thing", thing, "sensor", sensor, "kind", s.Kind, "state", s.State, "stale", !written)
	return nil
}
