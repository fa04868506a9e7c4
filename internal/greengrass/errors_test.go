package greengrass_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
	"porchlight/internal/greengrass/wire"
)

func TestModeledErrors(t *testing.T) {
	codes := map[string]error{
		"ServiceError":                       greengrass.ErrService,
		"ResourceNotFoundError":              greengrass.ErrResourceNotFound,
		"UnauthorizedError":                  greengrass.ErrUnauthorized,
		"InvalidArgumentsError":              greengrass.ErrInvalidArguments,
		"ComponentNotFoundError":             greengrass.ErrComponentNotFound,
		"ConflictError":                      greengrass.ErrConflict,
		"FailedUpdateConditionCheckError":    greengrass.ErrFailedUpdateConditionCheck,
		"InvalidTokenError":                  greengrass.ErrInvalidToken,
		"InvalidCredentialError":             greengrass.ErrInvalidCredential,
		"InvalidClientDeviceAuthTokenError":  greengrass.ErrInvalidClientDeviceAuthToken,
		"InvalidRecipeDirectoryPathError":    greengrass.ErrInvalidRecipeDirectoryPath,
		"InvalidArtifactsDirectoryPathError": greengrass.ErrInvalidArtifactsDirectoryPath,
		"SomethingNewError":                  greengrass.ErrService,
	}
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		for code, want := range codes {
			n.Inject("UpdateState", fakenucleus.Fault{Error: &fakenucleus.ModeledError{Code: code, Message: "the reason"}})
			err := c.UpdateState(within(t), greengrass.Running)
			require.ErrorIs(t, err, want, code)
			require.NotErrorIs(t, err, greengrass.ErrUnsupported)
			var remote *greengrass.RemoteError
			require.ErrorAs(t, err, &remote)
			require.Equal(t, []string{"UpdateState", code, "the reason"}, []string{remote.Operation, remote.Code, remote.Message})
			require.ErrorContains(t, err, "the reason")
		}
		require.NoError(t, c.UpdateState(within(t), greengrass.Running), "an error ends the call alone")
	})
}

// What comes on the wire when something is not as it should be.
func TestOddErrors(t *testing.T) {
	text := func(kind wire.Type, model, body string) fakenucleus.Fault {
		return fakenucleus.Fault{Message: &wire.Message{Type: kind, Flags: wire.TerminateStream, Model: model, Payload: []byte(body)}}
	}
	unauthorized := wire.Namespace + "UnauthorizedError"
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		for name, fault := range map[string]struct {
			fault fakenucleus.Fault
			want  error
		}{
			"exception":             {fakenucleus.Exception(), greengrass.ErrInternal},
			"unsupported operation": {text(wire.ApplicationError, "", `{"error":"Unsupported Operation","message":"no"}`), greengrass.ErrUnsupported},
			"service error, empty":  {fakenucleus.Fault{Error: &fakenucleus.ModeledError{Code: "ServiceError"}}, greengrass.ErrUnsupported},
			"name in header alone":  {text(wire.ApplicationError, unauthorized, `{"message":"no"}`), greengrass.ErrUnauthorized},
			"object without a name": {text(wire.ApplicationError, "", `{"message":"no"}`), greengrass.ErrService},
			"no payload":            {text(wire.ApplicationError, unauthorized, ``), greengrass.ErrInternal},
			"protocol error":        {text(wire.ProtocolError, "", `bad`), greengrass.ErrProtocol},
			"internal error":        {text(wire.InternalError, "", ``), greengrass.ErrInternal},
			"wrong type":            {text(wire.Ping, "", ``), greengrass.ErrProtocol},
			"answer is no JSON":     {text(wire.ApplicationMessage, "", `{`), greengrass.ErrProtocol},
		} {
			n.Inject("GetConfiguration", fault.fault)
			_, err := c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{})
			require.ErrorIs(t, err, fault.want, name)
		}
		n.Inject("GetConfiguration", text(wire.ApplicationError, "", strings.Repeat("é", 10_000)))
		_, err := c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{})
		require.Less(t, len(err.Error()), 1000)
	})
}

func TestOperationsThatLiteLacks(t *testing.T) {
	_, c := connected(t, fakenucleus.Lite)
	for name, call := range map[string]func() error{
		"shadow": func() error { _, err := c.GetThingShadow(within(t), greengrass.Shadow{Thing: "t"}); return err },
		"secret": func() error {
			_, err := c.GetSecretValue(within(t), greengrass.GetSecretValueRequest{ID: "s"})
			return err
		},
		"updates":  func() error { _, err := c.SubscribeToComponentUpdates(within(t)); return err },
		"validate": func() error { _, err := c.SubscribeToValidateConfigurationUpdates(within(t)); return err },
		"defer": func() error {
			return c.DeferComponentUpdate(within(t), greengrass.DeferComponentUpdateRequest{DeploymentID: "d"})
		},
	} {
		err := call()
		require.ErrorIs(t, err, greengrass.ErrUnsupported, name)
		require.ErrorIs(t, err, greengrass.ErrService, name)
	}
}

func TestUnauthorized(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		n.Deny("SubscribeToTopic", "secret")
		n.Deny("PublishToIoTCore", "secret")
		c := connect(t, config(n))
		_, err := c.SubscribeToTopic(within(t), greengrass.SubscribeToTopicRequest{Filter: "secret"})
		require.ErrorIs(t, err, greengrass.ErrUnauthorized)
		require.ErrorIs(t, c.PublishToIoTCore(within(t), greengrass.IoTCoreMessage{Topic: "secret"}, 0), greengrass.ErrUnauthorized)
		require.Zero(t, n.Subscriptions())
	})
}

func TestRequestsThatAreRefusedHere(t *testing.T) {
	n, c := connected(t, fakenucleus.Java)
	topic := func(r greengrass.PublishToTopicRequest) func() error {
		return func() error { return c.PublishToTopic(within(t), r) }
	}
	iot := func(topic string, size int, qos greengrass.QoS) func() error {
		return func() error {
			return c.PublishToIoTCore(within(t), greengrass.IoTCoreMessage{Topic: topic, Payload: make([]byte, size)}, qos)
		}
	}
	before := n.Counts().Requests
	for name, bad := range map[string]struct {
		call func() error
		want error
	}{
		"no topic":        {topic(greengrass.PublishToTopicRequest{Binary: []byte{}}), greengrass.ErrInvalidArguments},
		"wildcard":        {topic(greengrass.PublishToTopicRequest{Topic: "a/*", Binary: []byte{}}), greengrass.ErrInvalidArguments},
		"no message":      {topic(greengrass.PublishToTopicRequest{Topic: "a"}), greengrass.ErrInvalidArguments},
		"two messages":    {topic(greengrass.PublishToTopicRequest{Topic: "a", Binary: []byte{}, JSON: []byte(`{}`)}), greengrass.ErrInvalidArguments},
		"JSON list":       {topic(greengrass.PublishToTopicRequest{Topic: "a", JSON: []byte(`[]`)}), greengrass.ErrInvalidArguments},
		"JSON null":       {topic(greengrass.PublishToTopicRequest{Topic: "a", JSON: []byte(`null`)}), greengrass.ErrInvalidArguments},
		"no JSON":         {topic(greengrass.PublishToTopicRequest{Topic: "a", JSON: []byte(`{`)}), greengrass.ErrInvalidArguments},
		"QoS 2":           {iot("a", 0, 2), greengrass.ErrInvalidArguments},
		"IoT wildcard":    {iot("a/#", 0, 1), greengrass.ErrInvalidArguments},
		"eight slashes":   {iot("a/b/c/d/e/f/g/h/i", 0, 1), greengrass.ErrInvalidArguments},
		"long topic":      {iot(strings.Repeat("a", 257), 0, 1), greengrass.ErrInvalidArguments},
		"128 KiB and one": {iot("a", 128<<10+1, 1), greengrass.ErrTooLarge},
		"no filter": {func() error {
			_, err := c.SubscribeToTopic(within(t), greengrass.SubscribeToTopicRequest{})
			return err
		}, greengrass.ErrInvalidArguments},
		"no IoT filter": {func() error { _, err := c.SubscribeToIoTCore(within(t), "", 1); return err }, greengrass.ErrInvalidArguments},
		"no value for JSON": {func() error {
			return c.UpdateConfiguration(within(t), greengrass.UpdateConfigurationRequest{Value: func() {}})
		}, greengrass.ErrInvalidArguments},
	} {
		require.ErrorIs(t, bad.call(), bad.want, name)
	}
	require.Equal(t, before, n.Counts().Requests, "nothing was sent")
	for _, good := range []func() error{iot("a/b/c/d/e/f/g/h", 128<<10, 1), iot("$aws/rules/r/a/b/c/d/e/f/g/h", 0, 0)} {
		require.NoError(t, good())
	}
}

func TestCallsThatAreNotAnswered(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		cfg := config(n)
		cfg.CallTimeout = 10 * time.Millisecond
		c := connect(t, cfg)
		n.Inject("UpdateState", fakenucleus.Fault{})
		require.ErrorIs(t, c.UpdateState(t.Context(), greengrass.Running), context.DeadlineExceeded)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, c.UpdateState(ctx, greengrass.Running), context.Canceled)
		require.NoError(t, c.UpdateState(within(t), greengrass.Running), "the connection is none the worse")

		// The nucleus would go on sending on a stream that nobody reads.
		n.Inject("SubscribeToTopic", fakenucleus.Fault{})
		_, err := c.SubscribeToTopic(t.Context(), greengrass.SubscribeToTopicRequest{Filter: "a"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		eventually(t, func() bool { return n.Counts().Terminates == 1 })
	})
}

func TestCallWhoseConnectionBreaks(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		n.Inject("UpdateState", fakenucleus.Fault{Drop: true})
		require.ErrorIs(t, c.UpdateState(within(t), greengrass.Running), greengrass.ErrDisconnected)
		require.Empty(t, n.States(), "it is not repeated")
	})
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{greengrass.SocketVariable: "ipc.socket", greengrass.TokenVariable: "0123456789abcdef"}
	get := func(name string) string { return env[name] }
	log := slog.New(slog.DiscardHandler)
	cfg, err := greengrass.FromEnvironment(get, log)
	require.NoError(t, err)
	require.Equal(t, greengrass.Config{Socket: "ipc.socket", Token: "0123456789abcdef", Log: log}, cfg)
	require.NotContains(t, cfg.LogValue().String(), cfg.Token)
	for name := range env {
		_, err := greengrass.FromEnvironment(func(other string) string {
			if other == name {
				return ""
			}
			return get(other)
		}, log)
		require.ErrorIs(t, err, greengrass.ErrNotUnderGreengrass)
		require.ErrorContains(t, err, name)
	}
	for _, bad := range []greengrass.Config{{}, {Socket: "s", Token: "t"}, {Socket: "s", Token: strings.Repeat("t", 2000), Log: log}, {Socket: "s", Token: "t", Log: log, FrameLimit: 10}} {
		_, err := greengrass.Connect(t.Context(), bad)
		require.ErrorIs(t, err, greengrass.ErrInvalidArguments)
	}
}
