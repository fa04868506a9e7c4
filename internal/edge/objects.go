package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"porchlight/internal/config"
	"porchlight/internal/iot/spool"
)

// bucket uploads to S3 with the role credentials of the thing.
type bucket struct {
	client *s3.Client
	name   string
}

func newBucket(cfg config.Cloud, credentials aws.CredentialsProvider) *bucket {
	return &bucket{name: cfg.ThumbnailBucket, client: s3.New(s3.Options{
		Region: cfg.Region, Credentials: credentials,
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(30 * time.Second),
	}, func(o *s3.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(cfg.Endpoint), true
		}
	})}
}

// Upload implements uploader.
func (b *bucket) Upload(ctx context.Context, key string, jpeg []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(jpeg), ContentType: aws.String("image/jpeg"),
	})
	if err == nil {
		return nil
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && (response.HTTPStatusCode() == http.StatusNotFound) {
		return fmt.Errorf("upload %s: bucket %s does not exist: %w", key, b.name, errors.Join(spool.ErrRefused, err))
	}
	return fmt.Errorf("upload %s: %w", key, err)
}
