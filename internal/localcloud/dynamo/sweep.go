package dynamo

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// sweepItems is the most items of one table that one sweep looks at, so that
// the sweeper never holds up the rest. Like DynamoDB's own expiry it is late
// on big tables, and readers leave out what has expired.
const sweepItems = 1000

type itemKey = map[string]types.AttributeValue

// sweep deletes expired items until ctx ends.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	at := map[string]itemKey{} // where the last sweep of each table stopped
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		tables := maps.Clone(s.ttl)
		s.mu.Unlock()
		for table, attribute := range tables {
			next, deleted, err := s.sweepTable(ctx, table, attribute, at[table])
			at[table] = next
			if err != nil && ctx.Err() == nil {
				s.log.Warn("sweep of expired items failed, trying again later", "table", table, "err", err)
			} else if deleted > 0 {
				s.log.Debug("expired items deleted", "table", table, "items", deleted)
			}
		}
	}
}

// sweepTable looks at the next items from start on, deletes those whose TTL
// has passed, and returns where to go on; nil is the beginning.
func (s *Server) sweepTable(ctx context.Context, table, attribute string, start itemKey) (next itemKey, deleted int, err error) {
	names := map[string]string{"#ttl": attribute}
	values := itemKey{":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Unix(), 10)}}
	const expired = "#ttl < :now" // false for items whose TTL is missing or no number
	described, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		return start, 0, err
	}
	page, err := s.client.Scan(ctx, &dynamodb.ScanInput{
		TableName: aws.String(table), Limit: aws.Int32(sweepItems), ExclusiveStartKey: start,
		FilterExpression: aws.String(expired), ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	if err != nil {
		return nil, 0, err // start may no longer be a valid place
	}
	for _, item := range page.Items {
		key := itemKey{}
		for _, k := range described.Table.KeySchema {
			key[*k.AttributeName] = item[*k.AttributeName]
		}
		// Again under the condition: it may have been renewed meanwhile.
		_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: aws.String(table), Key: key,
			ConditionExpression: aws.String(expired), ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		})
		var renewed *types.ConditionalCheckFailedException
		if errors.As(err, &renewed) {
			continue
		}
		if err != nil {
			return page.LastEvaluatedKey, deleted, err
		}
		deleted++
	}
	return page.LastEvaluatedKey, deleted, nil
}
