package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"porchlight/internal/event"
)

// errPanic is a handler that panicked.
var errPanic = errors.New("a fault in the program, see its log")

// outcome of a handler.
type outcome struct {
	result map[string]any
	err    error
}

// carryOut gives one command to its handler and answers. A handler that does
// not end in time is answered for, and waited for: the next command to the
// same camera must not meet it.
func (r *runner) carryOut(running context.Context, c event.Command) {
	if running.Err() != nil {
		r.answer(c, event.ReplyFailed, "the device is stopping, nothing was done: try again", nil)
		return
	}
	if state, message := r.expired(c); state != "" {
		r.answer(c, state, message, nil)
		return
	}
	ctx, cancel := context.WithTimeout(running, r.cfg.Timeout)
	defer cancel()
	done := make(chan outcome, 1)
	go func() { done <- r.call(ctx, c) }()
	select {
	case o := <-done:
		r.conclude(c, o)
	case <-ctx.Done():
		select {
		case o := <-done: // at the last moment
			r.conclude(c, o)
			return
		default:
		}
		if running.Err() != nil {
			r.answer(c, event.ReplyFailed, "the device stopped before it was done", nil)
		} else {
			r.answer(c, event.ReplyFailed, fmt.Sprintf("it was not done within %v", r.cfg.Timeout), nil)
		}
		<-done
	}
}

func (r *runner) call(ctx context.Context, c event.Command) (o outcome) {
	defer func() {
		if fault := recover(); fault != nil {
			r.cfg.Log.Error("handler of a command panicked", "request", c.RequestID, "command", c.Command,
				"panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			o = outcome{err: errPanic}
		}
	}()
	result, err := r.cfg.Handlers[c.Command](ctx, c)
	return outcome{result, err}
}

func (r *runner) conclude(c event.Command, o outcome) {
	switch {
	case o.err == nil:
		r.answer(c, event.ReplyDone, "", o.result)
	case errors.Is(o.err, ErrUnsupported):
		r.answer(c, event.ReplyUnsupported, o.err.Error(), nil)
	case errors.Is(o.err, ErrRejected):
		r.answer(c, event.ReplyRejected, o.err.Error(), nil)
	default:
		r.answer(c, event.ReplyFailed, o.err.Error(), nil)
	}
}

// answer sends the reply to a command and remembers it.
func (r *runner) answer(c event.Command, state event.ReplyState, message string, result map[string]any) {
	log := r.cfg.Log.With("request", c.RequestID, "command", c.Command, "camera", c.Camera)
	log.Info("command answered", "state", state, "message", message)
	payload, err := marshalReply(c, event.Reply{State: state, Message: message, Result: result, At: event.At(r.cfg.Now())})
	if err != nil {
		log.Error("cannot write the reply to a command", "error", err)
		return
	}
	r.mu.Lock()
	r.known.finish(c.RequestID, payload)
	r.mu.Unlock()
	r.put(log, payload)
}

// marshalReply fits a reply into a message. The name and the camera of a
// command that was refused for them are left out of it.
func marshalReply(c event.Command, reply event.Reply) ([]byte, error) {
	const most = 1000 // characters of a message, as event has it
	reply.RequestID, reply.Command, reply.Camera = c.RequestID, c.Command, c.Camera
	reply.Message = clip(reply.Message, most)
	payload, err := reply.Marshal()
	if err != nil && reply.Result != nil {
		reply.State, reply.Result, reply.Message = event.ReplyFailed, nil, "it was done, but its result does not fit a message"
		payload, err = reply.Marshal()
	}
	if err != nil {
		reply.Command, reply.Camera, reply.Message = "unknown", "", clip(reply.Message, 200)
		payload, err = reply.Marshal()
	}
	return payload, err
}

// clip keeps a message within so many characters.
func clip(message string, most int) string {
	if text := []rune(message); len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return message
}

func (r *runner) put(log *slog.Logger, payload []byte) {
	if err := r.cfg.Put(event.Topic(r.cfg.Thing, event.ChannelReplies), payload); err != nil {
		log.Error("the reply to a command is not on disk", "error", err)
	}
}
