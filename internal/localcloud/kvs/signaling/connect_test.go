package signaling_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/signaling"
)

func TestAddressesThatAreNotGood(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn, other := w.create(t, "porch"), w.create(t, "attic")
	change := func(a address, do func(*address)) address {
		do(&a)
		return a
	}
	master, viewer := func() address { return w.master(arn) }, func() address { return w.viewer(arn, "anna") }
	for name, c := range map[string]struct {
		address address
		status  int
		kind    string
	}{
		"expired":  {change(master(), func(a *address) { a.at = time.Now().Add(-6 * time.Minute) }), 403, "AccessDeniedException"},
		"of later": {change(master(), func(a *address) { a.at = time.Now().Add(time.Hour) }), 403, "AccessDeniedException"},
		"another channel put in": {change(master(), func(a *address) {
			a.spoil = func(q url.Values) { q.Set("X-Amz-ChannelARN", other) }
		}), 403, "InvalidSignatureException"},
		"another client put in": {change(viewer(), func(a *address) {
			a.spoil = func(q url.Values) { q.Set("X-Amz-ClientId", "ben") }
		}), 403, "InvalidSignatureException"},
		"life made longer": {change(master(), func(a *address) {
			a.spoil = func(q url.Values) { q.Set("X-Amz-Expires", "300") }
		}), 403, "InvalidSignatureException"},
		"not signed": {change(master(), func(a *address) {
			a.spoil = func(q url.Values) { q.Del("X-Amz-Signature") }
		}), 403, "MissingAuthenticationTokenException"},
		"wrong secret": {change(master(), func(a *address) { a.creds.SecretAccessKey = "x" }), 403, "InvalidSignatureException"},
		"wrong key":    {change(master(), func(a *address) { a.creds.AccessKeyID = "AKIAX" }), 403, "UnrecognizedClientException"},
		"token of another": {change(master(), func(a *address) {
			a.creds = w.device(t, "porch")
			a.creds.SessionToken = w.device(t, "porch").SessionToken
		}), 403, "UnrecognizedClientException"},
		"another region":       {change(master(), func(a *address) { a.region = "eu-central-1" }), 403, "InvalidSignatureException"},
		"another's channel":    {change(w.master(other), func(a *address) { a.creds = w.device(t, "porch") }), 403, "AccessDeniedException"},
		"a role it has not":    {change(viewer(), func(a *address) { a.creds = w.device(t, "porch") }), 403, "AccessDeniedException"},
		"no such channel":      {w.master(arn + "1"), 404, "ResourceNotFoundException"},
		"a channel by name":    {w.master("cellar"), 404, "ResourceNotFoundException"},
		"two channels":         {change(master(), func(a *address) { a.query.Add("X-Amz-ChannelARN", other) }), 400, "InvalidArgumentException"},
		"master with an id":    {change(viewer(), func(a *address) { a.path = signaling.MasterPath }), 400, "InvalidArgumentException"},
		"viewer without an id": {change(master(), func(a *address) { a.path = signaling.ViewerPath }), 400, "InvalidArgumentException"},
		"id with a space":      {w.viewer(arn, "a b"), 400, "InvalidArgumentException"},
		"id too long":          {w.viewer(arn, strings.Repeat("a", 257)), 400, "InvalidArgumentException"},
		"id of AWS":            {w.viewer(arn, "AWS_viewer"), 400, "InvalidArgumentException"},
		"empty id":             {w.viewer(arn, ""), 400, "InvalidArgumentException"},
		"no channel":           {change(master(), func(a *address) { a.query.Del("X-Amz-ChannelARN") }), 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, kind := w.refused(t, c.address)
			require.Equal(t, c.status, status)
			if c.kind != "" {
				require.Equal(t, c.kind, kind)
			}
		})
	}
	master1, viewers := w.service.Connected("porch")
	require.False(t, master1)
	require.Empty(t, viewers)
	res, err := http.Get("http" + strings.TrimPrefix(w.sign(t, master()), "ws"))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 400, res.StatusCode, "not a WebSocket")
	http.DefaultClient.CloseIdleConnections()
}

// Some SDKs leave the path of an endpoint out.
func TestAddressesWithoutPath(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	m, v := w.master(arn), w.viewer(arn, "anna")
	m.path, v.path, m.creds = "/", "/", w.device(t, "porch")
	master, viewer := w.connect(t, m), w.connect(t, v)
	viewer.send("SDP_OFFER", "{}", "recipientClientId", "ben")
	require.Equal(t, told{SenderClientID: "anna", MessageType: "SDP_OFFER", MessagePayload: "{}"}, master.hear())
	master.send("SDP_ANSWER", "{}", "recipientClientId", "anna")
	require.Equal(t, told{MessageType: "SDP_ANSWER", MessagePayload: "{}"}, viewer.hear())
	v.creds = w.device(t, "porch")
	status, _ := w.refused(t, v)
	require.Equal(t, 403, status, "who has an id is a viewer, whatever its path")
}

func TestNewConnectionTakesThePlaceOfTheOld(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	for range 3 {
		older, viewer := w.connect(t, w.master(arn)), w.connect(t, w.viewer(arn, "anna"))
		newer := w.connect(t, w.master(arn))
		require.Equal(t, websocket.CloseNormalClosure, older.closed())
		viewer.send("SDP_OFFER", "{}")
		require.Equal(t, "SDP_OFFER", newer.hear().MessageType)
		again := w.connect(t, w.viewer(arn, "anna"))
		require.Equal(t, websocket.CloseNormalClosure, viewer.closed())
		newer.send("SDP_ANSWER", "{}", "recipientClientId", "anna")
		require.Equal(t, "SDP_ANSWER", again.hear().MessageType)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), func(c *signaling.Config) {
		c.Limits.Viewers, c.Limits.Candidates, c.Limits.Retained = 2, 1e-9, 3
	})
	arn := w.create(t, "porch")
	for i := range 2 {
		w.connect(t, w.viewer(arn, fmt.Sprint(i)))
	}
	status, kind := w.refused(t, w.viewer(arn, "2"))
	require.Equal(t, 400, status)
	require.Equal(t, "ClientLimitExceededException", kind)
	viewer := w.connect(t, w.viewer(arn, "1")) // its own place
	viewer.send("ICE_CANDIDATE", "{}", "correlationId", "a")
	require.Equal(t, "ClientLimitExceededException", viewer.hear().StatusResponse.ErrorType, "candidates come too fast")
	for i := range 5 {
		viewer.send("SDP_OFFER", fmt.Sprint(i))
	}
	viewer.say(`{"correlationId":"b"}`)
	require.Equal(t, "b", viewer.hear().StatusResponse.CorrelationID, "all before has been taken in")
	master := w.connect(t, w.master(arn))
	require.Equal(t, "4", master.hear().MessagePayload, "the newest offer is the one that counts")
	for i := range 5 {
		master.send("SDP_ANSWER", "{}", "recipientClientId", fmt.Sprint("away-", i))
	}
	viewer.send("SDP_OFFER", "last")
	require.Equal(t, "last", master.hear().MessagePayload)
}

// Many at once get as many places as there are, and hear so politely.
func TestFiftyViewersAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	master := w.connect(t, w.master(arn))
	var seated atomic.Int64
	var dialing sync.WaitGroup
	for i := range 50 {
		address := w.sign(t, w.viewer(arn, fmt.Sprint(i)))
		dialing.Go(func() {
			ws, resp, err := websocket.DefaultDialer.Dial(address, nil)
			if err != nil {
				if !assert.NotNil(t, resp, "%v", err) {
					return
				}
				resp.Body.Close()
				assert.Equal(t, "ClientLimitExceededException", resp.Header.Get("X-Amzn-Errortype"))
				return
			}
			t.Cleanup(func() { ws.Close() })
			assert.NoError(t, ws.WriteMessage(websocket.TextMessage, []byte(`{"action":"SDP_OFFER","messagePayload":"e30="}`)))
			seated.Add(1)
		})
	}
	dialing.Wait()
	require.EqualValues(t, 10, seated.Load())
	for range 10 {
		require.Equal(t, "SDP_OFFER", master.hear().MessageType)
	}
}

func TestOfferOfAlexa(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	const path = "/v1/send-alexa-offer-to-master"
	for _, body := range []string{`{}`, `{"ChannelARN":"` + arn + `","SenderClientId":"a b","MessagePayload":"e30="}`, `{"ChannelARN":"` + arn + `","SenderClientId":"echo"}`} {
		status, answer := w.post(t, w.keys.Admin(), path, body)
		require.Equal(t, 400, status, answer)
	}
	answers := make(chan map[string]any, 1)
	go func() {
		_, answer := w.post(t, w.keys.Admin(), path, `{"ChannelARN":"`+arn+`","SenderClientId":"echo","MessagePayload":"e30="}`)
		answers <- answer
	}()
	master := w.connect(t, w.master(arn)) // before or after the offer
	require.Equal(t, told{SenderClientID: "echo", MessageType: "SDP_OFFER", MessagePayload: "{}"}, master.hear())
	master.send("ICE_CANDIDATE", "{}", "recipientClientId", "echo")
	master.send("SDP_ANSWER", `{"type":"answer"}`, "recipientClientId", "echo")
	require.Equal(t, map[string]any{"Answer": "eyJ0eXBlIjoiYW5zd2VyIn0="}, <-answers)
}

func TestTooManyConnects(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), func(c *signaling.Config) { c.Limits.Connects = 1 })
	arn := w.create(t, "porch")
	require.Eventually(t, func() bool {
		ws, resp, err := websocket.DefaultDialer.Dial(w.sign(t, w.master(arn)), nil)
		if err == nil {
			ws.Close()
			return false
		}
		if resp != nil {
			resp.Body.Close()
		}
		return resp != nil && resp.Header.Get("X-Amzn-Errortype") == "ClientLimitExceededException"
	}, patience, time.Millisecond)
}

// What is no message is passed over, and a client that sends nothing else is
// let go.
func TestHostileMessages(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	master, viewer := w.connect(t, w.master(arn)), w.connect(t, w.viewer(arn, "anna"))
	refusals := map[string]string{
		`{"correlationId":"c"}`: "action",
		`{"action":"GO_AWAY","messagePayload":"e30=","correlationId":"c"}`:                  "action",
		`{"action":"SDP_OFFER","correlationId":"c"}`:                                        "messagePayload is empty",
		`{"action":"SDP_OFFER","messagePayload":"?","correlationId":"c"}`:                   "base64",
		`{"action":"SDP_OFFER","messagePayload":"` + b64(10_000) + `","correlationId":"c"}`: "are allowed",
	}
	for text, want := range refusals {
		viewer.say(text)
		got := viewer.hear()
		require.Equal(t, "STATUS_RESPONSE", got.MessageType)
		require.Equal(t, "c", got.StatusResponse.CorrelationID)
		require.Equal(t, "InvalidArgumentException", got.StatusResponse.ErrorType)
		require.Equal(t, "400", got.StatusResponse.StatusCode)
		require.Contains(t, got.StatusResponse.Description, want)
	}
	master.send("SDP_ANSWER", "{}", "correlationId", "c")
	require.Contains(t, master.hear().StatusResponse.Description, "recipientClientId")
	for _, text := range []string{"", "null", "x", `{"action":{}}`, `{"action":"SDP_OFFER","messagePayload":"e30=","correlationId":"a b"}`} {
		viewer.say(text)
	}
	require.NoError(t, viewer.ws.WriteMessage(websocket.BinaryMessage, []byte{0, 1, 2}))
	viewer.send("SDP_OFFER", "sound")
	require.Equal(t, told{SenderClientID: "anna", MessageType: "SDP_OFFER", MessagePayload: "sound"}, master.hear())

	flood := w.connect(t, w.viewer(arn, "ben"))
	go func() {
		for flood.ws.WriteMessage(websocket.TextMessage, []byte("{}")) == nil { // until it is let go
		}
	}()
	require.Contains(t, []int{websocket.ClosePolicyViolation, -1}, flood.closed())
	huge := w.connect(t, w.viewer(arn, "carl"))
	_ = huge.ws.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 40_000)))
	require.Contains(t, []int{websocket.CloseMessageTooBig, -1}, huge.closed())

	viewer.send("SDP_OFFER", "still sound")
	require.Equal(t, "still sound", master.hear().MessagePayload)
}

func b64(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }

// A viewer that does not read is let go, and the master does not notice.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	master := w.connect(t, w.master(arn))
	deaf := w.connect(t, w.viewer(arn, "deaf"))
	require.NoError(t, deaf.ws.NetConn().(*net.TCPConn).SetReadBuffer(1))
	payload := strings.Repeat("x", 7000)
	require.Eventually(t, func() bool {
		for range 100 {
			master.send("ICE_CANDIDATE", payload, "recipientClientId", "deaf")
		}
		_, viewers := w.service.Connected("porch")
		return len(viewers) == 0
	}, patience, time.Millisecond)
	viewer := w.connect(t, w.viewer(arn, "anna"))
	viewer.send("SDP_OFFER", "{}")
	require.Equal(t, "SDP_OFFER", master.hear().MessageType)
}

// Half of a handshake, half of a frame, and frames that are none.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	master := w.connect(t, w.master(arn))
	for _, raw := range [][]byte{{0x81}, {0x81, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFF}, {0x81, 0x05, 'h', 'e', 'l', 'l', 'o'}, {0x88, 0x80, 0, 0, 0, 0}} {
		p := w.connect(t, w.viewer(arn, "anna"))
		_, err := p.ws.NetConn().Write(raw)
		require.NoError(t, err)
		p.ws.Close()
	}
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	require.NoError(t, err)
	_, err = conn.Write([]byte("GET /signaling/master?X-Amz-ChannelARN=x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"))
	require.NoError(t, err)
	conn.Close()
	require.Eventually(t, func() bool { _, v := w.service.Connected("porch"); return len(v) == 0 }, patience, time.Millisecond)
	require.NoError(t, master.ws.WriteMessage(websocket.PingMessage, nil))
}

func TestDeletedChannel(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	master, viewer := w.connect(t, w.master(arn)), w.connect(t, w.viewer(arn, "anna"))
	status, answer := w.post(t, w.keys.Admin(), "/deleteSignalingChannel", `{"ChannelARN":"`+arn+`"}`)
	require.Equal(t, 200, status, answer)
	require.Equal(t, websocket.CloseGoingAway, master.closed())
	require.Equal(t, websocket.CloseGoingAway, viewer.closed())
}

func TestGoAway(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), func(c *signaling.Config) { c.Limits.Life, c.Limits.Grace = 400*time.Millisecond, 300*time.Millisecond })
	master := w.connect(t, w.master(w.create(t, "porch")))
	require.Equal(t, told{MessageType: "GO_AWAY"}, master.hear())
	require.Equal(t, websocket.CloseGoingAway, master.closed())
}

func TestServiceCloses(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch")
	master := w.connect(t, w.master(arn))
	done := make(chan int, 1)
	go func() { done <- master.closed() }()
	w.stop()
	require.Equal(t, websocket.CloseGoingAway, <-done)
}

func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	a := w.master(w.create(t, "porch"))
	signed, err := url.Parse(w.sign(t, a))
	require.NoError(t, err)
	w.connect(t, a).say(`{"action":"SDP_OFFER"}`)
	a.at = time.Now().Add(-time.Hour)
	w.refused(t, a)
	require.NotContains(t, w.logs.String(), signed.Query().Get("X-Amz-Signature"))
	raw, err := json.Marshal(w.keys.Admin().SecretAccessKey)
	require.NoError(t, err)
	require.NotContains(t, w.logs.String(), strings.Trim(string(raw), `"`))
}
