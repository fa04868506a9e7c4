package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"porchlight/internal/event"
)

// ErrNoAlert means that an event is none, or not of the camera it is said to
// be of: it gets no labels of the cloud's.
var ErrNoAlert = errors.New("not an alert of that camera")

// errContended: others kept changing the item.
var errContended = errors.New("labels were changed by others all the time")

// The attributes of an event that are the cloud's own; a device never writes
// them. Only alerts have them, which putAlert and putLesser rely on.
const (
	cloudLabels  = "cloud_labels"  // best score of each label that the cloud saw
	cloudPicture = "cloud_picture" // ETag of the picture in which it looked last
)

// Labeled is an event and what the cloud itself saw in its pictures.
type Labeled struct {
	event.Event
	CloudLabels map[string]float64 `json:"cloud_labels"`  // best score of each; nil: never looked
	Picture     string             `json:"cloud_picture"` // ETag of the picture looked at last
}

// LabeledEvent is Event with the cloud's labels.
func (s *Store) LabeledEvent(ctx context.Context, owner, id string) (*Labeled, error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return nil, err
	}
	if err := event.ValidateID(id); err != nil {
		return nil, fmt.Errorf("event: %w", ErrNotFound)
	}
	it, err := s.get(ctx, pk, eventKey(id))
	if err != nil {
		return nil, fmt.Errorf("read event %s: %w", id, err)
	}
	var stored struct {
		Labeled
		ExpiresAt int64 `json:"expires_at"`
	}
	if it != nil {
		if err := decode(it, &stored); err != nil {
			return nil, fmt.Errorf("read event %s: %w", id, err)
		}
	}
	if it == nil || stored.ExpiresAt <= s.now().Unix() {
		return nil, fmt.Errorf("event %s: %w", id, ErrNotFound)
	}
	return &stored.Labeled, nil
}

// MergeLabels adds what was seen in a picture to the cloud's labels of an
// alert, of each label the best score, and returns them all. Nothing that the
// device says is touched, and no event is made. The same picture, told by its
// ETag, counts once when it comes again before another. Errors are
// ErrNotFound, ErrNoAlert and those of the table.
func (s *Store) MergeLabels(ctx context.Context, owner, camera, id, picture string, labels map[string]float64) (map[string]float64, error) {
	const tries = 5
	for range tries {
		e, err := s.LabeledEvent(ctx, owner, id)
		if err != nil {
			return nil, err
		}
		if e.Camera != camera || e.Severity != event.Alert {
			return nil, fmt.Errorf("label event %s: %w", id, ErrNoAlert)
		}
		if e.Picture == picture {
			return e.CloudLabels, nil
		}
		merged := map[string]float64{}
		for _, some := range []map[string]float64{e.CloudLabels, labels} {
			for label, score := range some {
				merged[label] = max(merged[label], score)
			}
		}
		written, err := s.setLabels(ctx, "OWNER#"+owner, e, picture, merged)
		if err != nil {
			return nil, fmt.Errorf("label event %s: %w", id, err)
		}
		if written {
			return merged, nil
		}
	}
	return nil, fmt.Errorf("label event %s: %w", id, errContended)
}

// setLabels replaces the labels that e was read with.
func (s *Store) setLabels(ctx context.Context, pk string, e *Labeled, picture string, labels map[string]float64) (bool, error) {
	values, err := encode(map[string]any{cloudLabels: labels})
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	condition := "#camera = :camera AND #severity = :alert AND "
	in := &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, eventKey(e.EventID)),
		UpdateExpression: aws.String("SET #labels = :labels, #picture = :picture"),
		ExpressionAttributeNames: map[string]string{
			"#camera": "camera", "#severity": "severity", "#labels": cloudLabels, "#picture": cloudPicture,
		},
		ExpressionAttributeValues: item{
			":camera": str(e.Camera), ":alert": str(string(event.Alert)),
			":labels": values[cloudLabels], ":picture": str(picture),
		},
	}
	if e.Picture == "" {
		condition += "attribute_not_exists(#picture)"
	} else {
		condition += "#picture = :before"
		in.ExpressionAttributeValues[":before"] = str(e.Picture)
	}
	in.ConditionExpression = aws.String(condition)
	_, err = s.api.UpdateItem(ctx, in)
	return wrote(err)
}

// optionalFields are those of an event that its JSON may leave out.
func optionalFields() []string {
	return []string{"ended_at", "severity", "appeared", "removed", "thumbnail_key", "clip"}
}

// replaceKeeping puts what the device says over an earlier state of an event
// as putIf does, and leaves the cloud's own attributes as they are.
func (s *Store) replaceKeeping(ctx context.Context, it item, condition string, alert types.AttributeValue) (written bool, err error) {
	names, values := conditionOn(it)
	var set, remove []string
	for name, v := range it {
		if name == "pk" || name == "sk" {
			continue
		}
		names["#"+name], values[":"+name] = name, v
		set = append(set, "#"+name+" = :"+name)
	}
	for _, name := range optionalFields() {
		if _, there := it[name]; !there {
			names["#"+name] = name
			remove = append(remove, "#"+name)
		}
	}
	if alert != nil {
		names["#severity"], values[":alert"] = "severity", alert
	}
	update := "SET " + strings.Join(set, ", ")
	if len(remove) > 0 {
		update += " REMOVE " + strings.Join(remove, ", ")
	}
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: item{"pk": it["pk"], "sk": it["sk"]}, UpdateExpression: aws.String(update),
		ConditionExpression: aws.String(condition), ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	return wrote(err)
}

// TakeTurn says whether it is somebody's turn at a camera: that of who asks
// first, who may ask again, and of nobody else until the time is over. It is
// what keeps a busy camera from being looked at all the time.
func (s *Store) TakeTurn(ctx context.Context, owner, camera, by string, until time.Time) (bool, error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return false, err
	}
	if _, _, err := event.SplitCamera(camera); err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	// Whoever asks again keeps the time that was said first.
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, "TURN#"+camera),
		UpdateExpression:         aws.String("SET #by = :by, #until = :until, #expires = :expires"),
		ConditionExpression:      aws.String("attribute_not_exists(pk) OR #until <= :now"),
		ExpressionAttributeNames: map[string]string{"#by": "turn_by", "#until": "turn_until", "#expires": "expires_at"},
		ExpressionAttributeValues: item{
			":by": str(by), ":until": num(until.UnixMilli()), ":now": num(s.now().UnixMilli()), ":expires": num(until.Unix() + 1),
		},
	})
	taken, err := wrote(err)
	if err != nil {
		return false, fmt.Errorf("take turn at camera %s: %w", camera, err)
	}
	if taken {
		return true, nil
	}
	it, err := s.get(ctx, pk, "TURN#"+camera)
	if err != nil {
		return false, fmt.Errorf("read turn at camera %s: %w", camera, err)
	}
	return text(it, "turn_by") == by, nil
}
