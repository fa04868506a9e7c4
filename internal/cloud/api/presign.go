package api

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// presignTTL is how long the URL of a thumbnail or a clip works; what has begun
// by then goes on.
const presignTTL = 15 * time.Minute

// PresignGet signs reads of the bucket's objects with the client's
// credentials; the URL also ends when those do.
func PresignGet(client *s3.Client, bucket string) Presign {
	signer := s3.NewPresignClient(client, s3.WithPresignExpires(presignTTL))
	return func(ctx context.Context, key string) (string, error) {
		req, err := signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
		if err != nil {
			return "", err
		}
		return req.URL, nil
	}
}
