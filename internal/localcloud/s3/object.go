package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what an ETag is
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/johannesboyne/gofakes3"

	"porchlight/internal/localcloud/awsapi"
)

// Errors of Object; match them with errors.Is.
var (
	ErrNoObject = errors.New("no such object")
	ErrTooLarge = errors.New("object is too large")
)

// Object returns an object of at most so many bytes, for the other services of
// the local cloud. Whether who asks them may read it is their business. Errors
// are ErrNoObject, ErrTooLarge and those of reading.
func (s *Store) Object(bucket, key string, most int64) ([]byte, error) {
	object, err := s.backend.GetObject(bucket, key, nil)
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) || gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
		return nil, fmt.Errorf("%w: %s in %s", ErrNoObject, key, bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("read object %s of %s: %w", key, bucket, err)
	}
	defer object.Contents.Close()
	if object.Size > most {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, object.Size, most)
	}
	return io.ReadAll(io.LimitReader(object.Contents, most))
}

// Put stores an object for another service of the local cloud, and tells of it
// as of any other; metadata names are those without the prefix x-amz-meta-.
func (s *Store) Put(ctx context.Context, bucket, key, contentType string, metadata map[string]string, body []byte) error {
	meta := map[string]string{"Content-Type": contentType}
	for name, value := range metadata {
		meta["X-Amz-Meta-"+name] = value
	}
	if _, err := s.backend.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
			return fmt.Errorf("there is no bucket %s: buckets are declared in the template", bucket)
		}
		return fmt.Errorf("object %s: %w", key, err)
	}
	sum := md5.Sum(body) //nolint:gosec // see the import
	return s.tell(ctx, made{
		bucket: bucket, key: key, etag: hex.EncodeToString(sum[:]), size: int64(len(body)),
		who: "AWS", source: "127.0.0.1", request: awsapi.NewRequestID(),
	})
}
