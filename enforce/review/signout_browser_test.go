package review

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// TestNothingStaysAfterSigningOut goes back in a browser whose officer has left:
// neither the page nor a picture nor the clip may show again.
func TestNothingStaysAfterSigningOut(t *testing.T) {
	for language, words := range map[string]struct{ signIn, signOut string }{
		"en": {"Sign in", "Sign out"}, "zh-CN": {"登录", "退出"},
	} {
		t.Run(language, func(t *testing.T) {
			b := newBureau(t, suspected(1, accepted))
			b.files = footage(t)
			d := newDesk(t, b)
			page := newBrowser(t, language)
			page.signIn(d.url)
			page.do("open the case", chromedp.Navigate(d.url+casePath(caseID(1))), chromedp.WaitVisible("#plate"))
			page.sees(words.signOut)
			page.do("play the clip", chromedp.Evaluate(`{
				const v = document.querySelector("video");
				document.querySelector("#pick5").click();
				v.play();
			}`, nil), chromedp.Poll(`document.querySelector("video").ended`, nil, chromedp.WithPollingTimeout(time.Minute)))
			page.do("sign out", chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#password"))
			page.do("go back", chromedp.Evaluate(`history.back()`, nil))
			page.sees(words.signIn)
			for _, path := range []string{"", "/files/due", "/files/clip"} {
				var text string
				page.do("ask again", chromedp.Navigate(d.url+casePath(caseID(1))+path), chromedp.WaitVisible("#password"),
					chromedp.Evaluate("document.documentElement.outerHTML", &text))
				if strings.Contains(text, "D12345") {
					t.Errorf("%s shows the plate to nobody:\n%s", path, text)
				}
			}
			var kept int
			page.do("look into the cache", chromedp.Evaluate(
				`fetch("`+casePath(caseID(1))+`/files/due", {cache: "only-if-cached", mode: "same-origin"}).then(r => r.status, () => 0)`, &kept,
				awaited))
			if kept == 200 {
				t.Error("the browser has kept a picture")
			}
		})
	}
}

// awaited has a script's promise waited for.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// The banner comes and goes with what is wrong, on a page that stays open.
func TestSystemBannerInABrowser(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.files = footage(t)
	var bad atomic.Pointer[[]Condition]
	bad.Store(&[]Condition{})
	b.system = func(context.Context) []Condition { return *bad.Load() }
	d := newDeskWith(t, b, city(), func(c *Config) { c.Refresh = time.Second }) // the header at its widest
	page := newBrowser(t, "en")
	page.signIn(d.url)
	bad.Store(&[]Condition{
		{"disk", true, opened, "write /var/lib/tidewatch/files: no space left on device"},
		{"exemptions", false, opened, "exemptions.csv:3: plate is missing"},
	})
	page.sees("Serious trouble with the system")
	page.fitsPhone()
	page.do("follow it", chromedp.Click(".banner"), chromedp.WaitVisible(".conditions"))
	page.sees("no space left on device")
	page.fitsPhone()
	bad.Store(&[]Condition{})
	page.sees("All is well")
	page.do("the banner is gone", chromedp.WaitNotPresent(".banner"))
	page.quiet()
}
