package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"porchlight/internal/event"
)

// Errors about devices; match them with errors.Is.
var (
	ErrOtherKey   = errors.New("the serial belongs to a device with another key")
	ErrOtherThing = errors.New("the serial is allowed under another name")
)

// Device is a serial that the operator allowed to be provisioned, and what
// became of it.
type Device struct {
	Serial        string      `json:"serial"`
	Thing         string      `json:"thing"`           // the name it gets
	Owner         string      `json:"owner,omitempty"` // whose it will be; empty: nobody's yet
	AllowedAt     event.Time  `json:"allowed_at"`
	PublicKey     string      `json:"public_key,omitempty"` // SHA-256 of the key it came with, hex
	CertificateID string      `json:"certificate_id,omitempty"`
	ProvisionedAt *event.Time `json:"provisioned_at,omitempty"`
	Refused       int         `json:"refused,omitempty"` // requests with other keys
}

func deviceKey(serial string) (string, error) {
	// The form of a thing's name: it is one unless the operator chose another.
	if err := event.ValidateThing(serial); err != nil {
		return "", fmt.Errorf("%w: serial %.80q: want 1 to 64 of A-Z a-z 0-9 _ -", ErrInvalid, serial)
	}
	return "SERIAL#" + serial, nil
}

const (
	deviceItem  = "ALLOWED" // sort key of a serial's item
	devicesList = "SERIALS" // its partition in the index, for the operator's list
)

// AllowDevice lets the device with a serial become thing, at once owner's
// unless owner is empty. The thing is named like the serial when thing is
// empty. A serial that is allowed already stays as it is and is returned;
// under another name, or for another owner, it is ErrOtherThing.
func (s *Store) AllowDevice(ctx context.Context, serial, thing, owner string) (d Device, added bool, err error) {
	pk, err := deviceKey(serial)
	if err != nil {
		return d, false, err
	}
	name := thing
	if name == "" {
		name = serial
	}
	if _, err := thingKey(name); err != nil {
		return d, false, err
	}
	if owner != "" {
		if _, err := ownerKey(owner); err != nil {
			return d, false, err
		}
	}
	d = Device{Serial: serial, Thing: name, Owner: owner, AllowedAt: event.At(s.now())}
	it, err := encode(d)
	if err != nil {
		return d, false, err
	}
	it["pk"], it["sk"], it["gsi1pk"], it["gsi1sk"] = str(pk), str(deviceItem), str(devicesList), str(pk)
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	added, err = wrote(err)
	if err != nil {
		return d, false, fmt.Errorf("allow serial %s: %w", serial, err)
	}
	if added {
		return d, true, nil
	}
	if d, err = s.Device(ctx, serial); err != nil {
		return d, false, err
	}
	if thing != "" && d.Thing != thing || owner != "" && d.Owner != owner {
		return d, false, fmt.Errorf("%w: %s is thing %s, owner %q: forget the serial first", ErrOtherThing, serial, d.Thing, d.Owner)
	}
	return d, false, nil
}

// Device returns what is known of a serial, or ErrNotFound.
func (s *Store) Device(ctx context.Context, serial string) (d Device, err error) {
	pk, err := deviceKey(serial)
	if err != nil {
		return d, err
	}
	it, err := s.get(ctx, pk, deviceItem)
	if err != nil {
		return d, fmt.Errorf("read serial %s: %w", serial, err)
	}
	if it == nil {
		return d, fmt.Errorf("serial %s: %w", serial, ErrNotFound)
	}
	return d, decode(it, &d)
}

// Devices returns all serials, by serial.
func (s *Store) Devices(ctx context.Context) (list []Device, err error) {
	in := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(index), KeyConditionExpression: aws.String("gsi1pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(devicesList)},
	}
	for pages := dynamodb.NewQueryPaginator(s.api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("query serials: %w", err)
		}
		for _, it := range out.Items {
			var d Device
			if err := decode(it, &d); err != nil {
				return nil, fmt.Errorf("query serials: %w", err)
			}
			list = append(list, d)
		}
	}
	return list, nil
}

// BindDevice notes that the device with a serial came with a key and is given
// a certificate for it. The first key stays the serial's: another one is
// ErrOtherKey and counted. A serial that is not allowed is ErrNotFound.
func (s *Store) BindDevice(ctx context.Context, serial, publicKey, certificateID string) (d Device, err error) {
	pk, err := deviceKey(serial)
	if err != nil {
		return d, err
	}
	at := event.At(s.now()).String()
	out, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, deviceItem), ReturnValues: "ALL_NEW",
		UpdateExpression:    aws.String("SET public_key = :key, certificate_id = :certificate, provisioned_at = :at"),
		ConditionExpression: aws.String("attribute_exists(pk) AND (attribute_not_exists(public_key) OR public_key = :key)"),
		ExpressionAttributeValues: item{
			":key": str(publicKey), ":certificate": str(certificateID), ":at": str(at),
		},
	})
	written, err := wrote(err)
	if err != nil {
		return d, fmt.Errorf("bind serial %s: %w", serial, err)
	}
	if written {
		return d, decode(out.Attributes, &d)
	}
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, deviceItem), UpdateExpression: aws.String("ADD refused :one"),
		ConditionExpression: aws.String("attribute_exists(pk)"), ExpressionAttributeValues: item{":one": num(1)},
	})
	switch written, err := wrote(err); {
	case err != nil:
		return d, fmt.Errorf("bind serial %s: %w", serial, err)
	case !written:
		return d, fmt.Errorf("serial %s: %w", serial, ErrNotFound)
	}
	return d, fmt.Errorf("%w: %s", ErrOtherKey, serial)
}

// ReopenDevice lets the device with a serial come with a new key, once.
func (s *Store) ReopenDevice(ctx context.Context, serial string) error {
	pk, err := deviceKey(serial)
	if err != nil {
		return err
	}
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: key(pk, deviceItem), UpdateExpression: aws.String("REMOVE public_key, refused"),
		ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	written, err := wrote(err)
	if err != nil {
		return fmt.Errorf("allow serial %s again: %w", serial, err)
	}
	if !written {
		return fmt.Errorf("serial %s: %w", serial, ErrNotFound)
	}
	return nil
}

// ForgetDevice withdraws a serial and returns what was known of it. What it
// was given before stays good.
func (s *Store) ForgetDevice(ctx context.Context, serial string) (d Device, err error) {
	pk, err := deviceKey(serial)
	if err != nil {
		return d, err
	}
	out, err := s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: s.table, Key: key(pk, deviceItem), ReturnValues: "ALL_OLD",
	})
	if err != nil {
		return d, fmt.Errorf("forget serial %s: %w", serial, err)
	}
	if out.Attributes == nil {
		return d, fmt.Errorf("serial %s: %w", serial, ErrNotFound)
	}
	return d, decode(out.Attributes, &d)
}
