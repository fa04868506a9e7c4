package page

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestABrowserPlaysRecordings signs in with a real browser, chooses a stretch
// of a day and watches it, on into the next clip where the stream changed.
func TestABrowserPlaysRecordings(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt install chromium")
	}
	library, _ := recordings(t, door(noon(), "320x180", "4"), door(noon().Add(4*time.Second), "160x90", "4"), door(noon().Add(time.Hour), "320x180", "3"))
	s := serveWith(t, library)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)

	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.WSURLReadTimeout(3*patience), chromedp.NoSandbox, chromedp.WindowSize(412, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)...)
	defer cancelBrowser()
	ctx, cancelPage := chromedp.NewContext(ctx)
	defer cancelPage()
	defer func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
	}()
	truth := func(expression string) {
		t.Helper()
		var is bool
		require.Eventually(t, func() bool {
			require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(expression, &is)))
			return is
		}, 3*patience, 50*time.Millisecond, expression)
	}
	require.NoError(t, chromedp.Run(ctx,
		chromedp.Navigate(s.URL+"/login"),
		chromedp.SendKeys(`#token`, token+"\r"),
		chromedp.WaitVisible(`a[href="/camera/home.door/recordings"]`),
		chromedp.Navigate(s.URL+"/camera/home.door/recordings#"+noon().Add(time.Hour).Format(time.RFC3339)),
	))
	truth(`document.querySelectorAll("#list li").length === 2 && document.querySelectorAll("#line rect").length >= 2`)
	truth(`player.videoWidth === 320 && player.ended && player.currentTime > 2.9`)
	truth(`now.textContent.startsWith(new Date("2026-11-21T13:00:03Z").toLocaleString().slice(0, -5))`)

	require.NoError(t, chromedp.Run(ctx, chromedp.Click(`#list li button`)))
	truth(`player.videoWidth === 160 && player.ended`) // the camera's picture changed its size there
	truth(`player.error === null`)
	require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(`player.currentTime = 1; player.play()`, nil)))
	truth(`player.ended`)
	if file := os.Getenv("PORCHLIGHT_SCREENSHOT"); file != "" {
		var png []byte
		require.NoError(t, chromedp.Run(ctx, chromedp.CaptureScreenshot(&png)))
		require.NoError(t, os.WriteFile(file, png, 0o600))
	}
}
