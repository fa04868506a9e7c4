package greengrass

import (
	"context"
	"encoding/json"
	"fmt"

	"porchlight/internal/greengrass/wire"
)

// reply takes the one answer of a stream.
type reply struct {
	message chan wire.Message
	broken  chan error
}

func newReply() reply {
	return reply{make(chan wire.Message, 1), make(chan error, 1)}
}

// deliver takes the first message as final: the Java nucleus says so with
// TERMINATE_STREAM, nucleus lite does not and keeps no state either.
func (r reply) deliver(m wire.Message) bool {
	r.message <- m
	return false
}

func (r reply) lost(err error) { r.broken <- err }

// wait for the answer.
func (r reply) wait(ctx context.Context) (wire.Message, error) {
	select {
	case m := <-r.message:
		return m, nil
	case err := <-r.broken:
		// The answer may have come just before the end.
		select {
		case m := <-r.message:
			return m, nil
		default:
			return wire.Message{}, err
		}
	case <-ctx.Done():
		return wire.Message{}, ctx.Err()
	}
}

// request makes the first message of a stream.
func request(operation string, body any) (wire.Message, error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return wire.Message{}, fmt.Errorf("%s: %w: %w", operation, ErrInvalidArguments, err)
	}
	return wire.Message{
		Operation: wire.Namespace + operation, Model: wire.Namespace + operation + "Request",
		ContentType: wire.JSON, Payload: payload,
	}, nil
}

// call sends a request and decodes its one answer.
func call[Answer any](ctx context.Context, c *Client, operation string, body any) (answer Answer, err error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	message, err := request(operation, body)
	if err != nil {
		return answer, err
	}
	s, err := c.session()
	if err != nil {
		return answer, fmt.Errorf("%s: %w", operation, err)
	}
	r := newReply()
	stream, err := s.open(ctx, message, r)
	if err != nil {
		return answer, fmt.Errorf("%s: %w", operation, err)
	}
	m, err := r.wait(ctx)
	if err != nil {
		s.forget(stream)
		return answer, fmt.Errorf("%s: %w", operation, err)
	}
	if err := answerError(operation, m); err != nil {
		return answer, err
	}
	if len(m.Payload) == 0 {
		return answer, nil // as good as {}
	}
	if err := json.Unmarshal(m.Payload, &answer); err != nil {
		return answer, fmt.Errorf("%s: %w: its answer: %w", operation, ErrProtocol, err)
	}
	return answer, nil
}

// nothing is the answer of operations that only succeed.
type nothing struct{}
