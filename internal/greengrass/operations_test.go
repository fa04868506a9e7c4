package greengrass_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
)

func TestLocalMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "cameras/+")
		publish(t, c, "cameras/door", "\x00\xff binary")
		require.Equal(t, greengrass.TopicMessage{Topic: "cameras/door", Payload: []byte("\x00\xff binary")}, next(t, s))

		require.NoError(t, c.PublishToTopic(within(t), greengrass.PublishToTopicRequest{Topic: "cameras/door", JSON: json.RawMessage(`{"a":1}`)}))
		require.Equal(t, greengrass.TopicMessage{Topic: "cameras/door", Payload: []byte(`{"a":1}`), JSON: true}, next(t, s))

		publish(t, c, "garden", "not for us")
		publish(t, c, "cameras/last", "for us")
		require.Equal(t, "cameras/last", next(t, s).Topic)

		publish(t, c, "cameras/empty", "")
		require.Empty(t, next(t, s).Payload)
	})
}

func TestOwnMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s, err := c.SubscribeToTopic(within(t), greengrass.SubscribeToTopicRequest{Filter: "a", Mode: greengrass.MessagesFromOthers})
		require.NoError(t, err)
		publish(t, c, "a", "own")
		n.Publish("com.example.Other", "a", "binaryMessage", json.RawMessage(`"b3RoZXI="`))
		if n.Kind() == fakenucleus.Lite {
			require.Equal(t, "own", string(next(t, s).Payload), "nucleus lite does not look at the mode")
		}
		require.Equal(t, "other", string(next(t, s).Payload))
	})
}

func TestIoTCore(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s, err := c.SubscribeToIoTCore(within(t), "cameras/#", greengrass.AtLeastOnce)
		require.NoError(t, err)
		m := greengrass.IoTCoreMessage{
			Topic: "cameras/door", Payload: []byte("ding"), Retain: true, ExpirySeconds: 60, ResponseTopic: "answers", ContentType: "text/plain",
			PayloadFormat: "UTF8", CorrelationData: []byte{1}, UserProperties: []greengrass.UserProperty{{Key: "k", Value: "v"}},
		}
		require.NoError(t, c.PublishToIoTCore(within(t), m, greengrass.AtLeastOnce))
		published := n.Published()
		require.Len(t, published, 1)
		require.Equal(t, "1", published[0].QoS)
		want := m
		if n.Kind() == fakenucleus.Lite {
			want = greengrass.IoTCoreMessage{Topic: m.Topic, Payload: m.Payload}
		}
		require.Equal(t, want, next(t, s))

		require.NoError(t, c.PublishToIoTCore(within(t), greengrass.IoTCoreMessage{Topic: "garden"}, greengrass.AtMostOnce))
		require.Equal(t, "0", n.Published()[1].QoS)
		n.Deliver("cameras/yard", []byte("dong"), nil)
		require.Equal(t, greengrass.IoTCoreMessage{Topic: "cameras/yard", Payload: []byte("dong")}, next(t, s))
	})
}

func TestConfiguration(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		require.NoError(t, n.Deploy(component, json.RawMessage(`{"cameras":{"door":{"fps":5,"on":true}},"name":"home"}`)))
		c := connect(t, config(n))

		got, err := c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{KeyPath: []string{"cameras", "door"}})
		require.NoError(t, err)
		require.Equal(t, component, got.Component)
		want := `{"fps":5.0,"on":true}`
		if n.Kind() == fakenucleus.Lite {
			want = `{"fps":"5","on":"true"}`
		}
		require.Equal(t, want, string(got.Value))
		_, isLeaf := got.Leaf()
		require.False(t, isLeaf)

		got, err = c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{Component: component, KeyPath: []string{"name"}})
		require.NoError(t, err)
		require.JSONEq(t, `{"name":"home"}`, string(got.Value))
		leaf, isLeaf := got.Leaf()
		require.True(t, isLeaf)
		require.Equal(t, `"home"`, string(leaf))

		got, err = c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{})
		require.NoError(t, err)
		require.Contains(t, string(got.Value), `"cameras"`)

		_, err = c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{KeyPath: []string{"none"}})
		require.ErrorIs(t, err, greengrass.ErrResourceNotFound)
		_, err = c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{KeyPath: []string{"Name"}})
		if n.Kind() == fakenucleus.Java {
			require.NoError(t, err, "the Java nucleus does not look at case")
		} else {
			require.ErrorIs(t, err, greengrass.ErrResourceNotFound)
		}
	})
}

func TestConfigurationUpdates(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		require.NoError(t, n.Deploy(component, json.RawMessage(`{"a":{"b":"1","c":"2"}}`)))
		c := connect(t, config(n))
		s, err := c.SubscribeToConfigurationUpdate(within(t), greengrass.GetConfigurationRequest{KeyPath: []string{"a"}})
		require.NoError(t, err)

		require.NoError(t, n.Deploy(component, json.RawMessage(`{"a":{"b":"x","c":"2","d":"new"},"other":"1"}`)))
		require.Equal(t, []string{"a", "b"}, next(t, s).KeyPath, "one event per leaf that changed")
		require.Equal(t, greengrass.ConfigurationUpdate{Component: component, KeyPath: []string{"a", "d"}}, next(t, s))

		// A whole second: its timestamp must still have a fraction.
		at := time.Unix(1795170000, 0)
		update := func(value any, at time.Time, path ...string) error {
			return c.UpdateConfiguration(within(t), greengrass.UpdateConfigurationRequest{KeyPath: path, Value: value, Time: at})
		}
		require.NoError(t, update(map[string]any{"b": "y"}, at, "a"))
		require.Equal(t, []string{"a", "b"}, next(t, s).KeyPath)
		require.NoError(t, update("older", at.Add(-time.Second), "a", "b"))
		require.NoError(t, update(0.9, at.Add(time.Second), "a", "c"))
		require.Equal(t, []string{"a", "c"}, next(t, s).KeyPath, "the older one lost")
		require.ErrorIs(t, update("x", at, "accessControl"), greengrass.ErrInvalidArguments)
		require.NoError(t, update("now", time.Time{}, "a", "e"))

		got, err := c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{KeyPath: []string{"a"}})
		require.NoError(t, err)
		var values map[string]any
		require.NoError(t, json.Unmarshal(got.Value, &values))
		require.Equal(t, map[string]any{"b": "y", "c": 0.9, "d": "new", "e": "now"}, values)
	})
}

func TestState(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		require.NoError(t, c.UpdateState(within(t), greengrass.Running))
		require.NoError(t, c.UpdateState(within(t), greengrass.Errored))
		require.ErrorIs(t, c.UpdateState(within(t), "TIRED"), greengrass.ErrInvalidArguments)
		require.Equal(t, []string{"RUNNING", "ERRORED"}, n.States())
	})
}

func TestComponentUpdates(t *testing.T) {
	n, c := connected(t, fakenucleus.Java)
	s, err := c.SubscribeToComponentUpdates(within(t))
	require.NoError(t, err)
	n.PreUpdate("d1", true)
	require.Equal(t, &greengrass.PreUpdate{DeploymentID: "d1", NucleusRestart: true}, next(t, s).Pre)
	require.NoError(t, c.DeferComponentUpdate(within(t), greengrass.DeferComponentUpdateRequest{
		DeploymentID: "d1", Recheck: 90 * time.Second, Message: "an event is open",
	}))
	require.Equal(t, []fakenucleus.Deferral{{DeploymentID: "d1", RecheckMs: 90_000, Message: "an event is open"}}, n.Deferrals())
	n.PostUpdate("d1")
	require.Equal(t, &greengrass.PostUpdate{DeploymentID: "d1"}, next(t, s).Post)
	require.ErrorIs(t, c.DeferComponentUpdate(within(t), greengrass.DeferComponentUpdateRequest{}), greengrass.ErrInvalidArguments)
}

func TestValidation(t *testing.T) {
	n, c := connected(t, fakenucleus.Java)
	s, err := c.SubscribeToValidateConfigurationUpdates(within(t))
	require.NoError(t, err)
	n.Validate("d1", json.RawMessage(`{"fps":5}`))
	require.Equal(t, greengrass.Validation{DeploymentID: "d1", Configuration: json.RawMessage(`{"fps":5}`)}, next(t, s))
	report := func(id string, ok bool, why string) error {
		return c.SendConfigurationValidityReport(within(t), greengrass.ValidityReport{DeploymentID: id, Accepted: ok, Message: why})
	}
	require.NoError(t, report("d1", false, "fps: too few"))
	require.NoError(t, report("d1", true, ""))
	require.Equal(t, []fakenucleus.Report{
		{Status: "REJECTED", DeploymentID: "d1", Message: "fps: too few"}, {Status: "ACCEPTED", DeploymentID: "d1"},
	}, n.Reports())
	require.ErrorIs(t, report("unknown", true, ""), greengrass.ErrInvalidArguments)
	require.ErrorIs(t, report("", true, ""), greengrass.ErrInvalidArguments)
}

func TestShadows(t *testing.T) {
	_, c := connected(t, fakenucleus.Java)
	shadow := greengrass.Shadow{Thing: "home", Name: "config"}
	_, err := c.GetThingShadow(within(t), shadow)
	require.ErrorIs(t, err, greengrass.ErrResourceNotFound)
	_, err = c.UpdateThingShadow(within(t), shadow, json.RawMessage(`{"state":{"desired":{"fps":5,"x":1}}}`))
	require.NoError(t, err)
	accepted, err := c.UpdateThingShadow(within(t), shadow, json.RawMessage(`{"state":{"desired":{"x":null}},"version":1}`))
	require.NoError(t, err)
	require.Contains(t, string(accepted), `"version":2`)
	_, err = c.UpdateThingShadow(within(t), shadow, json.RawMessage(`{"state":{},"version":1}`))
	require.ErrorIs(t, err, greengrass.ErrConflict)
	document, err := c.GetThingShadow(within(t), shadow)
	require.NoError(t, err)
	require.Contains(t, string(document), `"state":{"desired":{"fps":5}}`)
	require.NoError(t, c.DeleteThingShadow(within(t), shadow))
	require.ErrorIs(t, c.DeleteThingShadow(within(t), shadow), greengrass.ErrResourceNotFound)

	_, err = c.UpdateThingShadow(within(t), shadow, json.RawMessage(`{`))
	require.ErrorIs(t, err, greengrass.ErrInvalidArguments)
	_, err = c.GetThingShadow(within(t), greengrass.Shadow{})
	require.ErrorIs(t, err, greengrass.ErrInvalidArguments)
}

func TestSecrets(t *testing.T) {
	n, c := connected(t, fakenucleus.Java)
	n.SetSecret("rtsp", fakenucleus.Secret{VersionID: "v1", Stages: []string{"AWSCURRENT"}, Text: "hunter2"})
	n.SetSecret("key", fakenucleus.Secret{VersionID: "v1", Stages: []string{"AWSCURRENT"}, Binary: []byte{0, 255}})
	got, err := c.GetSecretValue(within(t), greengrass.GetSecretValueRequest{ID: "rtsp", Refresh: true})
	require.NoError(t, err)
	require.Equal(t, greengrass.Secret{ID: "rtsp", VersionID: "v1", VersionStages: []string{"AWSCURRENT"}, Text: "hunter2"}, got)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, got), "hunter2")
	}
	require.NotContains(t, got.LogValue().String(), "hunter2")
	got, err = c.GetSecretValue(within(t), greengrass.GetSecretValueRequest{ID: "key", VersionID: "v1"})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 255}, got.Binary)
	_, err = c.GetSecretValue(within(t), greengrass.GetSecretValueRequest{ID: "rtsp", VersionStage: "AWSPREVIOUS"})
	require.ErrorIs(t, err, greengrass.ErrResourceNotFound)
	_, err = c.GetSecretValue(within(t), greengrass.GetSecretValueRequest{ID: "rtsp", VersionID: "a", VersionStage: "b"})
	require.ErrorIs(t, err, greengrass.ErrInvalidArguments)
}

func TestPing(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		n.Ping([]byte("there?"))
		eventually(t, func() bool { return n.Counts().Pongs == 1 })
		if n.Kind() == fakenucleus.Java {
			require.NoError(t, c.Ping(within(t)))
			require.NoError(t, c.Ping(within(t)))
		} else { // of nucleus lite no answer is known
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, c.Ping(ctx), context.DeadlineExceeded)
		}
		require.Zero(t, n.Counts().Dropped)
	})
}
