package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"porchlight/internal/event"
)

// Sensor is what a sensor of a thing last said.
type Sensor struct {
	Thing      string           `json:"thing"`
	Name       string           `json:"name"`
	Kind       event.SensorKind `json:"kind"`
	State      string           `json:"state"`
	At         event.Time       `json:"at"`          // when it became so
	ReceivedAt event.Time       `json:"received_at"` // when the cloud heard of it
}

// UpsertSensor stores what a sensor of a thing of owner said, unless it is of
// the same time as what is stored or of an earlier one: then it does nothing
// and returns false.
func (s *Store) UpsertSensor(ctx context.Context, owner, thing string, said *event.Sensor, receivedAt time.Time) (written bool, err error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return false, err
	}
	if err := event.ValidateThing(thing); err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := said.Validate(); err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	it, err := encode(Sensor{
		Thing: thing, Name: said.Name, Kind: said.Kind, State: said.State, At: said.At, ReceivedAt: event.At(receivedAt),
	})
	if err != nil {
		return false, fmt.Errorf("%w: sensor %s of %s: %w", ErrInvalid, said.Name, thing, err)
	}
	it["pk"], it["sk"] = str(pk), str(sensorKey(thing, said.Name))
	// The texts of times sort like times.
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: it,
		ConditionExpression:       aws.String("attribute_not_exists(pk) OR #at < :at"),
		ExpressionAttributeNames:  map[string]string{"#at": "at"},
		ExpressionAttributeValues: item{":at": it["at"]},
	})
	if written, err = wrote(err); err != nil {
		return false, fmt.Errorf("store sensor %s of %s: %w", said.Name, thing, err)
	}
	return written, nil
}

// Sensors returns all sensors of owner, by thing and name.
func (s *Store) Sensors(ctx context.Context, owner string) ([]*Sensor, error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return nil, err
	}
	in := &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sensor)"),
		ExpressionAttributeValues: item{":pk": str(pk), ":sensor": str(sensorPrefix)},
	}
	var sensors []*Sensor
	for pages := dynamodb.NewQueryPaginator(s.api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("query sensors: %w", err)
		}
		for _, it := range out.Items {
			found := &Sensor{}
			if err := decode(it, found); err != nil {
				return nil, fmt.Errorf("query sensors: %w", err)
			}
			sensors = append(sensors, found)
		}
	}
	return sensors, nil
}

const sensorPrefix = "SENSOR#"

// sensorKey parts by a character that no name has.
func sensorKey(thing, sensor string) string { return sensorPrefix + thing + "#" + sensor }
