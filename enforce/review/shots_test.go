package review

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tidewatch/enforce"
)

var shots = flag.String("shots", "", "folder to write pictures of the pages to")

// look sets the size of the window, in CSS pixels, and the colour scheme.
func (b *browser) look(width, height int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.do("set the window",
		chromedp.EmulateViewport(width, height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
	)
}

// shoot writes a picture of what is in the window.
func (b *browser) shoot(name string) {
	b.t.Helper()
	var picture []byte
	b.do("take a picture", chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(filepath.Join(*shots, name), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// shootAll writes a picture of the whole page.
func (b *browser) shootAll(name string) {
	b.t.Helper()
	var picture []byte
	b.do("take a picture", chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(filepath.Join(*shots, name), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// TestShots writes pictures of the pages, for people to look at.
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no -shots folder named")
	}
	b := newBureau(t)
	b.files = footage(t)
	reads := []enforce.Event{suspected(1, accepted), suspected(2, unread), suspected(3, doubtful), suspected(4, accepted)}
	b.put(t, reads...)
	for n := 5; n <= 9; n++ {
		b.put(t, suspected(n, accepted))
	}
	b.put(t, stopEnded(2),
		decided(1, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}), uploadFailed(1),
		decided(5, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}), stopEnded(5), receipted(5, true),
		decided(6, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}), receipted(6, false),
		decided(7, 1, enforce.Rejected, enforce.Decision{Reason: "unclear: 车牌被遮挡"}))
	d := newDesk(t, b)
	for _, language := range []string{"zh-CN", "en"} {
		for _, look := range []struct {
			name          string
			width, height int64
			dark          bool
		}{{"1280", 1280, 800, false}, {"390", 390, 844, false}, {"dark", 1280, 800, true}} {
			t.Run(language+"_"+look.name, func(t *testing.T) {
				page := newBrowser(t, language)
				page.look(look.width, look.height, look.dark)
				shot := func(name string) { page.shoot(fmt.Sprintf("%s_%s_%s.png", name, language, look.name)) }
				page.do("sign-in page", chromedp.Navigate(d.url))
				shot("signin")
				page.signIn(d.url)
				shot("queue")
				for name, n := range map[string]int{"case_unread": 2, "case_doubtful": 3, "retrying": 1, "uploaded": 5, "refused": 6, "rejected": 7} {
					page.do(name, chromedp.Navigate(d.url+casePath(caseID(n))),
						chromedp.Poll(`[...document.images].every((i) => i.complete)`, nil))
					shot(name)
				}
				page.do("reject", chromedp.Navigate(d.url+casePath(caseID(2))), chromedp.Click(".reject summary"))
				shot("case_reject")
				page.do("odd plate", chromedp.Navigate(d.url+casePath(caseID(2))), chromedp.SendKeys("#plate", "B123"+kb.Enter),
					chromedp.WaitVisible("[name=sure]"))
				shot("case_odd")
				page.do("the whole page", chromedp.Navigate(d.url+casePath(caseID(5))))
				page.shootAll(fmt.Sprintf("whole_%s_%s.png", language, look.name))
				page.do("nowhere", chromedp.Navigate(d.url+"/nowhere"))
				shot("nowhere")
			})
		}
	}
}
