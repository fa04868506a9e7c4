package store

import (
	"context"
	"fmt"
	"time"

	"porchlight/internal/event"
)

// UpsertEvent stores e unless the same or a later state of the event is there
// already, in which case it does nothing and returns false. The event never
// changes its camera. Its severity never falls: once a delivery has said
// alert it stays one, whatever order they come in. It is hidden, and later
// deleted, once expires has passed.
func (s *Store) UpsertEvent(ctx context.Context, owner string, e *event.Event, expires time.Time) (written bool, err error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return false, err
	}
	if err := e.Validate(); err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	it, err := encode(e)
	if err != nil {
		return false, fmt.Errorf("%w: event %s: %w", ErrInvalid, e.EventID, err)
	}
	it["pk"], it["sk"] = str(pk), str(eventKey(e.EventID))
	it["gsi1pk"], it["gsi1sk"] = str(cameraPartition(owner, e.Camera)), it["sk"]
	it["expires_at"] = num(expires.Unix())
	if e.Severity == event.Alert {
		written, err = s.putAlert(ctx, it)
	} else {
		written, err = s.putLesser(ctx, it)
	}
	if err != nil {
		return false, fmt.Errorf("store event %s: %w", e.EventID, err)
	}
	return written, nil
}

// Event returns one event of owner, or ErrNotFound when owner has none of
// that id or it has expired.
func (s *Store) Event(ctx context.Context, owner, id string) (*event.Event, error) {
	e, err := s.LabeledEvent(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	return &e.Event, nil
}

func eventKey(id string) string { return "EV#" + id }

// cameraPartition holds the events of one camera in the index. A camera id
// has no '#', so no two pairs of owner and camera share a partition.
func cameraPartition(owner, camera string) string { return "CAM#" + owner + "#" + camera }
