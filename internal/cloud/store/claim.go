package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"porchlight/internal/event"
)

func thingKey(thing string) (string, error) {
	if err := event.ValidateThing(thing); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return "THING#" + thing, nil
}

// ownerItem is the sort key of the item that says who claimed a thing.
const ownerItem = "OWNER"

// Claim makes owner the owner of thing. It does nothing when owner has it
// already and fails with ErrClaimed when someone else does.
func (s *Store) Claim(ctx context.Context, thing, owner string) error {
	pk, err := thingKey(thing)
	if err != nil {
		return err
	}
	if _, err := ownerKey(owner); err != nil {
		return err
	}
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, ownerItem),
		UpdateExpression:          aws.String("SET #owner = :owner"),
		ConditionExpression:       aws.String("attribute_not_exists(#owner) OR #owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": "owner"},
		ExpressionAttributeValues: item{":owner": str(owner)},
	})
	written, err := wrote(err)
	if err != nil {
		return fmt.Errorf("claim thing %s: %w", thing, err)
	}
	if !written {
		return fmt.Errorf("%w: %s: its owner must release it first", ErrClaimed, thing)
	}
	return nil
}

// OwnerOf returns who claimed thing, or ErrUnclaimed.
func (s *Store) OwnerOf(ctx context.Context, thing string) (string, error) {
	pk, err := thingKey(thing)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, pk, ownerItem)
	if err != nil {
		return "", fmt.Errorf("read owner of thing %s: %w", thing, err)
	}
	if owner := text(it, "owner"); owner != "" {
		return owner, nil
	}
	return "", fmt.Errorf("%w: %s: claim it for its owner", ErrUnclaimed, thing)
}
