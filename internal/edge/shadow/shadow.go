// Package shadow keeps a device in step with its named shadow "config": it
// takes what the cloud desires, has it judged, and reports what is in use and
// what cannot be.
//
// Protocol: https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html.
package shadow

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// Link carries messages to and from IoT Core. Subscribe keeps the subscription
// over reconnects until ctx ends, and calls ready whenever it is in effect.
type Link interface {
	Publish(ctx context.Context, topic string, payload []byte) error
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// Config of a follower; all are required.
type Config struct {
	Thing string
	Name  string // of the shadow
	Link  Link
	// Apply takes what is desired, the whole of it each time. It returns what
	// is in use of it, and by path what is wrong with the rest.
	Apply func(desired map[string]any) (inUse map[string]any, faults map[string]string)
	// Again, if set, has what is desired applied and reported once more: what
	// is in use has changed for another reason.
	Again <-chan struct{}
	Log   *slog.Logger
}

// Bounds of what is reported.
const (
	mostFaults   = 16
	longestFault = 200 // runes
)

// Pauses between tries to be answered.
const (
	minPause = 5 * time.Second
	maxPause = 5 * time.Minute
)

// Follow follows the shadow until ctx ends.
func Follow(ctx context.Context, cfg Config) {
	f := &follower{
		Config: cfg, prefix: "$aws/things/" + cfg.Thing + "/shadow/name/" + cfg.Name + "/",
		messages: make(chan message, 16), ready: make(chan struct{}, 1),
	}
	// The two answers to get, the changes that others make and our own, and
	// refusals of our reports. Not update/delta: it does not tell of what was
	// withdrawn. Not update/documents: nucleus lite hands on 5000 bytes only.
	for _, answer := range []string{"update/accepted", "update/rejected", "get/rejected", "get/accepted"} {
		ready := func() {}
		if answer == "get/accepted" {
			ready = f.again
		}
		cfg.Link.Subscribe(ctx, f.prefix+answer, func(_ string, payload []byte) {
			select {
			case f.messages <- message{answer, payload}:
			case <-ctx.Done():
			}
		}, ready)
	}
	f.run(ctx)
}

type message struct {
	topic   string
	payload []byte
}

// document is what the topics carry.
type document struct {
	State struct {
		Desired  json.RawMessage `json:"desired"`
		Reported json.RawMessage `json:"reported"`
	} `json:"state"`
	Version int64  `json:"version"`
	Token   string `json:"clientToken"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type follower struct {
	Config
	prefix   string
	messages chan message
	ready    chan struct{}

	known    bool // desired and reported are those of version
	version  int64
	desired  map[string]any
	reported map[string]any
}

// again asks for the whole shadow.
func (f *follower) again() {
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

func (f *follower) run(ctx context.Context) {
	pause := minPause
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	defer retry.Stop()
	ask := func() {
		f.known = false
		if err := f.Link.Publish(ctx, f.prefix+"get", []byte("{}")); err != nil && ctx.Err() == nil {
			f.Log.Warn("cannot ask for the shadow, will try again", "shadow", f.Name, "error", err)
		}
		retry.Reset(pause)
		pause = min(2*pause, maxPause)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.ready:
			pause = minPause
			ask()
		case <-retry.C:
			f.Log.Warn("the shadow was not told, asking again: on nucleus lite one of more than about 4 KB, with its metadata, never arrives", "shadow", f.Name)
			ask()
		case <-f.Again:
			if f.known {
				f.apply(ctx)
			}
		case m := <-f.messages:
			f.hear(ctx, m)
			if f.known {
				retry.Stop()
				pause = minPause
			}
		}
	}
}

// hear takes one message.
func (f *follower) hear(ctx context.Context, m message) {
	var d document
	if err := json.Unmarshal(m.payload, &d); err != nil {
		f.Log.Warn("a message about the shadow is not JSON and is passed over", "topic", m.topic, "error", err)
		return
	}
	switch {
	case m.topic == "get/accepted":
		if f.known && d.Version < f.version {
			return // it was overtaken by a change
		}
		f.learn(d)
	case m.topic == "get/rejected" && d.Code == 404: // nobody has desired anything yet
		f.known, f.version, f.desired, f.reported = true, d.Version, map[string]any{}, map[string]any{}
	case m.topic == "update/accepted" && f.known:
		if d.Version == f.version {
			return // known
		}
		if d.Version != f.version+1 && f.version != 0 {
			f.again() // one was missed, or came late, or the shadow began anew
			return
		}
		f.version = d.Version
		f.reported = patch(f.reported, d.State.Reported)
		if len(d.State.Desired) == 0 {
			return // a report, which is nothing to act on
		}
		f.desired = patch(f.desired, d.State.Desired)
	case m.topic == "update/rejected":
		f.Log.Error("IoT Core refused the report of the settings in use", "shadow", f.Name, "code", d.Code, "message", d.Message)
		return
	default:
		if m.topic == "get/rejected" {
			f.Log.Error("IoT Core refuses to tell the shadow", "shadow", f.Name, "code", d.Code, "message", d.Message)
		}
		return
	}
	f.apply(ctx)
}

func (f *follower) learn(d document) {
	f.known, f.version = true, d.Version
	f.desired, f.reported = patch(nil, d.State.Desired), patch(nil, d.State.Reported)
}

// apply has what is desired judged and reports the outcome when it is news.
func (f *follower) apply(ctx context.Context) {
	inUse, faults := f.Apply(f.desired)
	report := map[string]any{}
	for key, value := range inUse {
		report[key] = value
	}
	if len(faults) > 0 {
		report["faults"] = bounded(faults)
		f.Log.Warn("what the cloud desires cannot be used in full", "shadow", f.Name, "faults", faults)
	}
	change := difference(f.reported, normal(report))
	if len(change) == 0 {
		return
	}
	payload, err := json.Marshal(map[string]any{"state": map[string]any{"reported": change}})
	if err == nil {
		err = f.Link.Publish(ctx, f.prefix+"update", payload)
	}
	if err != nil && ctx.Err() == nil {
		f.Log.Warn("cannot report the settings in use; the next change reports them", "shadow", f.Name, "error", err)
	}
}
