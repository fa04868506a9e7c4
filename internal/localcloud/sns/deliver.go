package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

func (s *Service) deliver(ctx context.Context, sub *subscription, n notification) error {
	if sub.Protocol == "lambda" {
		payload, err := json.Marshal(n.lambdaEvent(sub.arn))
		if err != nil {
			return err
		}
		return s.cfg.Lambda.InvokeAsync(ctx, sub.Endpoint, payload)
	}
	if sub.RawMessageDelivery {
		return s.cfg.Queues.Send(ctx, sub.Endpoint, n.Message, n.attributes)
	}
	body, err := json.Marshal(n.envelope())
	if err != nil {
		return err
	}
	return s.cfg.Queues.Send(ctx, sub.Endpoint, string(body), nil)
}

// redrive puts a notification that could not be delivered into the dead-letter queue.
func (s *Service) redrive(ctx context.Context, sub *subscription, n notification, cause error) error {
	body, err := json.Marshal(n.envelope())
	if err == nil {
		err = s.cfg.Queues.Send(ctx, sub.RedrivePolicy.DeadLetterTargetArn, string(body), nil)
	}
	if err != nil {
		return errors.Join(cause, fmt.Errorf("dead-letter queue: %w", err))
	}
	s.cfg.Logger.Warn("notification went to the dead-letter queue", "subscriber", sub.Endpoint,
		"message_id", n.MessageID, "err", cause)
	return nil
}

// accepts applies the filter policy: every name in it must be an attribute with one of its values.
func (sub *subscription) accepts(attributes map[string]Attribute) bool {
	for name, allowed := range sub.filter {
		a, ok := attributes[name]
		if !ok {
			return false
		}
		values := []string{a.Value}
		if a.Type == "String.Array" {
			values = nil
			if json.Unmarshal([]byte(a.Value), &values) != nil {
				return false
			}
		}
		if !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(allowed, v) }) {
			return false
		}
	}
	return true
}
