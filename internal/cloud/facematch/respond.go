package facematch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Queue is the part of SQS that answers take.
type Queue interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// RespondTo returns the Respond of a queue. A body is sent as it is, without
// attributes: those who read it may count them.
func RespondTo(q Queue, url string) func(ctx context.Context, body string) error {
	return func(ctx context.Context, body string) error {
		_, err := q.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		return err
	}
}
