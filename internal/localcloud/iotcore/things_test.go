package iotcore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

// thingPolicy lets a thing use its shadow config and its jobs.
const thingPolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:us-east-1:000000000000:client/${iot:Connection.Thing.ThingName}"},
 {"Effect":"Allow","Action":"iot:Publish","Resource":[
  "arn:aws:iot:us-east-1:000000000000:topic/$aws/things/${iot:Connection.Thing.ThingName}/shadow/name/config/*",
  "arn:aws:iot:us-east-1:000000000000:topic/$aws/things/${iot:Connection.Thing.ThingName}/jobs/*",
  "arn:aws:iot:us-east-1:000000000000:topic/$aws/things/nobody/*",
  "arn:aws:iot:us-east-1:000000000000:topic/$aws/rules/*"]},
 {"Effect":"Allow","Action":"iot:RetainPublish","Resource":"*"},
 {"Effect":"Allow","Action":["iot:Subscribe","iot:Receive"],"Resource":[
  "arn:aws:iot:us-east-1:000000000000:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*",
  "arn:aws:iot:us-east-1:000000000000:topic/$aws/things/${iot:Connection.Thing.ThingName}/*",
  "arn:aws:iot:us-east-1:000000000000:topicfilter/$aws/events/*"]}]}`

// startThings runs a core with a rule on every topic and the thing front.
func startThings(t testing.TB) (*iotcore.Core, *actions, iotcore.Files) {
	t.Helper()
	a := newActions()
	cfg := config(t, a)
	cfg.Policies = append(cfg.Policies, iotcore.PolicyProperties{PolicyName: "thing", PolicyDocument: parse(t, thingPolicy)})
	cfg.Rules[0].TopicRulePayload.Sql = "SELECT * FROM '#'"
	reserved := cfg.Rules[0]
	reserved.RuleName, reserved.TopicRulePayload.Sql = "reserved", "SELECT * FROM '$aws/#'"
	cfg.Rules = append(cfg.Rules, reserved)
	core := start(t, cfg)
	files, err := core.RegisterThing("front", "thing")
	require.NoError(t, err)
	return core, a, files
}

func (c *client) subscribe(t testing.TB, filters ...string) *paho.Suback {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := &paho.Subscribe{}
	for _, f := range filters {
		s.Subscriptions = append(s.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
	}
	ack, err := c.Subscribe(ctx, s)
	if ack == nil {
		require.NoError(t, err)
	}
	return ack
}

func (c *client) next(t testing.TB) *paho.Publish {
	t.Helper()
	select {
	case p := <-c.received:
		return p
	case <-time.After(patience):
		require.FailNow(t, "no message came")
		return nil
	}
}

func (c *client) say(t testing.TB, topic, payload string, qos byte) {
	t.Helper()
	code, err := c.publish(topic, payload, qos)
	require.NoError(t, err)
	require.Zero(t, code)
}

const (
	frontShadow = "$aws/things/front/shadow/name/config/"
	frontJobs   = "$aws/things/front/jobs/"
)

func TestShadowByMQTT(t *testing.T) {
	core, a, files := startThings(t)
	c := connect(t, core, files, "front")
	ack := c.subscribe(t, frontShadow+"update/+", frontShadow+"get/+", frontShadow+"delete/accepted")
	require.Equal(t, []byte{1, 1, 1}, ack.Reasons)
	data := core.DataHandler()
	do := func(method, target, body string) string {
		w := httptest.NewRecorder()
		data.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
		require.Equal(t, 200, w.Code, w.Body.String())
		return w.Body.String()
	}
	for _, want := range []string{"update/accepted", "update/delta", "update/documents"} {
		if want == "update/accepted" {
			do("POST", "/things/front/shadow?name=config", `{"state":{"desired":{"fps":5}}}`)
		}
		p := c.next(t)
		require.Equal(t, frontShadow+want, p.Topic)
		require.EqualValues(t, 1, p.QoS)
		require.False(t, p.Retain)
	}
	for qos := range byte(2) {
		c.say(t, frontShadow+"update", fmt.Sprintf(`{"state":{"reported":{"fps":5}},"clientToken":"t%d"}`, qos), qos)
		accepted := c.next(t)
		require.Equal(t, frontShadow+"update/accepted", accepted.Topic)
		require.Equal(t, qos, accepted.QoS, "that of the request")
		require.Contains(t, string(accepted.Payload), fmt.Sprintf(`"clientToken":"t%d"`, qos))
		require.Equal(t, frontShadow+"update/documents", c.next(t).Topic, "there is no delta any more")
	}
	c.say(t, frontShadow+"get", ``, 1)
	got := c.next(t)
	require.Equal(t, frontShadow+"get/accepted", got.Topic)
	require.JSONEq(t, do("GET", "/things/front/shadow?name=config", ""), string(got.Payload))
	c.say(t, frontShadow+"delete", ``, 0)
	require.Equal(t, frontShadow+"delete/accepted", c.next(t).Topic)
	c.say(t, frontShadow+"get", ``, 1)
	require.Equal(t, frontShadow+"get/rejected", c.next(t).Topic)
	require.Empty(t, a.all(), "rules see nothing of it")
}

func TestJobsByMQTT(t *testing.T) {
	core, a, files := startThings(t)
	c := connect(t, core, files, "front")
	c.subscribe(t, frontJobs+"notify", frontJobs+"notify-next", frontJobs+"start-next/+", frontJobs+"+/update/+", frontJobs+"+/get/+")
	w := httptest.NewRecorder()
	core.JobsHandler().ServeHTTP(w, httptest.NewRequest("PUT", "/jobs/update-1",
		strings.NewReader(`{"targets":["arn:aws:iot:us-east-1:000000000000:thing/front"],"document":"{\"version\":\"1.2\"}"}`)))
	require.Equal(t, 200, w.Code, w.Body.String())
	require.Equal(t, frontJobs+"notify", c.next(t).Topic)
	p := c.next(t)
	require.Equal(t, frontJobs+"notify-next", p.Topic)
	require.Contains(t, string(p.Payload), `"jobDocument":{"version":"1.2"}`)
	c.say(t, frontJobs+"start-next", `{}`, 1)
	require.Equal(t, frontJobs+"start-next/accepted", c.next(t).Topic)
	c.say(t, frontJobs+"update-1/update", `{"status":"SUCCEEDED","expectedVersion":2}`, 1)
	ends := []string{c.next(t).Topic, c.next(t).Topic, c.next(t).Topic}
	require.ElementsMatch(t, []string{frontJobs + "notify", frontJobs + "notify-next", frontJobs + "update-1/update/accepted"}, ends)
	c.say(t, frontJobs+"$next/get", ``, 1)
	p = c.next(t)
	require.Equal(t, frontJobs+"$next/get/accepted", p.Topic)
	require.NotContains(t, string(p.Payload), "execution")
	w = httptest.NewRecorder()
	core.JobsDataHandler().ServeHTTP(w, httptest.NewRequest("GET", "/things/front/jobs", nil))
	require.JSONEq(t, `{"inProgressJobs":[],"queuedJobs":[]}`, w.Body.String())
	require.Empty(t, a.all(), "rules see nothing of it")
}

// TestReservedTopicsRefused: what a policy allows is not enough for topics that
// take no requests, and what they take is not for other things.
func TestReservedTopicsRefused(t *testing.T) {
	core, a, files := startThings(t)
	_, err := core.RegisterThing("back", "thing")
	require.NoError(t, err)
	for _, topic := range []string{frontShadow + "get/accepted", frontShadow + "update/delta", frontJobs + "notify", frontJobs + "a/b/update",
		"$aws/rules/events", "$aws/things/front/streams/s/get/json", "$aws/things/front/shadow/name/config"} {
		c := connect(t, core, files, "front")
		_, err := c.publish(topic, `{}`, 1)
		require.Error(t, err, topic)
		c.waitGone(t)
	}
	for name, change := range map[string]func(*paho.Connect){
		"will": func(p *paho.Connect) {
			p.WillMessage = &paho.WillMessage{Topic: frontShadow + "update", Payload: []byte(`{}`), QoS: 1}
		},
		"retained will": func(p *paho.Connect) {
			p.WillMessage = &paho.WillMessage{Topic: frontShadow + "update", Payload: []byte(`{}`), Retain: true}
		},
	} {
		_, _, err := dial(t, core, files, "front", change)
		require.Error(t, err, name)
	}
	c := connect(t, core, files, "front")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func(gone <-chan struct{}) {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}(c.gone)
	_, err = c.Publish(ctx, &paho.Publish{Topic: frontShadow + "get", QoS: 1, Retain: true})
	require.Error(t, err)
	c.waitGone(t)

	c = connect(t, core, files, "front")
	ack := c.subscribe(t, "$aws/things/back/shadow/name/config/update/delta", "$aws/things/+/jobs/notify", "$aws/things/#", "$aws/events/x", "$SYS/#",
		frontShadow+"get/+")
	for i, refused := range []bool{true, true, true, true, true, false} {
		require.Equal(t, refused, ack.Reasons[i] >= 0x80, "%d", i)
	}
	code, _ := c.publish("$aws/things/back/shadow/name/config/update", `{"state":{"desired":{"a":1}}}`, 1)
	require.EqualValues(t, 0x87, code, "another's shadow")
	code, _ = c.publish("$aws/things/front/shadow/update", `{"state":{}}`, 1)
	require.EqualValues(t, 0x87, code, "a shadow that the policy does not name")
	c.say(t, "$aws/things/nobody/shadow/get", ``, 1) // allowed, but there is no such thing, nor an ear for the answer
	w := httptest.NewRecorder()
	core.DataHandler().ServeHTTP(w, httptest.NewRequest("GET", "/things/back/shadow?name=config", nil))
	require.Equal(t, 404, w.Code)
	require.Empty(t, a.all())
}

// TestShadowFlood: every request has its answer, in order, whatever it was.
func TestShadowFlood(t *testing.T) {
	core, _, files := startThings(t)
	c := connect(t, core, files, "front")
	c.subscribe(t, frontShadow+"update/accepted", frontShadow+"update/rejected")
	const rounds = 60
	for i := range rounds {
		payload := fmt.Sprintf(`{"state":{"reported":{"n":%d}}}`, i)
		if i%3 == 1 {
			payload = `{"state":{"reported":{"x":"` + strings.Repeat("x", 100_000) + `"}}}`
		}
		c.say(t, frontShadow+"update", payload, 1)
	}
	version := 0
	for i := range rounds {
		p := c.next(t)
		var answer struct{ Version, Code int }
		require.NoError(t, json.Unmarshal(p.Payload, &answer))
		if i%3 == 1 {
			require.Equal(t, 413, answer.Code)
			continue
		}
		version++
		require.Equal(t, version, answer.Version)
	}
}

func TestThingServicesOutliveTheProcess(t *testing.T) {
	cfg := config(t, newActions())
	core := start(t, cfg)
	register(t, core, "front")
	w := httptest.NewRecorder()
	core.DataHandler().ServeHTTP(w, httptest.NewRequest("POST", "/things/front/shadow", strings.NewReader(`{"state":{"desired":{"a":1}}}`)))
	require.Equal(t, 200, w.Code)
	_, err := iotcore.New(cfg)
	require.ErrorContains(t, err, "shadows.db", "another process uses it")
	require.NoError(t, core.Close())
	require.NoError(t, core.Close(), "again")

	core = start(t, cfg)
	w = httptest.NewRecorder()
	core.DataHandler().ServeHTTP(w, httptest.NewRequest("GET", "/things/front/shadow", nil))
	require.Contains(t, w.Body.String(), `"desired":{"a":1}`)
}
