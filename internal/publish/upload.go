package publish

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ErrObjectDiffers is an object in the bucket that is not the artifact to be
// published under its name.
var ErrObjectDiffers = errors.New("another file is in the bucket under this name")

// Whether something was made or was there.
const (
	StateCreated = "created"
	StateExists  = "exists"
)

// digestKey is the metadata of an object that holds its SHA-256.
const digestKey = "sha256"

// upload makes sure that the bucket has an artifact, and says whether it was
// there.
func (p *Publisher) upload(ctx context.Context, c *Component, a Artifact) (state string, err error) {
	key := c.Key(a)
	head, err := p.Objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &c.Bucket, Key: &key})
	var refused *awshttp.ResponseError
	switch {
	case err == nil && head.Metadata[digestKey] == a.SHA256 && aws.ToInt64(head.ContentLength) == a.Bytes:
		p.Step("s3://%s/%s is there", c.Bucket, key)
		return StateExists, nil
	case err == nil:
		return "", fmt.Errorf("s3://%s/%s: %w: its SHA-256 is %q, wanted %s: publish another version, or remove the object if no component version uses it",
			c.Bucket, key, ErrObjectDiffers, head.Metadata[digestKey], a.SHA256)
	case !errors.As(err, &refused) || refused.HTTPStatusCode() != http.StatusNotFound:
		return "", fmt.Errorf("look for s3://%s/%s: %w: publishing needs s3:ListBucket and s3:GetObject", c.Bucket, key, err)
	}
	file, err := os.Open(a.Path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrArtifact, err)
	}
	defer file.Close()
	sum, err := hex.DecodeString(a.SHA256)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrArtifact, a.Name, err)
	}
	p.Step("sending %s, %.1f MB, to s3://%s/%s", a.Name, float64(a.Bytes)/1e6, c.Bucket, key)
	_, err = p.Objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &c.Bucket, Key: &key, Body: file, ContentLength: &a.Bytes,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)), // S3 refuses other bytes
		Metadata:       map[string]string{digestKey: a.SHA256},
	})
	if err != nil {
		return "", fmt.Errorf("send s3://%s/%s: %w: the bucket must exist in the components' region, and publishing needs s3:PutObject", c.Bucket, key, err)
	}
	return StateCreated, nil
}
