package linktest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
)

// frame is what a Remote and its broker say to each other: one request, then
// an answer to a message, or a stream of messages to a subscription.
type frame struct {
	Topic   string `json:"topic,omitempty"`
	Payload []byte `json:"payload,omitempty"`
	Filter  string `json:"filter,omitempty"`
	Ready   bool   `json:"ready,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Serve lets other processes use the broker through a Unix socket, until ctx
// ends.
func (b *Broker) Serve(ctx context.Context, l net.Listener) {
	var serving sync.WaitGroup
	defer serving.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		serving.Go(func() { b.serve(ctx, conn) })
	}
}

func (b *Broker) serve(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	var f frame
	if in.Decode(&f) != nil {
		return
	}
	if f.Filter == "" {
		var answer frame
		if err := b.Publish(ctx, f.Topic, f.Payload); err != nil {
			answer.Error = err.Error()
		}
		_ = out.Encode(answer)
		return
	}
	go func() { // the other process hangs up, or dies
		defer cancel()
		_ = in.Decode(&f)
	}()
	_ = b.Subscribe(ctx, f.Filter, func(topic string, payload []byte) { _ = out.Encode(frame{Topic: topic, Payload: payload}) },
		func() { _ = out.Encode(frame{Ready: true}) })
}

// Remote is a connection to a broker in another process.
type Remote struct{ Path string } // of the socket

// Publish is the broker's.
func (r Remote) Publish(ctx context.Context, topic string, payload []byte) error {
	var answer frame
	err := r.ask(ctx, frame{Topic: topic, Payload: payload}, func(in *json.Decoder) error { return in.Decode(&answer) })
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	return err
}

// Subscribe is the broker's.
func (r Remote) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) error {
	return r.ask(ctx, frame{Filter: filter}, func(in *json.Decoder) error {
		for {
			var f frame
			if err := in.Decode(&f); err != nil {
				return err
			}
			switch {
			case !f.Ready:
				handle(f.Topic, f.Payload)
			case ready != nil:
				ready()
			}
		}
	})
}

func (r Remote) ask(ctx context.Context, f frame, read func(*json.Decoder) error) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", r.Path)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := json.NewEncoder(conn).Encode(f); err != nil {
		return err
	}
	return read(json.NewDecoder(conn))
}
