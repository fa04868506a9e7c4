package localcloud

import (
	"context"
	"fmt"
	"time"

	"porchlight/internal/localcloud/eventsource"
	"porchlight/internal/localcloud/lambda"
	"porchlight/internal/localcloud/template"
)

// startMappings hands the messages of queues to the functions that the template
// maps them to. As on AWS, a mapping is refused when its function's role may
// not receive, or when a message would be shown again while its function may
// still be at it.
func (c *Cloud) startMappings(ctx context.Context) error {
	functions := map[string]lambda.FunctionProperties{}
	err := decodeAll(c.stack, "AWS::Lambda::Function", func(r *template.Resource, p lambda.FunctionProperties) error {
		functions[r.Name], functions[r.ARN] = p, p
		return nil
	})
	if err != nil {
		return err
	}
	var mappings []*eventsource.Mapping
	err = decodeAll(c.stack, "AWS::Lambda::EventSourceMapping", func(_ *template.Resource, p eventsource.Properties) error {
		function, known := functions[p.FunctionName]
		if !known {
			return fmt.Errorf("%w: function %s is not in the template", eventsource.ErrMapping, p.FunctionName)
		}
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
			if err := c.roles.allow(function.Role, action, p.EventSourceArn, nil); err != nil {
				return fmt.Errorf("%w: %w", eventsource.ErrMapping, err)
			}
		}
		hidden, err := c.base.SQS.Visibility(p.EventSourceArn)
		if err != nil {
			return err
		}
		if timeout := time.Duration(function.Timeout) * time.Second; hidden < timeout {
			return fmt.Errorf("%w: %s: the queue's visibility timeout of %s is less than the function's timeout of %s",
				eventsource.ErrMapping, p.FunctionName, hidden, timeout)
		}
		m, err := eventsource.New(eventsource.Config{
			Properties: p, Region: c.cfg.Region, Queues: c.base.SQS, Log: c.cfg.Log,
			Invoke: func(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
				result, err := c.lambdas.Invoke(ctx, function, payload)
				return result.Payload, result.FunctionError, err
			},
		})
		mappings = append(mappings, m)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range mappings {
		c.running.Go(func() { m.Run(ctx) })
	}
	return nil
}
