package e2e

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
)

// officer is somebody at a browser.
type officer struct {
	t   *testing.T
	ctx context.Context
	url string
}

// signIn opens a browser and signs in on the review page.
func signIn(t *testing.T, url, password string) *officer {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the tests may run as root
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("lang", "en"),
		chromedp.Flag("accept-lang", "en"),
		chromedp.UserDataDir(t.TempDir()),
	)
	ctx, stopAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, stopBrowser := chromedp.NewContext(ctx)
	ctx, stopTimer := context.WithTimeout(ctx, 2*patience)
	t.Cleanup(func() { stopTimer(); stopBrowser(); stopAllocator() })
	o := &officer{t: t, ctx: ctx, url: url}
	o.do(
		chromedp.Navigate(url+"/"),
		chromedp.SendKeys("#name", "officer", chromedp.ByQuery),
		chromedp.SendKeys("#password", password, chromedp.ByQuery),
		chromedp.Submit("#password", chromedp.ByQuery),
		chromedp.WaitVisible("nav", chromedp.ByQuery),
	)
	return o
}

func (o *officer) do(actions ...chromedp.Action) {
	o.t.Helper()
	if err := chromedp.Run(o.ctx, actions...); err != nil {
		o.t.Fatalf("browser: %v", err)
	}
}

// confirm opens a case, checks that its pictures show, types the plate and
// confirms; it returns when the page says so.
func (o *officer) confirm(id, plate string) {
	o.t.Helper()
	var broken int
	o.do(
		chromedp.Navigate(o.url+"/cases/"+id),
		chromedp.WaitVisible("#confirm", chromedp.ByQuery),
		chromedp.Poll(`[...document.images].every(i => i.complete)`, nil),
		chromedp.Evaluate(`[...document.images].filter(i => i.naturalWidth === 0).length`, &broken),
		chromedp.SetValue("#plate", plate, chromedp.ByQuery),
		chromedp.Click("#confirm", chromedp.ByQuery),
		chromedp.WaitVisible(".decided", chromedp.ByQuery),
	)
	if broken != 0 {
		o.t.Errorf("%d pictures of case %s do not show", broken, id)
	}
}

// reject opens a case and rejects it with the first reason of the list.
func (o *officer) reject(id string) {
	o.t.Helper()
	o.do(
		chromedp.Navigate(o.url+"/cases/"+id),
		chromedp.Click(".reject summary", chromedp.ByQuery),
		chromedp.WaitVisible("#reason", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("#reason").selectedIndex = 1`, nil),
		chromedp.Click("#reject", chromedp.ByQuery),
		chromedp.WaitVisible(".decided.rejected", chromedp.ByQuery),
	)
}

// seesUpload waits until a case's page shows the platform's receipt.
func (o *officer) seesUpload(id string) {
	o.t.Helper()
	eventually(o.t, "the receipt on the page", func() bool {
		shown := false
		o.do(
			chromedp.Navigate(o.url+"/cases/"+id),
			chromedp.Evaluate(`document.querySelector(".upload.accepted") !== null`, &shown),
		)
		return shown
	})
}

// clipPlays plays the case's clip to its end and returns its length in seconds.
func (o *officer) clipPlays(id string) (seconds float64) {
	o.t.Helper()
	o.do(
		chromedp.Navigate(o.url+"/cases/"+id),
		chromedp.WaitReady("video", chromedp.ByQuery),
		chromedp.Evaluate(`{ const v = document.querySelector("video"); v.muted = true; v.playbackRate = 8; v.play(); }`, nil),
		chromedp.Poll(`document.querySelector("video").ended`, nil, chromedp.WithPollingTimeout(patience)),
		chromedp.Evaluate(`document.querySelector("video").duration`, &seconds),
	)
	return seconds
}
