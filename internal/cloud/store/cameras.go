package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"porchlight/internal/event"
)

// Camera is a camera as its thing last described it.
type Camera struct {
	Camera    string            `json:"camera"` // <thing>.<name>
	Thing     string            `json:"thing"`
	Name      string            `json:"name"`
	Online    bool              `json:"-"` // the thing is connected and has this camera
	State     event.CameraState `json:"state"`
	Message   string            `json:"message,omitempty"` // cause and cure when failed
	ChangedAt event.Time        `json:"received_at"`       // when the cloud last heard of a change
	Version   string            `json:"version"`           // of the thing's software
	Detector  *event.Detector   `json:"detector,omitempty"`
	Session   string            `json:"session"` // MQTT session that described it
}

// presence is what the thing's item says besides its owner.
type presence struct {
	Online     bool       `json:"online"`
	Session    string     `json:"session"`
	ReceivedAt event.Time `json:"received_at"`
}

// ApplyStatus stores what a thing of owner said of itself. Of two statuses the
// one of the later session counts (session ids are ULIDs), within a session
// the one received later: the last will of a session that a newer one has
// replaced does nothing. A thing whose owner is not owner (any more) is
// ErrUnclaimed.
func (s *Store) ApplyStatus(ctx context.Context, owner, thing string, st *event.Status, receivedAt time.Time) error {
	pk, err := ownerKey(owner)
	if err != nil {
		return err
	}
	for _, c := range st.Cameras {
		if t, _, err := event.SplitCamera(c.Camera); err != nil || t != thing {
			return fmt.Errorf("%w: status of thing %s tells of camera %.140q", ErrInvalid, thing, c.Camera)
		}
	}
	// Each of the writes below is conditional by itself, so a repetition after
	// a failure half way completes what is missing.
	received := event.At(receivedAt)
	order := st.Session + "#" + received.String() + "#" + st.At.String()
	if err := s.setPresence(ctx, owner, thing, order, presence{st.State == event.Online, st.Session, received}); err != nil {
		return err
	}
	var failures []error
	for _, c := range st.Cameras {
		_, name, _ := event.SplitCamera(c.Camera)
		it, err := encode(Camera{
			Camera: c.Camera, Thing: thing, Name: name, State: c.State, Message: c.Message,
			ChangedAt: received, Version: st.Version, Detector: st.Detector, Session: st.Session,
		})
		if err != nil {
			return fmt.Errorf("%w: camera %s: %w", ErrInvalid, c.Camera, err)
		}
		it["pk"], it["sk"], it["order"] = str(pk), str(cameraKey(c.Camera)), str(order)
		_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: s.table, Item: it,
			ConditionExpression:       aws.String("attribute_not_exists(pk) OR #order < :order"),
			ExpressionAttributeNames:  map[string]string{"#order": "order"},
			ExpressionAttributeValues: item{":order": it["order"]},
		})
		if _, err := wrote(err); err != nil {
			failures = append(failures, fmt.Errorf("store camera %s: %w", c.Camera, err))
		}
	}
	return errors.Join(failures...)
}

// setPresence is one write for all of the thing's cameras, those included
// that are not known yet because their status is still under way.
func (s *Store) setPresence(ctx context.Context, owner, thing, order string, p presence) error {
	pk, err := thingKey(thing)
	if err != nil {
		return err
	}
	values, err := encode(p)
	if err != nil {
		return fmt.Errorf("%w: thing %s: %w", ErrInvalid, thing, err)
	}
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, ownerItem),
		UpdateExpression:    aws.String("SET #online = :online, #session = :session, #received = :received, #order = :order"),
		ConditionExpression: aws.String("#owner = :owner AND (attribute_not_exists(#order) OR #order < :order)"),
		ExpressionAttributeNames: map[string]string{
			"#online": "online", "#session": "session", "#received": "received_at", "#order": "order", "#owner": "owner",
		},
		ExpressionAttributeValues: item{
			":online": values["online"], ":session": values["session"], ":received": values["received_at"],
			":order": str(order), ":owner": str(owner),
		},
	})
	written, err := wrote(err)
	if err != nil {
		return fmt.Errorf("store presence of thing %s: %w", thing, err)
	}
	if written {
		return nil
	}
	// Kept back: either older than what is stored, or not owner's.
	now, err := s.OwnerOf(ctx, thing)
	if err == nil && now != owner {
		err = fmt.Errorf("%w: %s changed hands", ErrUnclaimed, thing)
	}
	return err
}

// Cameras returns all cameras of owner, by id.
func (s *Store) Cameras(ctx context.Context, owner string) ([]*Camera, error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return nil, err
	}
	in := &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :camera)"),
		ExpressionAttributeValues: item{":pk": str(pk), ":camera": str(cameraKey(""))},
	}
	var cameras []*Camera
	things := map[string]presence{}
	for pages := dynamodb.NewQueryPaginator(s.api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("query cameras: %w", err)
		}
		for _, it := range out.Items {
			c := &Camera{}
			if err := decode(it, c); err != nil {
				return nil, fmt.Errorf("query cameras: %w", err)
			}
			p, known := things[c.Thing]
			if !known {
				if p, _, err = s.presence(ctx, owner, c.Thing); err != nil {
					return nil, err
				}
				things[c.Thing] = p
			}
			c.see(p)
			cameras = append(cameras, c)
		}
	}
	return cameras, nil
}

// see adds what the thing says of itself. A camera that its present session
// has not described is not there any more.
func (c *Camera) see(p presence) {
	c.Online = p.Online && p.Session == c.Session
	if p.ReceivedAt.After(c.ChangedAt.Time) && !c.Online {
		c.ChangedAt = p.ReceivedAt
	}
}

// Camera returns a camera whose thing is owner's now, or ErrNotFound.
func (s *Store) Camera(ctx context.Context, owner, camera string) (*Camera, error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return nil, err
	}
	thing, _, err := event.SplitCamera(camera)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	it, err := s.get(ctx, pk, cameraKey(camera))
	if err != nil {
		return nil, fmt.Errorf("read camera %s: %w", camera, err)
	}
	p, owned, err := s.presence(ctx, owner, thing)
	if err != nil {
		return nil, err
	}
	if it == nil || !owned {
		return nil, fmt.Errorf("camera %s: %w", camera, ErrNotFound)
	}
	c := &Camera{}
	if err := decode(it, c); err != nil {
		return nil, fmt.Errorf("read camera %s: %w", camera, err)
	}
	c.see(p)
	return c, nil
}

// HasCamera reports whether owner has that camera.
func (s *Store) HasCamera(ctx context.Context, owner, camera string) (bool, error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return false, err
	}
	if _, _, err := event.SplitCamera(camera); err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	it, err := s.get(ctx, pk, cameraKey(camera))
	if err != nil {
		return false, fmt.Errorf("read camera %s: %w", camera, err)
	}
	return it != nil, nil
}

// presence of a thing, and whether it is owner's; that of a thing which left
// the owner is offline.
func (s *Store) presence(ctx context.Context, owner, thing string) (p presence, owned bool, err error) {
	pk, err := thingKey(thing)
	if err != nil {
		return p, false, err
	}
	it, err := s.get(ctx, pk, ownerItem)
	if err != nil {
		return p, false, fmt.Errorf("read presence of thing %s: %w", thing, err)
	}
	if text(it, "owner") != owner {
		return p, false, nil
	}
	if text(it, "order") == "" {
		return p, true, nil
	}
	if err := decode(it, &p); err != nil {
		return p, false, fmt.Errorf("read presence of thing %s: %w", thing, err)
	}
	return p, true, nil
}

func cameraKey(camera string) string { return "CAM#" + camera }
