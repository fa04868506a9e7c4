package iotcore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topicARN = "arn:aws:sns:us-east-1:000000000000:events"
	queueURL = "http://127.0.0.1:4566/000000000000/dlq"
	roleARN  = "arn:aws:iam::000000000000:role/rule"
	devRole  = "arn:aws:iam::000000000000:role/device"
	ruleSQL  = "SELECT *, topic() AS topic, timestamp() AS received_at FROM 'porchlight/v1/+/events'"
	eventsOf = "porchlight/v1/front/events"
	patience = 60 * time.Second // only ever reached by a failing test
)

const devicePolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:us-east-1:000000000000:client/${iot:Connection.Thing.ThingName}",
  "Condition":{"Bool":{"iot:Connection.Thing.IsAttached":"true"}}},
 {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":"arn:aws:iot:us-east-1:000000000000:topic/porchlight/v1/${iot:Connection.Thing.ThingName}/*"},
 {"Effect":"Allow","Action":"iot:Subscribe","Resource":"arn:aws:iot:us-east-1:000000000000:topicfilter/porchlight/v1/${iot:Connection.Thing.ThingName}/commands"},
 {"Effect":"Allow","Action":"iot:RetainPublish","Resource":"arn:aws:iot:us-east-1:000000000000:topic/porchlight/v1/${iot:Connection.Thing.ThingName}/commands"},
 {"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"arn:aws:iot:us-east-1:000000000000:rolealias/camera"}]}`

func parse(t testing.TB, policy string) iam.Document {
	t.Helper()
	d, err := iam.Parse([]byte(policy))
	require.NoError(t, err)
	return d
}

// actions records what rules ask for; the functions, where set, decide.
type actions struct {
	mu      sync.Mutex
	sent    []sent
	arrived chan sent
	onSNS   func(ctx context.Context, m []byte) error
	onSQS   func(ctx context.Context, m []byte) error
}

type sent struct {
	kind, target string
	by           iotcore.Caller
	message      string
}

func newActions() *actions { return &actions{arrived: make(chan sent, 10000)} }

func (a *actions) record(s sent) error {
	a.mu.Lock()
	a.sent = append(a.sent, s)
	a.mu.Unlock()
	a.arrived <- s
	return nil
}

func (a *actions) all() []sent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]sent(nil), a.sent...)
}

func (a *actions) next(t testing.TB) sent {
	t.Helper()
	select {
	case s := <-a.arrived:
		return s
	case <-time.After(patience):
		require.FailNow(t, "no action was asked for")
		return sent{}
	}
}

func (a *actions) PublishSNS(ctx context.Context, by iotcore.Caller, target string, m []byte) error {
	if a.onSNS != nil {
		if err := a.onSNS(ctx, m); err != nil {
			return err
		}
	}
	return a.record(sent{"sns", target, by, string(m)})
}

func (a *actions) SendSQS(ctx context.Context, by iotcore.Caller, target string, m []byte) error {
	if a.onSQS != nil {
		if err := a.onSQS(ctx, m); err != nil {
			return err
		}
	}
	return a.record(sent{"sqs", target, by, string(m)})
}

func (a *actions) InvokeLambda(_ context.Context, by iotcore.Caller, target string, m []byte) error {
	return a.record(sent{"lambda", target, by, string(m)})
}

// roles is an account with the device's role and one that trusts nobody.
type roles struct {
	mu     sync.Mutex
	issued []map[string]string
	trust  map[string]iam.Document
	err    error
}

func (r *roles) TrustPolicy(arn string) (iam.Document, bool) {
	d, ok := r.trust[arn]
	return d, ok
}

func (r *roles) IssueCredentials(_ context.Context, arn, session string, vars map[string]string, life time.Duration) (iotcore.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issued = append(r.issued, vars)
	return iotcore.Credentials{AccessKeyID: arn, SecretAccessKey: session, SessionToken: life.String(), Expiration: time.Unix(1700000000, 5)}, r.err
}

func config(t testing.TB, a *actions) iotcore.Config {
	t.Helper()
	var rule iotcore.TopicRuleProperties
	require.NoError(t, json.Unmarshal([]byte(`{"RuleName":"events","TopicRulePayload":{"AwsIotSqlVersion":"2016-03-23","Sql":"`+ruleSQL+`",
	 "Actions":[{"Sns":{"TargetArn":"`+topicARN+`","RoleArn":"`+roleARN+`","MessageFormat":"RAW"}}],
	 "ErrorAction":{"Sqs":{"QueueUrl":"`+queueURL+`","RoleArn":"`+roleARN+`","UseBase64":false}}}}`), &rule))
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return iotcore.Config{
		Dir: t.TempDir(), Region: "us-east-1", AccountID: "000000000000",
		MQTTAddr: "127.0.0.1:0", CredentialsAddr: "127.0.0.1:0",
		Policies: []iotcore.PolicyProperties{{PolicyName: "camera", PolicyDocument: parse(t, devicePolicy)}},
		Rules:    []iotcore.TopicRuleProperties{rule},
		RoleAliases: []iotcore.RoleAliasProperties{
			{RoleAlias: "camera", RoleArn: devRole, CredentialDurationSeconds: 900},
			{RoleAlias: "other", RoleArn: devRole},
		},
		Actions: a,
		Roles: &roles{trust: map[string]iam.Document{devRole: parse(t, `{"Version":"2012-10-17","Statement":[
		 {"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}},
		Log: log,
	}
}

func start(t testing.TB, cfg iotcore.Config) *iotcore.Core {
	t.Helper()
	core, err := iotcore.New(cfg)
	require.NoError(t, err)
	require.NoError(t, core.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, core.Close()) })
	return core
}

func register(t testing.TB, core *iotcore.Core, thing string) iotcore.Files {
	t.Helper()
	files, err := core.RegisterThing(thing, "camera")
	require.NoError(t, err)
	return files
}

func tlsOf(t testing.TB, files iotcore.Files) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	require.NoError(t, err)
	ca, err := os.ReadFile(files.CA)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca))
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "localhost", NextProtos: []string{"x-amzn-mqtt-ca"}}
}

// client is an MQTT 5 client that does not reconnect.
type client struct {
	*paho.Client
	gone     chan struct{} // closed when the connection ends
	cause    *paho.Disconnect
	received chan *paho.Publish
}

func dial(t testing.TB, core *iotcore.Core, files iotcore.Files, id string, change ...func(*paho.Connect)) (*client, *paho.Connack, error) {
	t.Helper()
	conn, err := (&tls.Dialer{Config: tlsOf(t, files)}).Dial("tcp", core.MQTTAddr())
	if err != nil {
		return nil, nil, err
	}
	c := &client{gone: make(chan struct{}), received: make(chan *paho.Publish, 100)}
	var once sync.Once
	c.Client = paho.NewClient(paho.ClientConfig{
		Conn:               packets.NewThreadSafeConn(conn), // paho writes a packet in pieces
		OnServerDisconnect: func(d *paho.Disconnect) { once.Do(func() { c.cause = d; close(c.gone) }) },
		OnClientError:      func(error) { once.Do(func() { close(c.gone) }) },
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			c.received <- p.Packet
			return true, nil
		}},
	})
	connect := &paho.Connect{ClientID: id, CleanStart: true, KeepAlive: 30}
	for _, f := range change {
		f(connect)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ack, err := c.Connect(ctx, connect)
	if err != nil {
		conn.Close()
		return nil, ack, err
	}
	t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}); conn.Close(); <-c.Done() })
	return c, ack, nil
}

func connect(t testing.TB, core *iotcore.Core, files iotcore.Files, id string, change ...func(*paho.Connect)) *client {
	t.Helper()
	c, _, err := dial(t, core, files, id, change...)
	require.NoError(t, err)
	return c
}

var errGone = errors.New("connection ended")

func (c *client) publish(topic, payload string, qos byte) (byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-c.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	r, err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: qos, Payload: []byte(payload)})
	if r != nil {
		return r.ReasonCode, err
	}
	if err == nil {
		return 0, nil
	}
	return 0, errors.Join(errGone, err)
}

func (c *client) waitGone(t testing.TB) {
	t.Helper()
	select {
	case <-c.gone:
	case <-time.After(patience):
		require.FailNow(t, "the connection stays")
	}
}

// raw opens a TLS connection without any MQTT client.
func raw(t testing.TB, core *iotcore.Core, files iotcore.Files) net.Conn {
	t.Helper()
	conn, err := (&tls.Dialer{Config: tlsOf(t, files)}).Dial("tcp", core.MQTTAddr())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}
