package sns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
)

const maxMessage = 256 << 10 // bytes, as documented by AWS

// ErrUnsupported means that the template asks a topic or subscription for what the local service does not do.
var ErrUnsupported = errors.New("not supported by the local SNS")

// LambdaInvoker takes an asynchronous invocation; it is durable when InvokeAsync returns.
type LambdaInvoker interface {
	InvokeAsync(ctx context.Context, functionARN string, payload []byte) error
}

// QueueSender stores a message in a queue; it is durable when Send returns.
type QueueSender interface {
	Send(ctx context.Context, queueARN, body string, attributes map[string]Attribute) error
}

// Attribute is a typed value that travels with a message: String, Number, String.Array or Binary.
type Attribute struct {
	Type  string
	Value string // Binary: base64
}

// Config wires the service; both deliveries must be given.
type Config struct {
	Lambda LambdaInvoker
	Queues QueueSender
	Now    func() time.Time // time.Now when nil
	Logger *slog.Logger
}

// TopicProperties is what is honored of AWS::SNS::Topic.
type TopicProperties struct {
	FifoTopic    bool
	Subscription []struct{ Protocol, Endpoint string }
}

// SubscriptionProperties is what is honored of AWS::SNS::Subscription.
type SubscriptionProperties struct {
	TopicArn           string
	Protocol, Endpoint string
	RawMessageDelivery bool
	FilterPolicy       map[string][]any
	FilterPolicyScope  string
	// RedrivePolicy names the queue that takes what the subscriber did not.
	RedrivePolicy *struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	}
}

type subscription struct {
	SubscriptionProperties
	arn    string
	filter map[string][]string
}

// Service holds topics and subscriptions. It is safe for concurrent use once provisioned.
type Service struct {
	cfg    Config
	topics map[string][]*subscription // by topic ARN
}

// New returns a service without topics.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg, topics: map[string][]*subscription{}}
}

// ProvisionTopic declares a topic. Call it before serving starts.
func (s *Service) ProvisionTopic(arn string, p TopicProperties) error {
	if p.FifoTopic {
		return fmt.Errorf("%w: FifoTopic of %s", ErrUnsupported, arn)
	}
	s.topics[arn] = nil
	for i, sub := range p.Subscription {
		err := s.Subscribe(fmt.Sprintf("%s:%d", arn, i), SubscriptionProperties{TopicArn: arn, Protocol: sub.Protocol, Endpoint: sub.Endpoint})
		if err != nil {
			return err
		}
	}
	return nil
}

// Subscribe adds a subscription to a topic declared before. Call it before serving starts.
func (s *Service) Subscribe(arn string, p SubscriptionProperties) error {
	if _, ok := s.topics[p.TopicArn]; !ok {
		return fmt.Errorf("subscription %s: %w", arn, errNoTopic(p.TopicArn))
	}
	if p.Protocol != "lambda" && p.Protocol != "sqs" {
		return fmt.Errorf("subscription %s: %w: protocol %q (lambda and sqs are)", arn, ErrUnsupported, p.Protocol)
	}
	if p.FilterPolicyScope != "" && p.FilterPolicyScope != "MessageAttributes" {
		return fmt.Errorf("subscription %s: %w: FilterPolicyScope %q (MessageAttributes is)", arn, ErrUnsupported, p.FilterPolicyScope)
	}
	sub := &subscription{SubscriptionProperties: p, arn: arn, filter: map[string][]string{}}
	for name, values := range p.FilterPolicy {
		for _, v := range values {
			text, ok := v.(string)
			if !ok {
				return fmt.Errorf("subscription %s: %w: filter policy on %q: only exact texts match here, not %v", arn, ErrUnsupported, name, v)
			}
			sub.filter[name] = append(sub.filter[name], text)
		}
	}
	s.topics[p.TopicArn] = append(s.topics[p.TopicArn], sub)
	return nil
}

// Publish hands a message to every subscriber whose filter lets it through and
// returns its id. On an error some subscribers may have it: publishing again
// delivers to them twice, which consumers must bear.
func (s *Service) Publish(ctx context.Context, topicARN, message string, attributes map[string]Attribute) (string, error) {
	return s.publish(ctx, topicARN, "", message, attributes)
}

// Notify is Publish for another service of the local cloud, with a subject.
func (s *Service) Notify(ctx context.Context, topicARN, subject, message string) error {
	_, err := s.publish(ctx, topicARN, subject, message, nil)
	return err
}

func (s *Service) publish(ctx context.Context, topicARN, subject, message string, attributes map[string]Attribute) (string, error) {
	subs, ok := s.topics[topicARN]
	if !ok {
		return "", errNoTopic(topicARN)
	}
	if message == "" || len(message) > maxMessage {
		return "", errParameter("a message has 1 to %d bytes, not %d", maxMessage, len(message))
	}
	n := notification{TopicArn: topicARN, MessageID: awsapi.NewRequestID(), Subject: subject, Message: message,
		Timestamp: s.cfg.Now().UTC().Format("2006-01-02T15:04:05.000Z"), attributes: attributes}
	var failed []error
	for _, sub := range subs {
		if !sub.accepts(attributes) {
			continue
		}
		err := s.deliver(ctx, sub, n)
		if err != nil && sub.RedrivePolicy != nil {
			err = s.redrive(ctx, sub, n, err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("deliver to %s: %w", sub.Endpoint, err))
		}
	}
	if err := errors.Join(failed...); err != nil {
		s.cfg.Logger.Error("notification not delivered", "topic", topicARN, "message_id", n.MessageID, "err", err)
		return "", err
	}
	return n.MessageID, nil
}

func errNoTopic(arn string) error {
	return &awsapi.Error{Code: "NotFoundException", QueryCode: "NotFound", Status: http.StatusNotFound,
		Message: fmt.Sprintf("no topic %q: topics are declared in the template", arn)}
}

func errParameter(format string, args ...any) error {
	return &awsapi.Error{Code: "InvalidParameterException", QueryCode: "InvalidParameter", Status: http.StatusBadRequest,
		Message: strings.TrimSpace(fmt.Sprintf(format, args...))}
}
