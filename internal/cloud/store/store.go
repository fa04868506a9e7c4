// Package store keeps cameras, events and ownership in one DynamoDB table.
//
// Every write is a single conditional write that may be repeated and may come
// in any order: what is stored only ever moves forward. Every read is by the
// owner's partition, so that no call can return another owner's item.
//
//	pk OWNER#<sub>   sk CAM#<camera>  a camera as it last described itself
//	pk OWNER#<sub>   sk EV#<ulid>     an event; gsi1pk CAM#<sub>#<camera>, gsi1sk EV#<ulid>
//	pk OWNER#<sub>   sk SENSOR#<thing>#<sensor>  what a sensor last said
//	pk OWNER#<sub>   sk TURN#<camera> whose picture the cloud looks at, for a while
//	pk OWNER#<sub>   sk TASK#<hash>   something asked for and answered once, for a while
//	pk THING#<thing> sk OWNER         who claimed the thing, and whether it is connected
//	pk THING#<thing> sk DEVICE        which device bears the thing's name
//	pk SERIAL#<s>    sk ALLOWED       a device that may be provisioned; gsi1pk SERIALS, gsi1sk SERIAL#<s>
//	pk CERT#<id>     sk THING         whose certificate it is
//
// Packages beside this one keep items of their own in an owner's partition:
// FACE#<name> of package gallery.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Errors of the store; match them with errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrUnclaimed = errors.New("thing has no owner")
	ErrClaimed   = errors.New("thing belongs to another owner")
	ErrInvalid   = errors.New("invalid argument")
)

// index is the name of the per-camera index.
const index = "gsi1"

// API is the part of DynamoDB that the store uses.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Config says which table to use.
type Config struct {
	API   API
	Table string
	Now   func() time.Time // nil is time.Now
}

// Store is safe for concurrent use.
type Store struct {
	api   API
	table *string
	now   func() time.Time
}

// New returns a store over an existing table.
func New(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{api: cfg.API, table: aws.String(cfg.Table), now: cfg.Now}
}

// ownerKey is the partition of everything that belongs to owner.
func ownerKey(owner string) (string, error) {
	const most = 256 // Cognito's are 36
	if owner == "" || len(owner) > most {
		return "", fmt.Errorf("%w: owner of %d bytes: want 1 to %d", ErrInvalid, len(owner), most)
	}
	return "OWNER#" + owner, nil
}

// get reads one item, nil when there is none.
func (s *Store) get(ctx context.Context, pk, sk string) (item, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: s.table, Key: key(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// wrote tells a write that the condition kept back, which is no error, from
// one that failed.
func wrote(err error) (bool, error) {
	var kept *types.ConditionalCheckFailedException
	if errors.As(err, &kept) {
		return false, nil
	}
	return err == nil, err
}
