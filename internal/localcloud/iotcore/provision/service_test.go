package provision

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/registry"
)

func newService(t testing.TB, hook func(ctx context.Context) ([]byte, error)) (*Service, *registry.Registry) {
	t.Helper()
	dir := t.TempDir()
	authority, err := pki.Open(dir + "/pki")
	require.NoError(t, err)
	r, err := registry.Open(registry.Config{Dir: dir})
	require.NoError(t, err)
	b, err := Parse(body(`"ThingName":{"Fn::Sub":"cam-${Serial}"}`, ``))
	require.NoError(t, err)
	template := Template{Name: "fleet", ARN: "arn:fleet", RoleARN: "role", Enabled: true, Body: b}
	cfg := Config{
		Registry: r, Authority: authority, ARN: func(kind, name string) string { return kind + "/" + name },
		Policies: func(string) bool { return true }, Authorize: func(string, string, string) error { return nil }, Log: slog.New(slog.DiscardHandler),
	}
	if hook != nil {
		template.HookARN = "arn:hook"
		cfg.HookTimeout = 10 * time.Millisecond
		cfg.Hook = func(ctx context.Context, _, _ string, _ []byte) ([]byte, error) { return hook(ctx) }
	}
	cfg.Templates = []Template{template}
	return New(cfg), r
}

func handle(t testing.TB, s *Service, topic, payload string) (string, map[string]any) {
	t.Helper()
	parsed, ok := ParseTopic(topic)
	require.True(t, ok)
	a := s.Handle(context.Background(), parsed, []byte(payload), Client{ClientID: "c", CertificateID: "claim"})
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(a.Payload, &answer), string(a.Payload))
	return a.Suffix, answer
}

const (
	createTopic   = "$aws/certificates/create/json"
	registerTopic = "$aws/provisioning-templates/fleet/provision/json"
)

// TestSlowHook: a hook that does not answer in time denies.
func TestSlowHook(t *testing.T) {
	s, r := newService(t, func(ctx context.Context) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	_, made := handle(t, s, createTopic, "")
	payload, err := json.Marshal(map[string]any{"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": map[string]string{"Serial": "1"}})
	require.NoError(t, err)
	suffix, answer := handle(t, s, registerTopic, string(payload))
	require.Equal(t, "/rejected", suffix)
	require.Equal(t, "AccessDenied", answer["errorCode"])
	require.False(t, r.Has("cam-1"))
}

// TestUnknownTemplate and a role that may not.
func TestRejectionsTellNoSecrets(t *testing.T) {
	s, _ := newService(t, nil)
	suffix, answer := handle(t, s, "$aws/provisioning-templates/none/provision/json", `{"certificateOwnershipToken":"x"}`)
	require.Equal(t, "/rejected", suffix)
	require.Equal(t, "ResourceNotFound", answer["errorCode"])
	require.Equal(t, rejection{500, "InternalFailure", "Internal failure"}, s.rejection(errors.New("disk /secret is full")))
}

// TestPendingIsBounded: one claim cannot fill the registry.
func TestPendingIsBounded(t *testing.T) {
	s, r := newService(t, nil)
	var last string
	made := 0
	for ; made < 1000; made++ {
		suffix, answer := handle(t, s, createTopic, "{}")
		if suffix == "/rejected" {
			last = answer["errorCode"].(string)
			break
		}
	}
	require.Equal(t, "Throttling", last)
	require.Equal(t, 200, made)
	require.Len(t, r.Certificates(), 200)
	topic, _ := ParseTopic(createTopic)
	require.Equal(t, "/accepted", s.Handle(context.Background(), topic, nil, Client{CertificateID: "another"}).Suffix)
}

// FuzzRequest: whatever a device sends is answered with one JSON object, and
// provisions nothing without a token.
func FuzzRequest(f *testing.F) {
	s, r := newService(f, nil)
	f.Add(uint8(0), []byte(`{}`))
	f.Add(uint8(1), []byte(`{"certificateSigningRequest":"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----"}`))
	f.Add(uint8(2), []byte(`{"certificateOwnershipToken":"t","parameters":{"Serial":"1","AWS::IoT::Certificate::Id":"x"}}`))
	f.Add(uint8(2), []byte(`{"certificateOwnershipToken":null,"parameters":[]}`))
	f.Add(uint8(2), []byte(`{"parameters":{"Serial":{"Ref":"Model"}}}`))
	f.Fuzz(func(t *testing.T, operation uint8, payload []byte) {
		topic := Topic{Operation: Operation(operation % 3), Template: "fleet"}
		a := s.Handle(context.Background(), topic, payload, Client{ClientID: "c"})
		answer := map[string]any{}
		require.NoError(t, json.Unmarshal(a.Payload, &answer))
		if topic.Operation == Register {
			require.Equal(t, "/rejected", a.Suffix)
			require.Empty(t, r.Things())
		}
	})
}
