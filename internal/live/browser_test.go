package live_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

//go:embed testdata/viewer.html
var viewerPage []byte

// page serves the viewer and carries its signaling.
func page(t testing.TB, w *wire) string {
	t.Helper()
	// A client's messages wait for it: its offer may come before it listens.
	var mu sync.Mutex
	boxes := make(map[string]chan live.Message)
	box := func(client string) chan live.Message {
		mu.Lock()
		defer mu.Unlock()
		if boxes[client] == nil {
			messages := make(chan live.Message, 64)
			boxes[client] = messages
			w.listen(client, func(m live.Message) { messages <- m })
		}
		return boxes[client]
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.Write(viewerPage)
	})
	mux.HandleFunc("POST /to", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 1<<20))
		if err != nil {
			return
		}
		kind := live.Candidate
		if r.FormValue("kind") == "offer" {
			kind = live.Offer
		}
		client := r.URL.Query().Get("client")
		box(client)
		w.in <- live.Message{Client: client, Kind: kind, Payload: body}
	})
	mux.HandleFunc("GET /from", func(rw http.ResponseWriter, r *http.Request) {
		messages := box(r.FormValue("client"))
		rw.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(rw).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case m := <-messages:
				fmt.Fprintf(rw, "data: %s\n\n", m.Payload)
				http.NewResponseController(rw).Flush()
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// browser opens a page in Chromium.
func browser(t testing.TB, url string) context.Context {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt install chromium")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.WSURLReadTimeout(3*patience), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true),
		chromedp.Flag("allow-loopback-in-peer-connection", true),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)...)
	ctx, cancelPage := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancelPage()
		cancelBrowser()
		cancel()
	})
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
	return ctx
}

// watched is what the page says of one visit.
type watched struct {
	Phases  map[string]int `json:"phases"` // milliseconds since the tap
	Sizes   [][2]any       `json:"sizes"`
	Late    bool           `json:"late"` // gave up waiting
	Refused string         `json:"refused"`
	Reply   struct {
		OK bool   `json:"ok"`
		To string `json:"to"`
		ID string `json:"id"`
	} `json:"reply"`
	Status  []map[string]any `json:"status"`
	Decoded int              `json:"decoded"`
	Dropped int              `json:"dropped"`
	Freezes int              `json:"freezes"`
	Frozen  float64          `json:"frozen"`
	PLI     int              `json:"pli"`
	NACK    int              `json:"nack"`
	Lost    int              `json:"lost"`
	Height  int              `json:"height"`
	Buffer  int              `json:"buffer"`
	Cipher  string           `json:"cipher"`
}

func visit(t testing.TB, ctx context.Context, name string, seconds float64) (w watched) {
	t.Helper()
	var raw []byte
	require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(fmt.Sprintf("watch(%q, %v)", name, seconds), &raw,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })))
	require.NoError(t, json.Unmarshal(raw, &w), string(raw))
	require.False(t, w.Late, "%+v", w)
	return w
}

func TestChromiumDecodes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	main := play(t, clip(t, "1280x720", "25", "8", "-g", "50", "-b:v", "2M"))
	sub := play(t, clip(t, "640x360", "10", "8", "-g", "20", "-b:v", "400k"))
	m, w := show(t, live.Config{Main: main.ring, Sub: sub.ring})
	ctx := browser(t, page(t, w))

	visit(t, ctx, "warm-up", 0) // the browser's own first time
	var taps []int
	for i := range 10 {
		got := visit(t, ctx, fmt.Sprint("visit-", i), 0)
		require.True(t, got.Reply.OK)
		taps = append(taps, got.Phases["first frame"])
	}
	slices.Sort(taps)
	t.Logf("tap to first frame, ms: median %d, worst of %d %d", taps[len(taps)/2], len(taps), taps[len(taps)-1])

	var got watched
	for n := range 10 { // a busy machine may take longer to find its link wide
		got = visit(t, ctx, fmt.Sprint("stays-", n), float64(6*(n+1)))
		t.Logf("%+v", got)
		if got.Height == 720 {
			break
		}
	}
	require.Positive(t, got.Decoded)
	require.Equal(t, 720, got.Height, "on the main stream by now")
	require.Equal(t, "p", got.Reply.ID)

	m.SetPrivate(true)
	require.Equal(t, live.CodePrivate, visit(t, ctx, "late", 0).Refused)
}
