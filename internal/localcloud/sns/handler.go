package sns

import (
	"errors"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// ServeHTTP answers one verified request of the query protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		awsapi.WriteError(w, awsapi.Query, &awsapi.Error{Code: "MalformedQueryString", Status: http.StatusBadRequest, Message: err.Error()})
		return
	}
	action := r.Form.Get("Action")
	out, err := s.perform(r, action)
	if err != nil {
		var answer *awsapi.Error
		if !errors.As(err, &answer) {
			answer = &awsapi.Error{Code: "InternalError", Status: http.StatusInternalServerError,
				Message: "a subscriber did not take the message: see the log of the local cloud"}
		}
		awsapi.WriteError(w, awsapi.Query, answer)
		return
	}
	awsapi.WriteQuery(w, namespace, action, out)
}

func (s *Service) perform(r *http.Request, action string) (any, error) {
	topic := r.Form.Get("TopicArn")
	switch action {
	case "Publish":
		if topic == "" {
			topic = r.Form.Get("TargetArn")
		}
		id, err := s.publish(r.Context(), topic, r.Form.Get("Subject"), r.Form.Get("Message"), formAttributes(r.Form))
		return publishResult{id}, err
	case "ListTopics":
		return s.listTopics(), nil
	case "ListSubscriptionsByTopic", "GetTopicAttributes":
		subs, ok := s.topics[topic]
		if !ok {
			return nil, errNoTopic(topic)
		}
		if action == "GetTopicAttributes" {
			return topicAttributes(topic, len(subs)), nil
		}
		return listSubscriptions(topic, subs), nil
	}
	return nil, &awsapi.Error{Code: "InvalidAction", Status: http.StatusBadRequest,
		Message: "the local SNS does not offer " + action + ": topics and subscriptions are declared in the template"}
}

// formAttributes reads MessageAttributes.entry.1.Name, .Value.DataType, .Value.StringValue and so on.
func formAttributes(f url.Values) map[string]Attribute {
	var out map[string]Attribute
	for i := 1; ; i++ {
		p := "MessageAttributes.entry." + strconv.Itoa(i) + "."
		name := f.Get(p + "Name")
		if name == "" {
			return out
		}
		a := Attribute{Type: f.Get(p + "Value.DataType"), Value: f.Get(p + "Value.StringValue")}
		if strings.HasPrefix(a.Type, "Binary") {
			a.Value = f.Get(p + "Value.BinaryValue")
		}
		if out == nil {
			out = map[string]Attribute{}
		}
		out[name] = a
	}
}

type publishResult struct {
	MessageID string `xml:"MessageId"`
}

type topicMember struct {
	TopicArn string
}

type topicsResult struct {
	Topics []topicMember `xml:"Topics>member"`
}

func (s *Service) listTopics() topicsResult {
	var out topicsResult
	for arn := range s.topics {
		out.Topics = append(out.Topics, topicMember{arn})
	}
	sort.Slice(out.Topics, func(i, j int) bool { return out.Topics[i].TopicArn < out.Topics[j].TopicArn })
	return out
}

type subscriptionMember struct {
	TopicArn, Protocol, SubscriptionArn, Owner, Endpoint string
}

type subscriptionsResult struct {
	Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
}

func listSubscriptions(topic string, subs []*subscription) subscriptionsResult {
	var out subscriptionsResult
	for _, sub := range subs {
		out.Subscriptions = append(out.Subscriptions, subscriptionMember{TopicArn: topic, Protocol: sub.Protocol,
			SubscriptionArn: sub.arn, Owner: account(topic), Endpoint: sub.Endpoint})
	}
	return out
}

type mapEntry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type attributesResult struct {
	Attributes []mapEntry `xml:"Attributes>entry"`
}

func topicAttributes(topic string, subscriptions int) attributesResult {
	return attributesResult{[]mapEntry{
		{"TopicArn", topic}, {"Owner", account(topic)}, {"SubscriptionsConfirmed", strconv.Itoa(subscriptions)},
		{"SubscriptionsPending", "0"}, {"SubscriptionsDeleted", "0"},
	}}
}

func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}
