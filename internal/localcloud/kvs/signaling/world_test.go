package signaling_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region    = "us-east-1"
	account   = "000000000000"
	patience  = 60 * time.Second
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// devicePolicy lets a device be the master of the channel that has its name.
const devicePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesisvideo:ConnectAsMaster","kinesisvideo:GetIceServerConfig"],
	"Resource":"arn:aws:kinesisvideo:us-east-1:000000000000:channel/${credentials-iot:ThingName}/*"}]}`

type roles struct{ policy iam.Document }

func (r roles) Authorize(p sts.Principal, action, resource string) error {
	d := iam.Evaluate([]iam.Document{r.policy}, iam.Request{Action: action, Resource: resource, Variables: p.Vars})
	if !d.Allowed {
		return errors.New(d.Reason)
	}
	return nil
}

type world struct {
	service *signaling.Service
	keys    *sts.Service
	server  *httptest.Server
	logs    *logtest.Memory
	stop    func()
}

// unbounded are limits that tests do not meet by being quick.
var unbounded = signaling.Limits{Connects: 1e6, SDP: 1e6, Candidates: 1e6, ICE: 1e6}

func start(t *testing.T, dir string, change func(*signaling.Config)) *world {
	t.Helper()
	w := &world{logs: &logtest.Memory{}, server: httptest.NewUnstartedServer(nil)}
	endpoint := "http://" + w.server.Listener.Addr().String()
	cfg := signaling.Config{Dir: filepath.Join(dir, "signaling"), Region: region, AccountID: account, Endpoint: endpoint, Limits: unbounded,
		Logger: w.logs.Logger()}
	if change != nil {
		change(&cfg)
	}
	var err error
	w.keys, err = sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: account})
	require.NoError(t, err)
	w.service, err = signaling.Open(t.Context(), cfg)
	require.NoError(t, err)
	video, err := kvs.Open(kvs.Config{Dir: filepath.Join(dir, "video"), Region: region, AccountID: account, Endpoint: endpoint,
		Signaling: w.service, Logger: cfg.Logger})
	require.NoError(t, err)
	var policy iam.Document
	require.NoError(t, json.Unmarshal([]byte(devicePolicy), &policy))
	w.server.Config.Handler, err = frontdoor.New(frontdoor.Config{Region: region, AccountID: account, Keys: w.keys, Logger: cfg.Logger,
		Authorizer: roles{policy}, Handlers: map[string]http.Handler{"kinesisvideo": video}, StreamARN: video.StreamARN, ChannelARN: w.service.ChannelARN})
	require.NoError(t, err)
	w.server.Start()
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			require.NoError(t, w.service.Close())
			w.server.Close()
			require.NoError(t, video.Close())
		})
	}
	t.Cleanup(w.stop)
	return w
}

func (w *world) control() *kinesisvideo.Client {
	admin := w.keys.Admin()
	return kinesisvideo.New(kinesisvideo.Options{
		Region: region, BaseEndpoint: &w.server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
}

// create makes a channel and returns its ARN.
func (w *world) create(t *testing.T, name string) string {
	t.Helper()
	out, err := w.control().CreateSignalingChannel(t.Context(), &kinesisvideo.CreateSignalingChannelInput{ChannelName: &name})
	require.NoError(t, err)
	return *out.ChannelARN
}

// device returns keys of a thing.
func (w *world) device(t *testing.T, thing string) sts.Credentials {
	t.Helper()
	c, err := w.keys.Issue("arn:aws:iam::000000000000:role/device", "certificate", map[string]string{"credentials-iot:ThingName": thing}, time.Hour)
	require.NoError(t, err)
	return c
}

// address is what someone connects to, as they would make it.
type address struct {
	path   string
	query  url.Values
	creds  sts.Credentials
	at     time.Time // signed
	spoil  func(url.Values)
	region string
}

func (w *world) master(arn string) address {
	return address{path: signaling.MasterPath, query: url.Values{"X-Amz-ChannelARN": {arn}}, creds: w.keys.Admin()}
}

func (w *world) viewer(arn, id string) address {
	return address{path: signaling.ViewerPath, query: url.Values{"X-Amz-ChannelARN": {arn}, "X-Amz-ClientId": {id}}, creds: w.keys.Admin()}
}

// sign presigns an address.
func (w *world) sign(t *testing.T, a address) string {
	t.Helper()
	if a.at.IsZero() {
		a.at = time.Now()
	}
	if a.region == "" {
		a.region = region
	}
	if !a.query.Has("X-Amz-Expires") {
		a.query.Set("X-Amz-Expires", "299")
	}
	req, err := http.NewRequest(http.MethodGet, w.server.URL+a.path+"?"+a.query.Encode(), nil)
	require.NoError(t, err)
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: a.creds.AccessKeyID, SecretAccessKey: a.creds.SecretAccessKey,
		SessionToken: a.creds.SessionToken}, req, emptyHash, "kinesisvideo", a.region, a.at)
	require.NoError(t, err)
	u, err := url.Parse(signed)
	require.NoError(t, err)
	if a.spoil != nil {
		q := u.Query()
		a.spoil(q)
		u.RawQuery = q.Encode()
	}
	u.Scheme = "ws"
	return u.String()
}

// peer is a WebSocket in use.
type peer struct {
	t  *testing.T
	ws *websocket.Conn
}

// connect expects an address to be good.
func (w *world) connect(t *testing.T, a address) *peer {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), w.sign(t, a), nil)
	require.NoError(t, err, "%+v", resp)
	resp.Body.Close()
	p := &peer{t, ws}
	t.Cleanup(func() { ws.Close() })
	return p
}

// refused expects an address not to be good.
func (w *world) refused(t *testing.T, a address) (status int, kind string) {
	t.Helper()
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), w.sign(t, a), nil)
	require.ErrorIs(t, err, websocket.ErrBadHandshake)
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("X-Amzn-Errortype")
}

func (p *peer) say(text string) {
	p.t.Helper()
	require.NoError(p.t, p.ws.WriteMessage(websocket.TextMessage, []byte(text)))
}

// send sends a message as clients do, with more fields if there are any.
func (p *peer) send(action, payload string, more ...string) {
	p.t.Helper()
	m := map[string]string{"action": action, "messagePayload": base64.StdEncoding.EncodeToString([]byte(payload))}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	raw, err := json.Marshal(m)
	require.NoError(p.t, err)
	p.say(string(raw))
}

// told is a message as clients get it.
type told struct {
	SenderClientID, MessageType, MessagePayload string
	StatusResponse                              *struct{ CorrelationID, ErrorType, StatusCode, Description string }
}

func (p *peer) hear() told {
	p.t.Helper()
	require.NoError(p.t, p.ws.SetReadDeadline(time.Now().Add(patience)))
	_, raw, err := p.ws.ReadMessage()
	require.NoError(p.t, err)
	var m told
	require.NoError(p.t, json.Unmarshal(raw, &m), "%s", raw)
	if m.MessagePayload != "" {
		plain, err := base64.StdEncoding.DecodeString(m.MessagePayload)
		require.NoError(p.t, err)
		m.MessagePayload = string(plain)
	}
	return m
}

// closed waits for the connection to end and returns the code it ended with.
func (p *peer) closed() int {
	p.t.Helper()
	require.NoError(p.t, p.ws.SetReadDeadline(time.Now().Add(patience)))
	for {
		_, _, err := p.ws.ReadMessage()
		var end *websocket.CloseError
		if errors.As(err, &end) {
			return end.Code
		}
		if err != nil {
			var slow net.Error
			require.False(p.t, errors.As(err, &slow) && slow.Timeout(), "the connection stays")
			return -1
		}
	}
}

// post signs and sends a request to an operation that no SDK module has.
func (w *world) post(t *testing.T, creds sts.Credentials, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, w.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey,
		SessionToken: creds.SessionToken}, req, hash(body), "kinesisvideo", region, time.Now())
	require.NoError(t, err)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.NewDecoder(bytes.NewReader(raw)).Decode(&out), "%s", raw)
	return res.StatusCode, out
}
