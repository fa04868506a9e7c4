package iotcore_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/autopaho/queue/memory"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

const notAuthorized = 0x87

func TestOwnTopicReachesTheAction(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	c := connect(t, core, register(t, core, "front"), "front")
	code, err := c.publish(eventsOf, `{"event_id":"1","n":12345678901234567890}`, 1)
	require.NoError(t, err)
	require.Zero(t, code)
	got := a.next(t)
	require.Equal(t, "sns", got.kind)
	require.Equal(t, topicARN, got.target)
	require.Equal(t, iotcore.Caller{RuleARN: "arn:aws:iot:us-east-1:000000000000:rule/events", RoleARN: roleARN}, got.by)
	require.Contains(t, got.message, `"n":12345678901234567890`)
	var out struct {
		Topic      string
		ReceivedAt int64 `json:"received_at"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.message), &out))
	require.Equal(t, eventsOf, out.Topic)
	require.Positive(t, out.ReceivedAt)

	_, err = c.publish("porchlight/v1/front/other", `{}`, 1)
	require.NoError(t, err)
	require.Len(t, a.all(), 1, "no rule for this topic")
}

func TestPolicyOnPublish(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	files := register(t, core, "front")
	c := connect(t, core, files, "front")
	code, err := c.publish("porchlight/v1/back/events", `{}`, 1)
	require.Error(t, err)
	require.EqualValues(t, notAuthorized, code)
	_, err = c.publish(eventsOf, `{}`, 1)
	require.NoError(t, err, "the connection is still good")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := c.Publish(ctx, &paho.Publish{Topic: eventsOf, QoS: 1, Retain: true, Payload: []byte(`{}`)})
	require.Error(t, err, "retained needs iot:RetainPublish")
	require.EqualValues(t, notAuthorized, r.ReasonCode)

	_, err = c.publish("porchlight/v1/back/events", `{}`, 0)
	require.NoError(t, err)
	c.waitGone(t)
	require.EqualValues(t, notAuthorized, c.cause.ReasonCode)
	require.Len(t, a.all(), 1)
}

func TestConnectRefused(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	front := register(t, core, "front")
	register(t, core, "back")
	will := func(topic string, qos byte, retain bool) func(*paho.Connect) {
		return func(c *paho.Connect) {
			c.WillMessage = &paho.WillMessage{Topic: topic, QoS: qos, Retain: retain, Payload: []byte("{}")}
		}
	}
	tests := []struct {
		name, id string
		change   func(*paho.Connect)
		code     byte
	}{
		{"other thing's id", "back", func(*paho.Connect) {}, notAuthorized},
		{"unknown id", "any", func(*paho.Connect) {}, notAuthorized},
		{"no id", "", func(*paho.Connect) {}, notAuthorized},
		{"wildcard id", "*", func(*paho.Connect) {}, notAuthorized},
		{"id too long", strings.Repeat("x", 129), func(*paho.Connect) {}, 0x85},
		{"will on foreign topic", "front", will("porchlight/v1/back/events", 1, false), notAuthorized},
		{"will retained without right", "front", will(eventsOf, 1, true), notAuthorized},
		{"will with qos 2", "front", will(eventsOf, 2, false), 0x9B},
		{"will on reserved topic", "front", will("$SYS/x", 1, false), 0x90},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ack, err := dial(t, core, front, tt.id, tt.change)
			require.Error(t, err)
			require.NotNil(t, ack)
			require.Equal(t, tt.code, ack.ReasonCode)
		})
	}
	require.Empty(t, a.all())
}

func TestLimits(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	files := register(t, core, "front")
	own := "porchlight/v1/front/"
	for name, p := range map[string]*paho.Publish{
		"payload":  {Topic: eventsOf, QoS: 1, Payload: make([]byte, 128<<10+1)},
		"packet":   {Topic: eventsOf, QoS: 1, Payload: make([]byte, 1<<20)},
		"slashes":  {Topic: own + "a/b/c/d/e/f", QoS: 1},
		"length":   {Topic: own + strings.Repeat("x", 256), QoS: 1},
		"reserved": {Topic: "$aws/rules/x", QoS: 1},
		"wildcard": {Topic: own + "+", QoS: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, core, files, "front")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			go func() {
				select {
				case <-c.gone:
					cancel()
				case <-ctx.Done():
				}
			}()
			_, err := c.Publish(ctx, p)
			require.Error(t, err)
			if !errors.Is(err, paho.ErrInvalidArguments) {
				c.waitGone(t)
			}
		})
	}
	c := connect(t, core, files, "front")
	_, err := c.publish(own+"a/b/c/d/e", strings.Repeat(" ", 128<<10), 1)
	require.NoError(t, err, "at the limits")
	require.Empty(t, a.all())
}

func TestAcknowledgedOnlyAfterTheAction(t *testing.T) {
	a := newActions()
	var durable atomic.Bool
	entered := make(chan struct{})
	release := make(chan struct{})
	a.onSNS = func(context.Context, []byte) error {
		close(entered)
		<-release
		durable.Store(true)
		return nil
	}
	core := start(t, config(t, a))
	c := connect(t, core, register(t, core, "front"), "front")
	acknowledged := make(chan error, 1)
	go func() {
		_, err := c.publish(eventsOf, `{}`, 1)
		if !durable.Load() {
			err = errors.New("acknowledged before the action returned")
		}
		acknowledged <- err
	}()
	<-entered

	// Meanwhile another client is served.
	other := connect(t, core, register(t, core, "back"), "back")
	_, err := other.publish("porchlight/v1/back/note", `{}`, 1)
	require.NoError(t, err)

	require.Empty(t, acknowledged)
	close(release)
	require.NoError(t, <-acknowledged)
}

func TestErrorAction(t *testing.T) {
	a := newActions()
	a.onSNS = func(context.Context, []byte) error { return errors.New("topic is gone") }
	core := start(t, config(t, a))
	c := connect(t, core, register(t, core, "front"), "front")
	for payload, want := range map[string]map[string]any{
		`{"a":1}`:  {"failedAction": "SnsAction", "failedResource": topicARN, "errorMessage": "topic is gone"},
		"\xff\x00": {"failedAction": "RuleSQL", "failedResource": "events", "errorMessage": "payload is not a JSON object"},
	} {
		_, err := c.publish(eventsOf, payload, 1)
		require.NoError(t, err, "safe in the dead-letter queue")
		got := a.next(t)
		require.Equal(t, "sqs", got.kind)
		require.Equal(t, queueURL, got.target)
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(got.message), &m))
		require.NotEmpty(t, m["cloudwatchTraceId"])
		delete(m, "cloudwatchTraceId")
		require.Equal(t, map[string]any{
			"ruleName": "events", "topic": eventsOf, "clientId": "front",
			"base64OriginalPayload": base64.StdEncoding.EncodeToString([]byte(payload)),
			"failures":              []any{want},
		}, m)
	}
}

// TestNothingLostWhenActionsFail uses a client with a queue, as the edge does.
func TestNothingLostWhenActionsFail(t *testing.T) {
	a := newActions()
	var failing atomic.Int32
	failing.Store(3)
	broken := func(context.Context, []byte) error {
		if failing.Load() > 0 {
			return errors.New("disk full")
		}
		return nil
	}
	a.onSNS = broken
	a.onSQS = func(ctx context.Context, m []byte) error {
		err := broken(ctx, m)
		failing.Add(-1)
		return err
	}
	core := start(t, config(t, a))
	server, err := url.Parse("tls://" + core.MQTTAddr())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cm, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{server}, TlsCfg: tlsOf(t, register(t, core, "front")),
		KeepAlive: 30, SessionExpiryInterval: 600, Queue: memory.New(),
		ReconnectBackoff: autopaho.NewConstantBackoff(10e6),
		ClientConfig:     paho.ClientConfig{ClientID: "front"},
	})
	require.NoError(t, err)
	require.NoError(t, cm.PublishViaQueue(ctx, &autopaho.QueuePublish{Publish: &paho.Publish{Topic: eventsOf, QoS: 1, Payload: []byte(`{"event_id":"1"}`)}}))
	got := a.next(t)
	require.Equal(t, "sns", got.kind)
	require.Contains(t, got.message, `"event_id":"1"`)
	cancel()
	<-cm.Done()
}

func TestCloseCancelsActions(t *testing.T) {
	a := newActions()
	entered := make(chan struct{})
	a.onSNS = func(ctx context.Context, _ []byte) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}
	a.onSQS = func(ctx context.Context, _ []byte) error { return ctx.Err() }
	core := start(t, config(t, a))
	c := connect(t, core, register(t, core, "front"), "front")
	result := make(chan error, 1)
	go func() {
		_, err := c.publish(eventsOf, `{}`, 1)
		result <- err
	}()
	<-entered
	require.NoError(t, core.Close())
	require.ErrorIs(t, <-result, errGone)
	require.Empty(t, a.all())
}

func TestRetainedMessagesAreBounded(t *testing.T) {
	core := start(t, config(t, newActions()))
	post := func(topic string) int {
		w := httptest.NewRecorder()
		core.DataHandler().ServeHTTP(w, httptest.NewRequest("POST", "/topics/"+topic+"?retain=true", strings.NewReader("x")))
		return w.Code
	}
	codes := map[int]int{}
	for i := range 5100 {
		codes[post(fmt.Sprint("t", i))]++
	}
	require.Positive(t, codes[429])
	require.GreaterOrEqual(t, codes[200], 4900)
	require.Equal(t, 200, post("t1"), "replacing goes on")
}

func TestSubscribeAndReceive(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	files := register(t, core, "front")
	c := connect(t, core, files, "front")
	subscribe := func(filters ...string) []byte {
		s := &paho.Subscribe{}
		for _, f := range filters {
			s.Subscriptions = append(s.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		ack, err := c.Subscribe(ctx, s)
		require.NotNil(t, ack, err)
		return ack.Reasons
	}
	require.Equal(t, []byte{1, notAuthorized, notAuthorized, notAuthorized},
		subscribe("porchlight/v1/front/commands", "porchlight/v1/back/commands", "#", "$SYS/#"))
	_, err := c.publish("porchlight/v1/front/commands", `{"n":1}`, 1)
	require.NoError(t, err)
	require.Equal(t, `{"n":1}`, string((<-c.received).Payload))

	// A second connection under the same id takes over the first.
	second := connect(t, core, files, "front")
	c.waitGone(t)
	require.EqualValues(t, 0x8E, c.cause.ReasonCode)
	_, err = second.publish(eventsOf, `{}`, 1)
	require.NoError(t, err)
}

// TestReconnectStorm: however connections under one client id follow each
// other, the one that stays is served.
func TestReconnectStorm(t *testing.T) {
	core := start(t, config(t, newActions()))
	files := register(t, core, "front")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				if c, _, err := dial(t, core, files, "front"); err == nil {
					c.TerminateConnectionForTest()
				}
			}
		})
	}
	wg.Wait()
	c := connect(t, core, files, "front")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "porchlight/v1/front/commands", QoS: 1}}})
	require.NoError(t, err)
	publishHTTP(t, core, "porchlight/v1/front/commands", `{}`, 200)
	require.Equal(t, `{}`, string((<-c.received).Payload))
	require.NoError(t, core.RevokeThing("front"))
	c.waitGone(t)
}

func TestSessionResumes(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	files := register(t, core, "front")
	hour := uint32(1 << 31)
	resume := func(c *paho.Connect) {
		c.CleanStart = false
		c.Properties = &paho.ConnectProperties{SessionExpiryInterval: &hour}
	}
	c, ack, err := dial(t, core, files, "front", resume)
	require.NoError(t, err)
	require.False(t, ack.SessionPresent)
	require.EqualValues(t, 3600, *ack.Properties.SessionExpiryInterval, "bounded")
	require.EqualValues(t, 1, *ack.Properties.MaximumQoS)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "porchlight/v1/front/commands", QoS: 1}}})
	require.NoError(t, err)
	c.TerminateConnectionForTest()
	<-c.Done()
	publishHTTP(t, core, "porchlight/v1/front/commands", `{"n":2}`, 200)
	c, ack, err = dial(t, core, files, "front", resume)
	require.NoError(t, err)
	require.True(t, ack.SessionPresent)
	require.Equal(t, `{"n":2}`, string((<-c.received).Payload))
}

func TestRegistryOutlivesTheProcess(t *testing.T) {
	a := newActions()
	cfg := config(t, a)
	first := start(t, cfg)
	files := register(t, first, "front")
	before := tlsOf(t, files).Certificates[0].Certificate[0]
	require.NoError(t, first.Close())

	core, err := iotcore.New(cfg)
	require.NoError(t, err)
	require.NoError(t, core.Start(t.Context()))
	defer core.Close()
	c := connect(t, core, files, "front")
	_, err = c.publish(eventsOf, `{}`, 1)
	require.NoError(t, err)
	require.Equal(t, before, tlsOf(t, register(t, core, "front")).Certificates[0].Certificate[0], "kept")

	require.NoError(t, core.RevokeThing("front"))
	c.waitGone(t)
	_, _, err = dial(t, core, files, "front")
	require.Error(t, err)
	require.ErrorIs(t, core.RevokeThing("nobody"), iotcore.ErrUnknownThing)
	again := register(t, core, "front")
	require.NotEqual(t, before, tlsOf(t, again).Certificates[0].Certificate[0])
	connect(t, core, again, "front")
}
