package s3

import (
	"context"
	"fmt"

	"github.com/johannesboyne/gofakes3"
)

const sweepPage = 1000 // keys looked at in one transaction

// Sweep removes the objects whose lifecycle rule says so and returns how many.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	removed := 0
	for bucket, rules := range s.rules {
		for _, rule := range rules {
			n, err := s.sweepRule(ctx, bucket, rule)
			removed += n
			if err != nil {
				return removed, fmt.Errorf("bucket %s, lifecycle rule %q: %w", bucket, rule.ID, err)
			}
		}
	}
	return removed, nil
}

func (s *Store) sweepRule(ctx context.Context, bucket string, rule LifecycleRule) (int, error) {
	removed := 0
	prefix := gofakes3.NewPrefix(&rule.Prefix, nil)
	limit := s.cfg.Now().AddDate(0, 0, -rule.ExpirationInDays)
	page := gofakes3.ListBucketPage{MaxKeys: sweepPage}
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		list, err := s.backend.ListBucket(bucket, &prefix, page)
		if err != nil {
			return removed, err
		}
		var expired []string
		for _, o := range list.Contents {
			if !o.LastModified.After(limit) {
				expired = append(expired, o.Key)
			}
		}
		if len(expired) > 0 {
			if _, err := s.backend.DeleteMulti(bucket, expired...); err != nil {
				return removed, err
			}
			removed += len(expired)
		}
		if !list.IsTruncated {
			return removed, nil
		}
		page.HasMarker, page.Marker = true, list.NextMarker
	}
}
