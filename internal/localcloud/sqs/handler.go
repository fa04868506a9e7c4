package sqs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/sts"
)

const namespace = "http://queue.amazonaws.com/doc/2012-11-05/"

// ServeHTTP answers one verified request in the protocol it came in.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protocol := awsapi.Query
	var op string
	var in request
	var err error
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		protocol = awsapi.JSON10Q
		op = strings.TrimPrefix(target, "AmazonSQS.")
		in, err = decodeJSON(io.LimitReader(r.Body, maxBatch*maxBody*2))
	} else if err = r.ParseForm(); err == nil {
		op = r.Form.Get("Action")
		in, err = decodeForm(r.Form)
	}
	var out any
	if err == nil {
		out, err = s.perform(r.Context(), op, in)
	}
	if err != nil {
		if r.Context().Err() != nil {
			return // the client is gone
		}
		var answer *awsapi.Error
		if !errors.As(err, &answer) {
			answer = &awsapi.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: err.Error()}
		}
		awsapi.WriteError(w, protocol, answer)
		return
	}
	if protocol == awsapi.Query {
		awsapi.WriteQuery(w, namespace, op, out)
		return
	}
	if out == nil {
		out = struct{}{}
	}
	awsapi.WriteJSON(w, protocol, http.StatusOK, out)
}

func (s *Service) perform(ctx context.Context, op string, in request) (any, error) {
	switch op {
	case "ListQueues":
		return s.list(in.QueueNamePrefix), nil
	case "GetQueueUrl":
		in.QueueURL = in.QueueName
	}
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	switch op {
	case "GetQueueUrl":
		return urlResult{s.url(q)}, nil
	case "GetQueueAttributes":
		return s.attributes(q, in.AttributeNames)
	case "SendMessage":
		return s.sendOne(ctx, q, in.entry)
	case "ReceiveMessage":
		return s.receive(ctx, q, in)
	case "DeleteMessage":
		return nil, s.Delete(ctx, q.name, in.ReceiptHandle)
	case "ChangeMessageVisibility":
		return nil, s.changeVisibility(q, in.entry)
	case "PurgeQueue":
		return nil, s.purge(q)
	case "SendMessageBatch":
		return batch(op, in.Entries, func(e entry) (sendResult, error) { return s.sendOne(ctx, q, e) })
	case "DeleteMessageBatch":
		return batch(op, in.Entries, func(e entry) (sendResult, error) { return sendResult{}, s.Delete(ctx, q.name, e.ReceiptHandle) })
	case "ChangeMessageVisibilityBatch":
		return batch(op, in.Entries, func(e entry) (sendResult, error) { return sendResult{}, s.changeVisibility(q, e) })
	}
	return nil, &awsapi.Error{Code: "com.amazonaws.sqs#UnsupportedOperation", QueryCode: "AWS.SimpleQueueService.UnsupportedOperation",
		Status: http.StatusBadRequest, Message: "the local SQS does not offer " + op}
}

func (s *Service) sendOne(ctx context.Context, q *queue, e entry) (sendResult, error) {
	delay := q.delay
	if e.DelaySeconds != nil {
		if *e.DelaySeconds < 0 || *e.DelaySeconds > 900 {
			return sendResult{}, errParameter("DelaySeconds is 0 to 900, not %d", *e.DelaySeconds)
		}
		delay = time.Duration(*e.DelaySeconds) * time.Second
	}
	sender, _ := sts.PrincipalFrom(ctx)
	id, err := s.send(ctx, q, sender.UserID, e.MessageBody, e.MessageAttributes, delay)
	return sendResult{MessageID: id, MD5OfMessageBody: md5Hex([]byte(e.MessageBody)),
		MD5OfMessageAttributes: attributesMD5(e.MessageAttributes)}, err
}

func (s *Service) changeVisibility(q *queue, e entry) error {
	if e.VisibilityTimeout == nil || *e.VisibilityTimeout < 0 || time.Duration(*e.VisibilityTimeout)*time.Second > maxVisibility {
		return errParameter("VisibilityTimeout is 0 to %d seconds", int(maxVisibility.Seconds()))
	}
	return s.change(q, e.ReceiptHandle, func(rec *record) (bool, error) {
		rec.VisibleAt = s.cfg.Now().Add(time.Duration(*e.VisibilityTimeout) * time.Second)
		return true, nil
	})
}

func (s *Service) receive(ctx context.Context, q *queue, in request) (any, error) {
	options := ReceiveOptions{Max: in.MaxNumberOfMessages}
	if in.WaitTimeSeconds != nil {
		d := time.Duration(*in.WaitTimeSeconds) * time.Second
		options.Wait = &d
	}
	if in.VisibilityTimeout != nil {
		d := time.Duration(*in.VisibilityTimeout) * time.Second
		options.Visibility = &d
	}
	messages, err := s.Receive(ctx, q.name, options)
	if err != nil {
		return nil, err
	}
	out := receiveResult{Messages: []messageResult{}}
	for _, m := range messages {
		out.Messages = append(out.Messages, newMessageResult(m, in))
	}
	return out, nil
}

func batch(op string, entries []entry, do func(entry) (sendResult, error)) (any, error) {
	if len(entries) == 0 || len(entries) > maxBatch {
		return nil, errParameter("a batch has 1 to %d entries, not %d", maxBatch, len(entries))
	}
	out := batchResult{Successful: []sendResult{}, Failed: []batchFailure{}, op: op}
	for _, e := range entries {
		res, err := do(e)
		if err == nil {
			res.ID = e.ID
			out.Successful = append(out.Successful, res)
			continue
		}
		failure := batchFailure{ID: e.ID, Code: "InternalFailure", Message: err.Error()}
		var known *awsapi.Error
		if errors.As(err, &known) {
			failure.SenderFault, failure.Code, failure.Message = true, known.QueryCode, known.Message
		}
		out.Failed = append(out.Failed, failure)
	}
	return out, nil
}
