package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"porchlight/internal/event"
)

// MaxLimit is the most events of one page.
const MaxLimit = 100

const (
	maxReads     = 8   // of the table for one page, however few items match
	filteredRead = 250 // items in one read when a label or a severity is looked for
)

// Query says which events, newest first. Zero fields do not filter.
type Query struct {
	Camera   string         // <thing>.<name>
	Label    string         // seen in the event
	Severity event.Severity // of the event; those without any match none
	From     time.Time      // started at this time or later
	To       time.Time      // started before this time
	Limit    int            // 1 to MaxLimit
	After    string         // Page.Next of the page before, with the same filters
}

// Page is one page of events. A page may hold fewer than the limit, even
// none, and still have a Next when few of very many events match.
type Page struct {
	Events []*Labeled
	Next   string // event id to go on after; "" when there is no more
}

// Events returns one page of owner's events, newest first. Bad arguments are
// ErrInvalid.
func (s *Store) Events(ctx context.Context, owner string, q Query) (*Page, error) {
	in, empty, err := s.queryInput(owner, q)
	if err != nil || empty {
		return &Page{}, err
	}
	page, pk := &Page{}, "OWNER#"+owner
	for range maxReads {
		out, err := s.api.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("query events: %w", err)
		}
		for _, it := range out.Items {
			if text(it, "pk") != pk {
				return nil, fmt.Errorf("query events: index %s holds an item of another partition", index)
			}
			// One more than fits tells that there is a next page.
			if len(page.Events) == q.Limit {
				page.Next = page.Events[q.Limit-1].EventID
				return page, nil
			}
			var e Labeled
			if err := decode(it, &e); err != nil {
				return nil, fmt.Errorf("query events: %w", err)
			}
			page.Events = append(page.Events, &e)
		}
		if out.LastEvaluatedKey == nil {
			return page, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	page.Next = strings.TrimPrefix(text(in.ExclusiveStartKey, "sk"), "EV#")
	return page, nil
}

// queryInput reports empty when no event can lie in the query's time range.
func (s *Store) queryInput(owner string, q Query) (in *dynamodb.QueryInput, empty bool, err error) {
	pk, err := ownerKey(owner)
	if err != nil {
		return nil, false, err
	}
	if q.Limit < 1 || q.Limit > MaxLimit {
		return nil, false, fmt.Errorf("%w: limit %d: want 1 to %d", ErrInvalid, q.Limit, MaxLimit)
	}
	low, high, empty := idRange(q.From, q.To)
	if empty {
		return nil, true, nil
	}
	in = &dynamodb.QueryInput{
		TableName: s.table, Limit: aws.Int32(int32(q.Limit) + 1), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:   aws.String("#pk = :pk AND #sk BETWEEN :low AND :high"),
		FilterExpression:         aws.String("#expires > :now"),
		ExpressionAttributeNames: map[string]string{"#pk": "pk", "#sk": "sk", "#expires": "expires_at"},
		ExpressionAttributeValues: item{
			":pk": str(pk), ":low": str(eventKey(low)), ":high": str(eventKey(high)), ":now": num(s.now().Unix()),
		},
	}
	if q.Label != "" {
		in.Limit = aws.Int32(filteredRead)
		*in.FilterExpression += " AND attribute_exists(#labels.#label)"
		in.ExpressionAttributeNames["#labels"], in.ExpressionAttributeNames["#label"] = "labels", q.Label
	}
	if q.Severity != "" {
		in.Limit = aws.Int32(filteredRead)
		*in.FilterExpression += " AND #severity = :severity"
		in.ExpressionAttributeNames["#severity"], in.ExpressionAttributeValues[":severity"] = "severity", str(string(q.Severity))
	}
	if q.After != "" {
		if err := event.ValidateID(q.After); err != nil || q.After < low || q.After > high {
			return nil, false, fmt.Errorf("%w: after: not a place in this query", ErrInvalid)
		}
		in.ExclusiveStartKey = key(pk, eventKey(q.After))
	}
	if q.Camera != "" {
		// Checked, because a '#' in it could name another owner's partition.
		if _, _, err := event.SplitCamera(q.Camera); err != nil {
			return nil, false, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		partition := cameraPartition(owner, q.Camera)
		in.IndexName = aws.String(index)
		in.ExpressionAttributeNames["#pk"], in.ExpressionAttributeNames["#sk"] = "gsi1pk", "gsi1sk"
		in.ExpressionAttributeValues[":pk"] = str(partition)
		if in.ExclusiveStartKey != nil {
			in.ExclusiveStartKey["gsi1pk"], in.ExclusiveStartKey["gsi1sk"] = str(partition), str(eventKey(q.After))
		}
	}
	return in, false, nil
}

// idRange returns the lowest and highest event id of the times from <= t < to.
// The time part of an id is whole milliseconds.
func idRange(from, to time.Time) (low, high string, empty bool) {
	first, last := int64(0), int64(ulid.MaxTime())
	if !from.IsZero() {
		first = max(first, ceilMilli(from))
	}
	if !to.IsZero() {
		last = min(last, ceilMilli(to)-1)
	}
	if first > last {
		return "", "", true
	}
	var lowID, highID ulid.ULID
	for i := range highID {
		highID[i] = 0xff
	}
	// SetTime fails beyond MaxTime only.
	if lowID.SetTime(uint64(first)) != nil || highID.SetTime(uint64(last)) != nil {
		return "", "", true
	}
	return lowID.String(), highID.String(), false
}

func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}
