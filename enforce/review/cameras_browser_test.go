package review

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// loadedImages says that every picture in the window is there.
const loadedImages = `[...document.images].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.complete && i.naturalWidth > 0)`

// drawnAt measures, in shares of a picture's box, where the corners of its
// zones are drawn.
const drawnAt = `(() => {
  const img = document.getElementById("picture-hx-03"), box = img.getBoundingClientRect();
  return [...img.parentElement.querySelectorAll("polygon")].map((polygon) => [...polygon.points].map((point) => {
    const at = point.matrixTransform(polygon.getScreenCTM());
    return { X: (at.x - box.x) / box.width, Y: (at.y - box.y) / box.height };
  }));
})()`

func TestCamerasInABrowser(t *testing.T) {
	y := everyState()
	d := newDeskWith(t, newBureau(t), y, func(c *Config) { c.Refresh = time.Second })
	page := newBrowser(t, "en")
	page.signIn(d.url)
	page.do("go to the cameras", chromedp.Click("#to-cameras"), chromedp.WaitVisible("#picture-hx-03"))
	for name, each := range map[string]struct {
		path          string
		width, height int64
	}{
		"the list":            {"/cameras", 1280, 800},
		"the list on a phone": {"/cameras", 360, 740},
		"one":                 {"/cameras/hx-03", 1280, 800},
		"one on a phone":      {"/cameras/hx-03", 360, 740},
	} {
		page.look(each.width, each.height, false)
		var drawn [][]struct{ X, Y float64 }
		var wide, cut int
		page.do(name, chromedp.Navigate(d.url+each.path), chromedp.Poll(loadedImages, nil),
			chromedp.Evaluate(drawnAt, &drawn),
			chromedp.Evaluate("document.documentElement.scrollWidth", &wide),
			chromedp.Evaluate(`[...document.querySelectorAll(".tabs a, .top a, .state")].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).length`, &cut))
		if wide > int(each.width) || cut > 0 {
			t.Errorf("%s: the page is %d pixels wide in a window of %d, and %d words are cut", name, wide, each.width, cut)
		}
		zones := y.cameras[2].Zones
		if len(drawn) != len(zones) {
			t.Fatalf("%s: %d zones are drawn, want %d", name, len(drawn), len(zones))
		}
		for i, zone := range zones {
			for j, want := range zone.Polygon {
				if got := drawn[i][j]; math.Hypot(got.X-want.X, got.Y-want.Y) > .005 {
					t.Errorf("%s: corner %d of zone %s is drawn at %.3f %.3f of the picture, want %.3f %.3f",
						name, j, zone.ID, got.X, got.Y, want.X, want.Y)
				}
			}
		}
	}
	page.quiet()
}

func TestCamerasRenewThemselves(t *testing.T) {
	y := everyState()
	d := newDeskWith(t, newBureau(t), y, func(c *Config) { c.Refresh = time.Second })
	page := newBrowser(t, "en")
	page.signIn(d.url)
	page.do("choose those offline", chromedp.Navigate(d.url+"/cameras"),
		chromedp.Click("#tab-offline"), chromedp.WaitVisible("#tab-offline[aria-current]"),
		chromedp.WaitVisible("#picture-hx-02"), chromedp.WaitNotPresent("#picture-hx-01"),
		// The same element must show the newer picture: it never goes blank.
		chromedp.Evaluate(`document.getElementById("picture-hx-02").seen = true`, nil))
	y.set("hx-01", ails(refused))
	page.sees("refuses the user name or the password")
	y.set("hx-02", func(c *Camera) { c.Picture = ago(7 * time.Second) })
	page.sees("7 s old")
	var kept bool
	page.do("look at the newer picture",
		chromedp.Poll(`document.getElementById("picture-hx-02").src.includes("at=`+fmt.Sprint(ago(7*time.Second).UnixMilli())+`")`, nil),
		chromedp.Poll(loadedImages, nil),
		chromedp.Evaluate(`document.getElementById("picture-hx-02").seen === true`, &kept))
	if !kept {
		t.Error("the picture was taken away and put back")
	}
	page.do("open the first with the keyboard", page.press("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#health"))
	page.quiet()
}
