package playback_test

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// app is the built web app, or a page with nothing on it and false.
func app() (fs.FS, bool) {
	built := filepath.Join(root(), "web", "dist")
	if _, err := os.Stat(filepath.Join(built, "index.html")); err != nil {
		return fstest.MapFS{"index.html": {}}, false
	}
	return os.DirFS(built), true
}

// browser is one that has signed in to the app.
func (o *owner) browser() context.Context {
	o.t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		o.t.Skip("chromium is not installed: apt install chromium")
	}
	// The test's own context ends before there is time to close the browser.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.t.Context()), 3*patience)
	o.t.Cleanup(cancel)
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.WSURLReadTimeout(3*patience), chromedp.NoSandbox, chromedp.WindowSize(412, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)...)
	o.t.Cleanup(cancelBrowser)
	ctx, cancelPage := chromedp.NewContext(ctx)
	o.t.Cleanup(cancelPage)
	// The browser's profile is in a folder that the browser's end removes.
	o.t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			o.t.Logf("close the browser: %v", err)
		}
	})
	require.NoError(o.t, chromedp.Run(ctx,
		chromedp.Navigate(o.cloud.AppURL()+"/"),
		chromedp.Click(`[data-testid=sign-in]`),
		chromedp.WaitVisible(`input[type=password]`),
		chromedp.SendKeys(`input[type=email]`, o.email),
		chromedp.SendKeys(`input[type=password]`, o.password+"\r"),
		chromedp.WaitVisible(`[data-testid=camera-card]`),
		chromedp.Evaluate(`window.refused = []; addEventListener("securitypolicyviolation", e => window.refused.push(e.violatedDirective + " " + e.blockedURI)); true`, nil),
	))
	return ctx
}

// seen is what the browser's player shows.
type seen struct {
	State, Time   string
	Width, Height int
	At            float64 // seconds
	Refused       []string
}

const look = `(() => {
	const player = document.querySelector('[data-testid=player]'), video = document.querySelector('[data-testid=video]')
	return { State: player?.dataset.state ?? "", Time: player?.dataset.time ?? "", Width: video?.videoWidth ?? 0,
		Height: video?.videoHeight ?? 0, At: video?.currentTime ?? 0, Refused: window.refused ?? ["the listener is gone"] }
})()`

// watch waits until pictures move, and returns when those on screen were taken.
func watch(t *testing.T, ctx context.Context) time.Time {
	t.Helper()
	var first, now seen
	require.Eventually(t, func() bool {
		require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(look, &now)))
		if first.Time == "" && now.Width > 0 {
			first = now
		}
		return first.Time != "" && now.Time > first.Time && now.Width > 0
	}, patience, 100*time.Millisecond, "%+v", &now)
	require.Empty(t, now.Refused, "the content security policy lets it play")
	require.Equal(t, []int{320, 180}, []int{now.Width, now.Height})
	at, err := time.Parse(time.RFC3339Nano, first.Time)
	require.NoError(t, err)
	return at
}

// TestBrowserPlaysVideo has the app itself play and save an event, at the time
// at which it happened, and play a camera's day.
func TestBrowserPlaysVideo(t *testing.T) {
	if _, built := app(); !built {
		t.Skip("the app is not built: run make web")
	}
	w := newWorld(t)
	alice := w.newOwner("alice", "porch")
	clip := film(t, "20")
	began := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	alice.send("porch.front", began, clip)
	e := alice.happened("porch.front", began.Add(5*time.Second), began.Add(15*time.Second))
	ctx := alice.browser()

	require.NoError(t, chromedp.Run(ctx,
		chromedp.Evaluate(`location.hash = "#/events/`+e.EventID+`"`, nil),
		chromedp.Click(`[data-testid=play-video]`),
	))
	at := watch(t, ctx)
	require.WithinRange(t, at, began.Add(3900*time.Millisecond), began.Add(16*time.Second), "at its time of the day")

	var saved string
	require.NoError(t, chromedp.Run(ctx,
		chromedp.Click(`[data-testid=save-mp4]`),
		chromedp.WaitVisible(`[data-testid=save][data-state=done]`),
		chromedp.AttributeValue(`[data-testid=save-link]`, "href", &saved, nil),
	))
	status, _, file := w.fetch(saved, "")
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, file)

	require.NoError(t, chromedp.Run(ctx,
		chromedp.Evaluate(`location.hash = "#/cameras/porch.front?t=`+began.Add(8*time.Second).UTC().Format(time.RFC3339)+`"`, nil),
		chromedp.WaitVisible(`[data-testid=timeline]`),
		chromedp.Click(`[data-testid=play-day]`),
	))
	at = watch(t, ctx)
	require.WithinRange(t, at, began.Add(-100*time.Millisecond), began.Add(21*time.Second))
}
