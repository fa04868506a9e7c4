package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableProperties are the CloudFormation properties of
// AWS::DynamoDB::GlobalTable and AWS::DynamoDB::Table that are honored.
type TableProperties struct {
	TableName               string
	AttributeDefinitions    []AttributeDefinition
	KeySchema               []KeyElement
	GlobalSecondaryIndexes  []GlobalSecondaryIndex
	TimeToLiveSpecification *TimeToLive
}

// AttributeDefinition gives the type (S, N or B) of a key attribute.
type AttributeDefinition struct{ AttributeName, AttributeType string }

// KeyElement is one attribute of a key; KeyType is HASH or RANGE.
type KeyElement struct{ AttributeName, KeyType string }

// GlobalSecondaryIndex is a second way to sort the items.
type GlobalSecondaryIndex struct {
	IndexName  string
	KeySchema  []KeyElement
	Projection Projection
}

// Projection says what an index holds: ALL, KEYS_ONLY or INCLUDE.
type Projection struct {
	ProjectionType   string
	NonKeyAttributes []string
}

// TimeToLive names the attribute, epoch seconds, after which an item goes.
type TimeToLive struct {
	AttributeName string
	Enabled       bool
}

// Provision makes the table unless it is there already, and returns when it
// can be used. A table that exists with other keys or indexes is left alone:
// ErrTableMismatch. Properties that DynamoDB refuses are ErrInvalidTable.
func (s *Server) Provision(ctx context.Context, props TableProperties) error {
	if props.TableName == "" {
		return fmt.Errorf("%w: TableName is empty: give the table a name", ErrInvalidTable)
	}
	want := props.input()
	found, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: want.TableName})
	var missing *types.ResourceNotFoundException
	switch {
	case err == nil:
		if err := sameKeys(want, found.Table); err != nil {
			return fmt.Errorf("%w: table %s: %w: name the table anew, or remove %s to begin afresh",
				ErrTableMismatch, props.TableName, err, s.cfg.Dir)
		}
	case !errors.As(err, &missing):
		return fmt.Errorf("describe table %s: %w", props.TableName, err)
	default:
		if _, err := s.client.CreateTable(ctx, want); err != nil {
			return fmt.Errorf("%w: table %s: %w", ErrInvalidTable, props.TableName, err)
		}
	}
	err = dynamodb.NewTableExistsWaiter(s.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 500*time.Millisecond
	}).Wait(ctx, &dynamodb.DescribeTableInput{TableName: want.TableName}, 30*time.Second)
	if err != nil {
		return fmt.Errorf("wait for table %s: %w", props.TableName, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ttl, props.TableName)
	if t := props.TimeToLiveSpecification; t != nil && t.Enabled {
		s.ttl[props.TableName] = t.AttributeName
	}
	return nil
}

func (p *TableProperties) input() *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(p.TableName), KeySchema: keys(p.KeySchema),
		BillingMode: types.BillingModePayPerRequest, // capacity means nothing here
	}
	for _, a := range p.AttributeDefinitions {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a.AttributeName), AttributeType: types.ScalarAttributeType(a.AttributeType),
		})
	}
	for _, g := range p.GlobalSecondaryIndexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(g.IndexName), KeySchema: keys(g.KeySchema),
			Projection: &types.Projection{
				ProjectionType:   types.ProjectionType(g.Projection.ProjectionType),
				NonKeyAttributes: g.Projection.NonKeyAttributes,
			},
		})
	}
	return in
}

func keys(in []KeyElement) (out []types.KeySchemaElement) {
	for _, k := range in {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(k.AttributeName), KeyType: types.KeyType(k.KeyType)})
	}
	return out
}

// sameKeys compares keys, their types and the indexes, not their order.
func sameKeys(want *dynamodb.CreateTableInput, have *types.TableDescription) error {
	wanted, found := map[string]string{}, map[string]string{}
	for _, a := range want.AttributeDefinitions {
		wanted["attribute "+*a.AttributeName] = string(a.AttributeType)
	}
	for _, a := range have.AttributeDefinitions {
		found["attribute "+*a.AttributeName] = string(a.AttributeType)
	}
	wanted["key"], found["key"] = keyText(want.KeySchema), keyText(have.KeySchema)
	for _, g := range want.GlobalSecondaryIndexes {
		wanted["index "+*g.IndexName] = keyText(g.KeySchema) + " " + string(g.Projection.ProjectionType)
	}
	for _, g := range have.GlobalSecondaryIndexes {
		found["index "+*g.IndexName] = keyText(g.KeySchema) + " " + string(g.Projection.ProjectionType)
	}
	names := slices.Collect(maps.Keys(wanted))
	names = slices.AppendSeq(names, maps.Keys(found))
	slices.Sort(names)
	for _, name := range names {
		if wanted[name] != found[name] {
			return fmt.Errorf("%s is %q where %q is wanted", name, found[name], wanted[name])
		}
	}
	return nil
}

func keyText(schema []types.KeySchemaElement) (text string) {
	for _, k := range schema {
		text += *k.AttributeName + ":" + string(k.KeyType) + " "
	}
	return text
}
