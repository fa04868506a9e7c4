package frames

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"porchlight/internal/iot/spool"
)

// SQS is what Queues needs of the client.
type SQS interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, options ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Queues sends what a Desk has put to SQS.
type Queues struct {
	Client    SQS
	Requests  string // URL
	Responses string // URL; empty: what needs no cloud is answered to nobody
}

// Send sends one record of the outbox, whose name is one of ToRequests and
// ToResponses. What SQS will never take wraps spool.ErrRefused.
func (q Queues) Send(ctx context.Context, r spool.Record) error {
	url := q.Requests
	if r.Name == ToResponses {
		url = q.Responses
	}
	if url == "" {
		return nil
	}
	_, err := q.Client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String(string(r.Payload))})
	var fault smithy.APIError
	if errors.As(err, &fault) {
		switch fault.ErrorCode() {
		case "InvalidMessageContents", "InvalidParameterValue", "BatchRequestTooLong":
			return fmt.Errorf("send to %s: %w", url, errors.Join(spool.ErrRefused, err))
		case "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "AccessDenied", "AccessDeniedException":
			return fmt.Errorf("send to %s: check the queue's URL and that the device's role may sqs:SendMessage: %w", url, err)
		}
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", url, err)
	}
	return nil
}
