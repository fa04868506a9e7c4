package localcloud

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/s3"
	"porchlight/internal/localcloud/sqs"
	"porchlight/internal/localcloud/template"
)

// ErrNotification means that a queue could not be told by a bucket, as S3 says
// when the bucket is made.
var ErrNotification = errors.New("unable to validate the destination of a bucket's notifications")

// bucketSender lets buckets tell queues.
type bucketSender struct{ queues *sqs.Service }

// Send implements s3.Queues.
func (b bucketSender) Send(ctx context.Context, queueARN, body string) error {
	_, err := b.queues.Send(ctx, queueARN, body, nil)
	return err
}

// checkNotifications refuses buckets that tell a queue which is not there, or
// whose policy does not let S3 send: on AWS no such bucket can be made.
func (c *Core) checkNotifications(stack *template.Stack) error {
	policies, err := queuePolicies(stack)
	if err != nil {
		return err
	}
	return decodeAll(stack, "AWS::S3::Bucket", func(r *template.Resource, p s3.Properties) error {
		for _, n := range p.NotificationConfiguration.QueueConfigurations {
			queues := stack.OfType("AWS::SQS::Queue")
			i := slices.IndexFunc(queues, func(q *template.Resource) bool { return q.ARN == n.Queue })
			if i < 0 {
				return fmt.Errorf("%w: there is no queue %s", ErrNotification, n.Queue)
			}
			decision := iam.Evaluate(policies[queues[i].PhysicalID], iam.Request{
				Action: "sqs:SendMessage", Resource: n.Queue, Principal: "s3.amazonaws.com",
				Variables: map[string]string{
					"aws:SourceArn": r.ARN, "aws:SourceAccount": stack.Environment.AccountID, "aws:SecureTransport": "true",
				},
			})
			if !decision.Allowed {
				return fmt.Errorf("%w: the policy of %s does not let s3.amazonaws.com sqs:SendMessage for %s (%s)",
					ErrNotification, n.Queue, r.ARN, decision.Reason)
			}
		}
		return nil
	})
}

// queuePolicies by the URL of the queue.
func queuePolicies(stack *template.Stack) (map[string][]iam.Document, error) {
	type properties struct {
		PolicyDocument iam.Document
		Queues         []string
	}
	policies := map[string][]iam.Document{}
	return policies, decodeAll(stack, "AWS::SQS::QueuePolicy", func(_ *template.Resource, p properties) error {
		for _, url := range p.Queues {
			policies[url] = append(policies[url], p.PolicyDocument)
		}
		return nil
	})
}
