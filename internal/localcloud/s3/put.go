package s3

import (
	"bytes"
	"fmt"

	"github.com/johannesboyne/gofakes3"
)

// Put stores an object for another service of the local cloud; metadata names
// are those without the prefix x-amz-meta-.
func (s *Store) Put(bucket, key, contentType string, metadata map[string]string, body []byte) error {
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
	return nil
}
