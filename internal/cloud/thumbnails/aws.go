package thumbnails

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"porchlight/internal/cloud/store"
)

// Objects is the part of S3 that pictures take.
type Objects interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// MetadataFrom returns the Metadata of a bucket.
func MetadataFrom(objects Objects) func(context.Context, Picture) (map[string]string, error) {
	return func(ctx context.Context, p Picture) (map[string]string, error) {
		out, err := objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &p.Key})
		var answer *awshttp.ResponseError
		// The role cannot list, and S3 tells those who cannot list that what is
		// not there is forbidden.
		if errors.As(err, &answer) && (answer.HTTPStatusCode() == http.StatusNotFound || answer.HTTPStatusCode() == http.StatusForbidden) {
			return nil, fmt.Errorf("%w: %w", ErrGone, err)
		}
		if err != nil {
			return nil, fmt.Errorf("read metadata: %w", err)
		}
		return out.Metadata, nil
	}
}

// Topic is the part of SNS that notices take.
type Topic interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// NotifyOn returns the Notify of a topic.
func NotifyOn(t Topic, arn string) func(context.Context, Notice) error {
	return func(ctx context.Context, n Notice) error {
		text, err := n.text()
		if err != nil {
			return err
		}
		attributes := map[string]types.MessageAttributeValue{}
		for name, value := range map[string]string{"kind": NoticeKind, "owner": n.Owner, "severity": string(n.Severity)} {
			if value != "" { // SNS refuses empty ones
				attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
			}
		}
		_, err = t.Publish(ctx, &sns.PublishInput{TopicArn: &arn, Message: &text, MessageAttributes: attributes})
		return err
	}
}

// Queue is the part of SQS that a delay takes.
type Queue interface {
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

// DelayIn returns the Delay of a queue.
func DelayIn(q Queue, url string) func(context.Context, *events.SQSMessage, time.Duration) error {
	return func(ctx context.Context, m *events.SQSMessage, d time.Duration) error {
		_, err := q.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: &m.ReceiptHandle, VisibilityTimeout: int32(d.Round(time.Second) / time.Second),
		})
		return err
	}
}

var _ Store = (*store.Store)(nil)
