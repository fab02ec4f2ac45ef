package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of the demo's pages")

// photograph saves a case's page in both languages. The street is blurred: the
// people in it did not ask to be shown.
func (o *officer) photograph(t *testing.T, id, folder string) {
	t.Helper()
	for _, language := range []string{"zh", "en"} {
		var png []byte
		o.do(
			chromedp.ActionFunc(emulation.SetDeviceMetricsOverride(1280, 860, 1, false).Do),
			chromedp.Navigate(o.url+"/cases/"+id),
			o.speak(language),
			chromedp.WaitVisible("#confirm", chromedp.ByQuery),
			chromedp.Poll(`[...document.images].every(i => i.complete)`, nil),
			chromedp.Evaluate(`document.querySelectorAll("main img").forEach(i => i.style.filter = "blur(3px)")`, nil),
			chromedp.CaptureScreenshot(&png),
		)
		if err := os.WriteFile(filepath.Join(folder, "case-"+language+".png"), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// speak presses the button of a language, if the page is not in it.
func (o *officer) speak(language string) chromedp.Action {
	return chromedp.Evaluate(`{
		const b = document.querySelector('form[action="/language"] button[value^="`+language+`"]');
		if (b && !document.documentElement.lang.startsWith("`+language+`")) b.click();
	}`, nil)
}
