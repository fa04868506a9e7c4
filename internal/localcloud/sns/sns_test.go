package sns

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	topic = "arn:aws:sns:us-east-1:000000000000:t"
	fn    = "arn:aws:lambda:us-east-1:000000000000:function:events"
	queue = "arn:aws:sqs:us-east-1:000000000000:q"
)

type deliveries struct {
	lambda, queue []string
	fail          error
}

func (d *deliveries) InvokeAsync(_ context.Context, _ string, payload []byte) error {
	if d.fail != nil {
		return d.fail
	}
	d.lambda = append(d.lambda, string(payload))
	return nil
}

func (d *deliveries) Send(_ context.Context, _, body string, _ map[string]Attribute) error {
	d.queue = append(d.queue, body)
	return nil
}

func service(t *testing.T, subs ...SubscriptionProperties) (*Service, *deliveries) {
	t.Helper()
	d := &deliveries{}
	s := New(Config{Lambda: d, Queues: d, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 5e6, time.UTC) }})
	require.NoError(t, s.ProvisionTopic(topic, TopicProperties{}))
	for _, p := range subs {
		p.TopicArn = topic
		require.NoError(t, s.Subscribe(topic+":sub", p))
	}
	return s, d
}

func TestLambdaEventIsThatOfTheService(t *testing.T) {
	s, d := service(t, SubscriptionProperties{Protocol: "lambda", Endpoint: fn})
	id, err := s.Publish(t.Context(), topic, "hello", map[string]Attribute{"k": {Type: "String", Value: "v"}})
	require.NoError(t, err)
	// The shape of the sample event in the AWS Lambda Developer Guide.
	require.JSONEq(t, `{"Records":[{"EventVersion":"1.0","EventSubscriptionArn":"`+topic+`:sub","EventSource":"aws:sns","Sns":{
		"SignatureVersion":"1","Timestamp":"2026-11-20T12:00:00.005Z","Signature":"EXAMPLE","SigningCertUrl":"EXAMPLE",
		"MessageId":"`+id+`","Message":"hello","MessageAttributes":{"k":{"Type":"String","Value":"v"}},
		"Type":"Notification","UnsubscribeUrl":"EXAMPLE","TopicArn":"`+topic+`","Subject":null}}]}`, d.lambda[0])
}

func TestWrappedQueueDelivery(t *testing.T) {
	s, d := service(t, SubscriptionProperties{Protocol: "sqs", Endpoint: queue})
	_, err := s.Publish(t.Context(), topic, `{"a":1}`, nil)
	require.NoError(t, err)
	var body struct{ Type, TopicArn, Message string }
	require.NoError(t, json.Unmarshal([]byte(d.queue[0]), &body))
	require.Equal(t, "Notification", body.Type)
	require.Equal(t, topic, body.TopicArn)
	require.Equal(t, `{"a":1}`, body.Message)
}

func TestFilterPolicy(t *testing.T) {
	s, d := service(t, SubscriptionProperties{Protocol: "sqs", Endpoint: queue, RawMessageDelivery: true,
		FilterPolicy: map[string][]any{"kind": {"person", "pet"}, "home": {"a"}}})
	text := func(v string) Attribute { return Attribute{Type: "String", Value: v} }
	for message, attributes := range map[string]map[string]Attribute{
		"none":  nil,
		"half":  {"kind": text("person")},
		"wrong": {"kind": text("car"), "home": text("a")},
		"array": {"kind": {Type: "String.Array", Value: `["car","pet"]`}, "home": text("a")},
	} {
		_, err := s.Publish(t.Context(), topic, message, attributes)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"array"}, d.queue)
}

func TestOneFailingSubscriberFailsThePublishAndSparesTheOthers(t *testing.T) {
	s, d := service(t, SubscriptionProperties{Protocol: "lambda", Endpoint: fn}, SubscriptionProperties{Protocol: "sqs", Endpoint: queue})
	d.fail = errors.New("disk full")
	_, err := s.Publish(t.Context(), topic, "x", nil)
	require.ErrorIs(t, err, d.fail)
	require.ErrorContains(t, err, fn)
	require.Len(t, d.queue, 1)
}

func TestUndeliverableGoesToTheDeadLetterQueue(t *testing.T) {
	var p SubscriptionProperties
	require.NoError(t, json.Unmarshal([]byte(`{"Protocol":"lambda","Endpoint":"`+fn+`","RedrivePolicy":{"deadLetterTargetArn":"`+queue+`"}}`), &p))
	s, d := service(t, p)
	d.fail = errors.New("no such function")
	_, err := s.Publish(t.Context(), topic, "x", nil)
	require.NoError(t, err, "durably kept, so accepted")
	require.Len(t, d.queue, 1)
	require.Contains(t, d.queue[0], `"Message":"x"`)
}

func TestRefuses(t *testing.T) {
	s, _ := service(t)
	_, err := s.Publish(t.Context(), topic+"x", "m", nil)
	require.ErrorContains(t, err, "declared in the template")
	_, err = s.Publish(t.Context(), topic, "", nil)
	require.Error(t, err)
	require.ErrorIs(t, s.ProvisionTopic(topic+".fifo", TopicProperties{FifoTopic: true}), ErrUnsupported)
	for name, p := range map[string]SubscriptionProperties{
		"e-mail":       {Protocol: "email"},
		"body filter":  {Protocol: "sqs", FilterPolicyScope: "MessageBody"},
		"prefix match": {Protocol: "sqs", FilterPolicy: map[string][]any{"k": {map[string]any{"prefix": "a"}}}},
	} {
		p.TopicArn = topic
		require.ErrorIs(t, s.Subscribe("s", p), ErrUnsupported, name)
	}
	require.Error(t, s.Subscribe("s", SubscriptionProperties{TopicArn: "nowhere", Protocol: "sqs"}))
}

func TestNotifyHasASubject(t *testing.T) {
	s, d := service(t, SubscriptionProperties{Protocol: "sqs", Endpoint: queue})
	require.NoError(t, s.Notify(t.Context(), topic, "Kinesis Video Streams Notification", "{}"))
	require.Contains(t, d.queue[0], `"Subject":"Kinesis Video Streams Notification"`)
}
