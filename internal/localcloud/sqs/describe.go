package sqs

import (
	"encoding/json"
	"strconv"
	"strings"
)

func (s *Service) list(prefix string) listResult {
	out := listResult{QueueURLs: []string{}}
	for _, name := range sortedNames(s.queues) {
		if strings.HasPrefix(name, prefix) {
			out.QueueURLs = append(out.QueueURLs, s.url(s.queues[name]))
		}
	}
	return out
}

func (s *Service) attributes(q *queue, names []string) (attributesResult, error) {
	visible, inFlight, delayed, err := s.counts(q)
	if err != nil {
		return attributesResult{}, err
	}
	all := named{
		"QueueArn": q.arn, "ApproximateNumberOfMessages": strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"VisibilityTimeout":                     strconv.Itoa(int(q.visibility.Seconds())),
		"MessageRetentionPeriod":                strconv.Itoa(int(q.retention.Seconds())),
		"DelaySeconds":                          strconv.Itoa(int(q.delay.Seconds())),
		"ReceiveMessageWaitTimeSeconds":         strconv.Itoa(int(q.wait.Seconds())),
		"MaximumMessageSize":                    strconv.Itoa(maxBody),
	}
	if q.properties.RedrivePolicy != nil {
		raw, err := json.Marshal(q.properties.RedrivePolicy)
		if err != nil {
			return attributesResult{}, err
		}
		all["RedrivePolicy"] = string(raw)
	}
	return attributesResult{all.only(names)}, nil
}
