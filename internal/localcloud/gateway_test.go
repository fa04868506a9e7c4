package localcloud

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/sts"
)

const patience = 30 * time.Second // only ever reached by a failing test

const dashboardRole = `"Dashboard": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "dashboard",
  "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]},
  "Policies": [{"PolicyName": "mqtt", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": "arn:aws:iot:us-east-1:000000000000:client/dashboard-*"},
    {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": "arn:aws:iot:us-east-1:000000000000:topic/home/*"},
    {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "arn:aws:iot:us-east-1:000000000000:topicfilter/home/*"}]}}]}},
 "Camera":`

// dashboardCloud has a role that may use MQTT, and a session of it.
func dashboardCloud(t *testing.T) (*Cloud, sts.Credentials, *tls.Config) {
	t.Helper()
	c, err := fleetCloud(t, func(raw string) string { return strings.Replace(raw, `"Camera":`, dashboardRole, 1) })
	require.NoError(t, err)
	session, err := c.keys.Issue("arn:aws:iam::000000000000:role/dashboard", "me", nil, time.Hour)
	require.NoError(t, err)
	files, err := c.iot.RegisterThing("authority", "camera")
	require.NoError(t, err)
	ca, err := os.ReadFile(files.CA)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca))
	return c, session, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// presign signs with AWS's own code, as the device SDKs do: the token comes
// after the signature.
func presign(t *testing.T, address string, keys sts.Credentials, change func(r *http.Request, service *string, at *time.Time)) *url.URL {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+address+"/mqtt", nil)
	require.NoError(t, err)
	service, at := "iotdevicegateway", time.Now()
	if change != nil {
		change(r, &service, &at)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey},
		r, empty, service, "us-east-1", at)
	require.NoError(t, err)
	u, err := url.Parse(signed)
	require.NoError(t, err)
	u.Scheme, u.Host = "wss", address
	if keys.SessionToken != "" {
		u.RawQuery += "&X-Amz-Security-Token=" + url.QueryEscape(keys.SessionToken)
	}
	return u
}

type wsClient struct {
	*autopaho.ConnectionManager
	received chan *paho.Publish
}

// connectWS connects with Eclipse's client.
func connectWS(t *testing.T, u *url.URL, config *tls.Config, id string) (*wsClient, error) {
	t.Helper()
	c := &wsClient{received: make(chan *paho.Publish, 100)}
	failed := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	manager, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, TlsCfg: config, KeepAlive: 30, CleanStartOnInitialConnection: true,
		OnConnectError: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
		ClientConfig: paho.ClientConfig{ClientID: id, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { c.received <- p.Packet; return true, nil },
		}},
	})
	require.NoError(t, err)
	c.ConnectionManager = manager
	t.Cleanup(func() {
		_ = manager.Disconnect(context.WithoutCancel(t.Context()))
		cancel()
		<-manager.Done()
	})
	up := make(chan error, 1)
	go func() { up <- manager.AwaitConnection(ctx) }()
	select {
	case err := <-up:
		return c, err
	case err := <-failed:
		cancel()
		<-up
		return nil, err
	}
}

// TestMQTTOverWebSocket: the policies of a role decide what its session may do.
func TestMQTTOverWebSocket(t *testing.T) {
	t.Parallel()
	cloud, session, config := dashboardCloud(t)
	address := cloud.addresses.MQTTWebSocket
	a, err := connectWS(t, presign(t, address, session, nil), config, "dashboard-a")
	require.NoError(t, err)
	b, err := connectWS(t, presign(t, address, cloud.keys.Admin(), nil), config, "anyone")
	require.NoError(t, err, "root may be who it wants")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = a.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "home/#", QoS: 1}}})
	require.NoError(t, err)
	_, err = a.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "#", QoS: 1}}})
	require.Error(t, err)
	large := strings.Repeat("x", 100<<10)
	_, err = b.Publish(ctx, &paho.Publish{Topic: "home/door", QoS: 1, Payload: []byte(large)})
	require.NoError(t, err)
	require.Equal(t, large, string((<-a.received).Payload))
	answer, err := a.Publish(ctx, &paho.Publish{Topic: "work/door", QoS: 1, Payload: []byte("{}")})
	require.Error(t, err)
	require.Equal(t, byte(0x87), answer.ReasonCode, "not authorized")
	_, err = a.Publish(ctx, &paho.Publish{Topic: "home/lamp", QoS: 1, Payload: []byte("on")})
	require.NoError(t, err)
	require.Equal(t, "on", string((<-a.received).Payload))
}

func TestMQTTOverWebSocketSignatures(t *testing.T) {
	t.Parallel()
	cloud, session, config := dashboardCloud(t)
	address := cloud.addresses.MQTTWebSocket
	stranger := session
	stranger.SecretAccessKey = strings.Repeat("x", 40)
	tokenless := session
	tokenless.SessionToken = ""
	type change = func(r *http.Request, service *string, at *time.Time)
	for name, tt := range map[string]struct {
		keys   sts.Credentials
		change change
		id     string
		ok     bool
	}{
		"host without port": {session, func(r *http.Request, _ *string, _ *time.Time) { r.Host, _, _ = strings.Cut(address, ":") }, "dashboard-1", true},
		"for a day": {session, func(r *http.Request, _ *string, at *time.Time) {
			r.URL.RawQuery, *at = "X-Amz-Expires=86400", time.Now().Add(-time.Hour)
		}, "dashboard-2", true},
		"expired":         {session, func(_ *http.Request, _ *string, at *time.Time) { *at = time.Now().Add(-time.Hour) }, "dashboard-3", false},
		"another service": {session, func(_ *http.Request, service *string, _ *time.Time) { *service = "s3" }, "dashboard-4", false},
		"another host":    {session, func(r *http.Request, _ *string, _ *time.Time) { r.Host = "iot.example" }, "dashboard-5", false},
		"wrong secret":    {stranger, nil, "dashboard-6", false},
		"no token":        {tokenless, nil, "dashboard-7", false},
		"client id":       {session, nil, "someone", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := connectWS(t, presign(t, address, tt.keys, tt.change), config, tt.id)
			require.Equal(t, tt.ok, err == nil, "%v", err)
		})
	}
	t.Run("token signed too", func(t *testing.T) {
		u := presign(t, address, sts.Credentials{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey},
			func(r *http.Request, _ *string, _ *time.Time) {
				r.URL.RawQuery = url.Values{"X-Amz-Security-Token": {session.SessionToken}}.Encode()
			})
		_, err := connectWS(t, u, config, "dashboard-8")
		require.NoError(t, err)
	})
}

func TestMQTTOverWebSocketRefusesOtherProtocols(t *testing.T) {
	t.Parallel()
	cloud, session, config := dashboardCloud(t)
	address := cloud.addresses.MQTTWebSocket
	dial := func(u string, protocols ...string) (*websocket.Conn, *http.Response, error) {
		d := websocket.Dialer{TLSClientConfig: config, Subprotocols: protocols, HandshakeTimeout: patience}
		ws, response, err := d.DialContext(t.Context(), u, nil)
		if err == nil {
			t.Cleanup(func() { ws.Close() })
			require.NoError(t, ws.SetReadDeadline(time.Now().Add(patience)))
		}
		return ws, response, err
	}
	good := presign(t, address, session, nil).String()
	for name, tt := range map[string]struct {
		url       string
		protocols []string
		status    int
	}{
		"unsigned":            {"wss://" + address + "/mqtt", []string{"mqtt"}, 403},
		"no subprotocol":      {good, nil, 400},
		"another subprotocol": {good, []string{"mqttv3.1"}, 400},
		"another path":        {strings.Replace(good, "/mqtt?", "/other?", 1), []string{"mqtt"}, 404},
	} {
		_, response, err := dial(tt.url, tt.protocols...)
		require.Error(t, err, name)
		require.Equal(t, tt.status, response.StatusCode, name)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	response, err := client.Get("https" + strings.TrimPrefix(good, "wss"))
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, 400, response.StatusCode, "not an upgrade")

	for name, kind := range map[string]int{"text": websocket.TextMessage, "no MQTT": websocket.BinaryMessage} {
		ws, response, err := dial(good, "mqtt")
		require.NoError(t, err, name)
		require.Equal(t, "mqtt", response.Header.Get("Sec-Websocket-Protocol"))
		require.NoError(t, ws.WriteMessage(kind, []byte("hello hello hello")))
		_, _, err = ws.ReadMessage()
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "closed, not silent: %s", name)
	}
	// A CONNECT of MQTT 3.1.1 that comes in pieces.
	ws, _, err := dial(good, "mqtt")
	require.NoError(t, err)
	packet := []byte("\x10\x17\x00\x04MQTT\x04\x02\x00\x1e\x00\x0bdashboard-x")
	for _, piece := range [][]byte{packet[:1], packet[1:9], {}, packet[9:]} {
		require.NoError(t, ws.WriteMessage(websocket.BinaryMessage, piece))
	}
	_, reader, err := ws.NextReader()
	require.NoError(t, err)
	connack, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, []byte{0x20, 2, 0, 0}, connack)
}
