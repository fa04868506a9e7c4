package signaling_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	client "porchlight/internal/kvs/signaling"
)

// browser is a tab with the official SDK.
type browser struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // how the library hands its tab around
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt install chromium")
	}
	sdk := officialSDK(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/sdk.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(sdk)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	})
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	t.Cleanup(cancel)
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.WSURLReadTimeout(3*patience), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("allow-loopback-in-peer-connection", true),
	)...)
	t.Cleanup(cancelBrowser)
	ctx, cancelPage := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancelPage()
	})
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(web.URL)))
	return &browser{t, ctx}
}

// call calls a function of the page and waits for what it returns.
func (b *browser) call(into any, function string, args ...any) {
	b.t.Helper()
	expression := function + "("
	for i, a := range args {
		raw, err := json.Marshal(a)
		require.NoError(b.t, err)
		if i > 0 {
			expression += ","
		}
		expression += string(raw)
	}
	require.NoError(b.t, chromedp.Run(b.ctx, chromedp.Evaluate(expression+")", into,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })))
}

// events is what the page has noted.
func (b *browser) events() (noted []string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Run(b.ctx, chromedp.Evaluate("events", &noted)))
	return noted
}

// until waits for the page to have noted something.
func (b *browser) until(want string) {
	b.t.Helper()
	end := time.Now().Add(2 * patience)
	for noted := b.events(); !slices.Contains(noted, want); noted = b.events() {
		require.True(b.t, time.Now().Before(end), "%s: %v", want, noted)
		time.Sleep(20 * time.Millisecond)
	}
}

// config is how a page opens a client of the official SDK.
func (w *world) official(keys aws.CredentialsProvider, role client.Role, id string) map[string]any {
	w.t.Helper()
	at, err := w.directory(keys).Endpoints(w.t.Context(), "home.porch", role, true)
	require.NoError(w.t, err)
	creds, err := keys.Retrieve(w.t.Context())
	require.NoError(w.t, err)
	config := map[string]any{"channelARN": at.ARN, "channelEndpoint": at.WSS, "role": string(role), "region": region, "credentials": map[string]string{
		"accessKeyId": creds.AccessKeyID, "secretAccessKey": creds.SecretAccessKey, "sessionToken": creds.SessionToken}}
	if id != "" {
		config["clientId"] = id
	}
	return config
}

// The official SDK signs and connects, its offer gets to our master and the
// answer back, and then both speak through the relay.
func TestOfficialSDKAsViewer(t *testing.T) {
	w := startOn(t, "https", nil)
	camera := w.master(nil)
	b := newBrowser(t)
	servers, err := camera.ICEServers(t.Context())
	require.NoError(t, err)
	ice := []map[string]any{{"urls": servers[0].URLs, "username": servers[0].Username, "credential": servers[0].Credential}}
	// On a busy machine a browser may give a connection up before it is there.
	for _, id := range []string{"anna", "ben", "cleo"} {
		b.call(nil, "events.splice", 0)
		b.call(nil, "watch", w.official(w.viewer(), client.Viewer, id), ice)
		b.until("open")
		if b.speaks(camera, id, ice) {
			return
		}
		t.Logf("%s is not heard", id)
	}
	require.Fail(t, "nobody is heard", "%v", b.events())
}

// speaks answers a viewer, and waits for the two to hear each other.
func (b *browser) speaks(camera *running, id string, ice []map[string]any) bool {
	b.t.Helper()
	offer := camera.receive()
	for offer.Client != id { // of one who was not heard
		offer = camera.receive()
	}
	require.Equal(b.t, client.Offer, offer.Kind)
	require.Contains(b.t, string(offer.Payload), "m=application")
	var said string
	b.call(&said, "answer", json.RawMessage(offer.Payload), ice)
	var out struct {
		Answer     json.RawMessage
		Candidates []json.RawMessage
	}
	require.NoError(b.t, json.Unmarshal([]byte(said), &out))
	require.NotEmpty(b.t, out.Candidates, "the relay gave no candidate")
	for _, c := range out.Candidates { // early ones, as the SDK has to take them
		camera.send(message(client.Candidate, id, string(c)))
	}
	camera.send(client.Message{Client: id, Kind: client.Answer, Payload: out.Answer, CorrelationID: "a-1"})
	b.until("answer")
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if slices.Contains(b.events(), "data echo ping") {
			return true
		}
		ctx, cancel := context.WithTimeout(b.t.Context(), 50*time.Millisecond)
		m, err := camera.Receive(ctx)
		cancel()
		if err == nil && m.Client == id {
			require.Equal(b.t, client.Candidate, m.Kind, "%s", m.Payload)
			require.Contains(b.t, string(m.Payload), "typ relay")
			b.call(nil, "camera.addIceCandidate", json.RawMessage(m.Payload))
		}
	}
	return false
}

func TestOfficialSDKAsMaster(t *testing.T) {
	w := startOn(t, "https", nil)
	w.master(nil).stop() // which makes the channel
	b := newBrowser(t)
	b.call(nil, "master", w.official(w.device("home"), client.Master, ""))
	b.until("open")
	viewer := w.watch("anna", nil)
	viewer.send(message(client.Candidate, "", `{"candidate":"early"}`))
	viewer.send(message(client.Offer, "", `{"type":"offer","sdp":"ours"}`))
	b.until("offer anna ours")
	b.until("candidate anna early")
	require.JSONEq(t, `{"type":"answer","sdp":"to anna"}`, string(viewer.receive().Payload))
	require.Equal(t, client.Candidate, viewer.receive().Kind)
	second := w.master(nil)
	b.until("close")
	viewer.send(message(client.Offer, "", `{"type":"offer","sdp":"again"}`))
	require.Equal(t, `{"type":"offer","sdp":"again"}`, string(second.receive().Payload), "the newer master has it")
}
