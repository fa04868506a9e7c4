package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/linktest"
	"porchlight/internal/iot"
	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/localcloud/s3"
	"porchlight/internal/localcloud/template"
)

// iotCloud is IoT Core with its jobs and the policy that is deployed, and S3,
// as the local cloud has them, behind one address.
type iotCloud struct {
	core  *iotcore.Core
	files iotcore.Files
	url   string
}

// startIoTCloud starts it, with the thing porch and the bucket parts, and points
// the SDK at it.
func startIoTCloud(t *testing.T) *iotCloud {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "infra", "porchlight.template.json"))
	require.NoError(t, err)
	stack, err := template.Load(template.Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "porchlight"}, raw)
	require.NoError(t, err)
	policy := stack.OfType("AWS::IoT::Policy")[0]
	p := iotcore.PolicyProperties{}
	require.NoError(t, template.Decode(policy.Properties, &p))
	p.PolicyName = policy.Name
	core, err := iotcore.New(iotcore.Config{
		Dir: t.TempDir(), Region: "us-east-1", AccountID: "000000000000", MQTTAddr: "127.0.0.1:0", CredentialsAddr: "127.0.0.1:0",
		Policies: []iotcore.PolicyProperties{p}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, core.Close()) })
	require.NoError(t, core.Start(t.Context()))
	c := &iotCloud{core: core}
	c.files, err = core.RegisterThing("porch", p.PolicyName)
	require.NoError(t, err)

	store, err := s3.Open(s3.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	var bucket s3.Properties
	require.NoError(t, json.Unmarshal([]byte(`{"BucketName":"parts"}`), &bucket))
	require.NoError(t, store.Provision(bucket))
	jobs, data := core.JobsHandler(), core.DataHandler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
				`<Arn>arn:aws:iam::000000000000:user/owner</Arn><UserId>A</UserId><Account>000000000000</Account>`+
				`</GetCallerIdentityResult></GetCallerIdentityResponse>`)
		case strings.HasPrefix(r.URL.Path, "/jobs"), strings.HasPrefix(r.URL.Path, "/things/"):
			jobs.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/topics/"):
			data.ServeHTTP(w, r)
		default:
			store.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	for key, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_ENDPOINT_URL": server.URL,
	} {
		t.Setenv(key, value)
	}
	return c
}

func (c *iotCloud) objects() *awss3.Client {
	return awss3.New(awss3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(c.url), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

// mqttLink is a plain MQTT connection of a device, kept until ctx ends.
type mqttLink struct {
	manager *autopaho.ConnectionManager

	mu       sync.Mutex
	handlers map[string]func(topic string, payload []byte)
}

// dial connects as the thing porch.
func (c *iotCloud) dial(ctx context.Context, t *testing.T) *mqttLink {
	t.Helper()
	identity, err := iot.LoadIdentity(c.files.Certificate, c.files.Key, c.files.CA)
	require.NoError(t, err)
	l := &mqttLink{handlers: map[string]func(string, []byte){}}
	l.manager, err = autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{{Scheme: "mqtts", Host: c.core.MQTTAddr()}}, TlsCfg: identity, KeepAlive: 30,
		ClientConfig: paho.ClientConfig{ClientID: "porch", OnPublishReceived: []func(paho.PublishReceived) (bool, error){l.receive}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { <-l.manager.Done() })
	return l
}

func (l *mqttLink) receive(p paho.PublishReceived) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for filter, handle := range l.handlers {
		if linktest.Matches(filter, p.Packet.Topic) {
			handle(p.Packet.Topic, p.Packet.Payload)
		}
	}
	return true, nil
}

func (l *mqttLink) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := l.manager.AwaitConnection(ctx); err != nil {
		return err
	}
	_, err := l.manager.Publish(ctx, &paho.Publish{Topic: topic, Payload: payload, QoS: 1})
	return err
}

func (l *mqttLink) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) error {
	if err := l.manager.AwaitConnection(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	l.handlers[filter] = handle
	l.mu.Unlock()
	if _, err := l.manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}}); err != nil {
		return err
	}
	if ready != nil {
		ready()
	}
	<-ctx.Done()
	return ctx.Err()
}
