package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browserSeesEvents signs in with a real browser and watches an event appear
// that was not there when the page was opened.
func browserSeesEvents(t *testing.T, m *machine) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt install chromium")
	}
	text, err := os.ReadFile(m.ready.Password)
	require.NoError(t, err)
	_, password, _ := strings.Cut(string(text), "password: ")

	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	ctx, cancelBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.WSURLReadTimeout(3*patience), chromedp.NoSandbox, chromedp.WindowSize(412, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-gpu", true),
	)...)
	defer cancelBrowser()
	ctx, cancelPage := chromedp.NewContext(ctx)
	defer cancelPage()
	// The browser's profile is in a folder that the browser's end removes: its
	// processes go on writing a moment, and a folder of the test would fail it.
	defer func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
	}()

	var before int
	require.NoError(t, chromedp.Run(ctx,
		chromedp.Navigate(m.ready.App+"/"),
		chromedp.Click(`[data-testid=sign-in]`),
		chromedp.WaitVisible(`input[type=password]`),
		chromedp.SendKeys(`input[type=email]`, m.ready.Owner),
		chromedp.SendKeys(`input[type=password]`, strings.TrimSpace(password)+"\r"),
		chromedp.WaitVisible(`[data-testid=camera-card]`),
		chromedp.WaitVisible(`[data-testid=event-card]`),
		chromedp.Evaluate(`document.querySelectorAll('[data-testid=event-card]').length`, &before),
	))
	require.Positive(t, before)
	var card string
	await(t, "an event to appear on the open page", func() bool {
		var now int
		require.NoError(t, chromedp.Run(ctx,
			chromedp.Evaluate(`document.querySelectorAll('[data-testid=event-card]').length`, &now),
			chromedp.Text(`[data-testid=event-card]`, &card),
		))
		return now > before
	})
	require.Contains(t, strings.ToLower(card), "person")
	var loaded bool
	await(t, "the thumbnail to load", func() bool {
		require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(
			`[...document.querySelectorAll('[data-testid=event-card] img')].some(i => i.complete && i.naturalWidth > 0)`, &loaded)))
		return loaded
	})
	if file := os.Getenv("PORCHLIGHT_SCREENSHOT"); file != "" {
		var png []byte
		require.NoError(t, chromedp.Run(ctx, chromedp.Sleep(time.Second), chromedp.CaptureScreenshot(&png)))
		require.NoError(t, os.WriteFile(file, png, 0o600))
	}
}
