package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// ErrNameTaken means that a thing's name is another device's.
var ErrNameTaken = errors.New("the thing's name is taken by another device")

// Sort keys of the items below.
const (
	identityItem    = "DEVICE" // of a thing: which device bears the name
	certificateItem = "THING"  // of a certificate: which thing it is
)

// ReserveThing makes thing the name of the device with a serial, "" for one
// that was added by hand. A name that is another device's is ErrNameTaken; so
// is one that has an owner besides owner before any device bore it.
func (s *Store) ReserveThing(ctx context.Context, thing, serial, owner string) error {
	pk, err := thingKey(thing)
	if err != nil {
		return err
	}
	known, err := s.get(ctx, pk, identityItem)
	if err != nil {
		return fmt.Errorf("read device of thing %s: %w", thing, err)
	}
	if known == nil {
		now, err := s.OwnerOf(ctx, thing)
		if err != nil && !errors.Is(err, ErrUnclaimed) {
			return err
		}
		if err == nil && now != owner && serial != "" {
			return fmt.Errorf("%w: %s has an owner already", ErrNameTaken, thing)
		}
	}
	it := key(pk, identityItem)
	it["serial"] = str(serial)
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: it,
		ConditionExpression:       aws.String("attribute_not_exists(pk) OR serial = :serial"),
		ExpressionAttributeValues: item{":serial": it["serial"]},
	})
	written, err := wrote(err)
	if err != nil {
		return fmt.Errorf("reserve thing %s: %w", thing, err)
	}
	if !written {
		return fmt.Errorf("%w: %s", ErrNameTaken, thing)
	}
	return nil
}

// certificateForm is what AWS IoT calls a certificate id: the SHA-256 of the
// certificate, hex.
var certificateForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func certificateKey(id string) (string, error) {
	if !certificateForm.MatchString(id) {
		return "", fmt.Errorf("%w: certificate id %.80q: want 64 hex digits", ErrInvalid, id)
	}
	return "CERT#" + id, nil
}

// RecordCertificate notes whose certificate it is. A certificate is one
// thing's for good: noting another is ErrNameTaken.
func (s *Store) RecordCertificate(ctx context.Context, certificateID, thing string) error {
	pk, err := certificateKey(certificateID)
	if err != nil {
		return err
	}
	if _, err := thingKey(thing); err != nil {
		return err
	}
	it := key(pk, certificateItem)
	it["thing"] = str(thing)
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: it,
		ConditionExpression:       aws.String("attribute_not_exists(pk) OR thing = :thing"),
		ExpressionAttributeValues: item{":thing": it["thing"]},
	})
	written, err := wrote(err)
	if err != nil {
		return fmt.Errorf("record certificate of thing %s: %w", thing, err)
	}
	if !written {
		return fmt.Errorf("%w: certificate %s", ErrNameTaken, certificateID)
	}
	return nil
}

// ThingOf returns the thing whose certificate it is, or ErrNotFound. A role
// session of the credentials provider has the certificate's id for its name.
func (s *Store) ThingOf(ctx context.Context, certificateID string) (string, error) {
	pk, err := certificateKey(certificateID)
	if err != nil {
		return "", err
	}
	it, err := s.get(ctx, pk, certificateItem)
	if err != nil {
		return "", fmt.Errorf("read thing of certificate: %w", err)
	}
	if thing := text(it, "thing"); thing != "" {
		return thing, nil
	}
	return "", fmt.Errorf("certificate %s: %w", certificateID, ErrNotFound)
}
