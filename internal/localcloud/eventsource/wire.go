package eventsource

import (
	"crypto/md5" //nolint:gosec // the digest that the SQS API defines
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/localcloud/sqs"
)

// event is what the function is invoked with.
func (m *Mapping) event(batch []sqs.Message) ([]byte, error) {
	var out events.SQSEvent
	for _, message := range batch {
		sum := md5.Sum([]byte(message.Body)) //nolint:gosec // see the import
		record := events.SQSMessage{
			MessageId: message.ID, ReceiptHandle: message.ReceiptHandle, Body: message.Body, Md5OfBody: hex.EncodeToString(sum[:]),
			EventSource: "aws:sqs", EventSourceARN: m.p.EventSourceArn, AWSRegion: m.cfg.Region,
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(message.Receives),
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(message.FirstReceived.UnixMilli(), 10),
				"SentTimestamp":                    strconv.FormatInt(message.SentAt.UnixMilli(), 10),
				"SenderId":                         message.SenderID,
			},
		}
		for name, a := range message.Attributes {
			attribute := events.SQSMessageAttribute{DataType: a.DataType}
			if strings.HasPrefix(a.DataType, "Binary") {
				attribute.BinaryValue = a.BinaryValue
			} else {
				attribute.StringValue = &a.StringValue
			}
			record.MessageAttributes[name] = attribute
		}
		out.Records = append(out.Records, record)
	}
	return json.Marshal(out)
}

// failures reads which messages a function says have failed. No answer, null
// and an empty list mean none; an answer that cannot be understood, or that
// names what is not in the batch, is an error, for which all have failed.
func (m *Mapping) failures(answer []byte, batch []sqs.Message) (map[string]bool, error) {
	failed := map[string]bool{}
	if !m.partial || len(answer) == 0 {
		return failed, nil
	}
	var said struct {
		Failures []map[string]any `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, message := range batch {
		known[message.ID] = true
	}
	for _, failure := range said.Failures {
		id, _ := failure["itemIdentifier"].(string)
		if !known[id] {
			return nil, fmt.Errorf("%.80v names no message of the batch", failure)
		}
		failed[id] = true
	}
	return failed, nil
}
