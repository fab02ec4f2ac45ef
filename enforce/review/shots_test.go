package review

import (
	"flag"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
	"tidewatch/ingest"
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

// city is a dozen cameras of all states.
func city() *yard {
	y := everyState()
	y.cameras = append(y.cameras,
		camera(6, ails(refused), long, func(c *Camera) { c.Picture = ago(45 * time.Second) }),
		camera(7, long), camera(8), camera(9, ails(wrongClock, lossy)),
		camera(10, func(c *Camera) { c.Zones, c.Section = nil, enforce.SectionRef{} }),
		camera(11, ails(turned), func(c *Camera) { c.Streams[0].Size = image.Pt(1080, 1920) }),
		camera(12, ails(keyless, lossy), func(c *Camera) { c.Vendor, c.Streams[0].Size = ingest.Dahua, image.Pt(1280, 960) }))
	return y
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
	b.put(t, changed(10, accepted, scaled, daysAgo(12)), decided(10, 1, enforce.Warned, enforce.Decision{Plate: "川B67890"}),
		changed(11, accepted, scaled, daysAgo(40)), decided(11, 1, enforce.Confirmed, enforce.Decision{Plate: "川B67890"}), receipted(11, true),
		changed(12, second, scaled), changed(13, first, scaled), changed(14, exempted, scaled, inTrial), onTrial(15, accepted), changed(16, unread, scaled),
		onTrial(17, accepted), decided(17, 1, enforce.Warned, enforce.Decision{Plate: "川AD12345"}))
	b.put(t, enforce.Event{
		ID: "repaired-7", Case: caseID(7), Type: enforce.Repaired, At: opened.Add(time.Hour), Actor: "operator/root",
		Repair: &enforce.Repair{Database: 2, Evidence: 1},
	})
	b.take(sim.Stranger(decided(7, 2, enforce.Confirmed, enforce.Decision{Plate: "川A99999"})))
	b.exempt = enforce.NewExemptions([]enforce.Exemption{{
		Kind: enforce.Resident, Plate: exempted.Text, Until: opened.AddDate(0, 9, 0), Reference: "湖西社区〔2026〕12号",
	}})
	b.system = troubled(
		Condition{"disk", true, opened.Add(time.Hour), "write /var/lib/tidewatch/files: no space left on device"},
		Condition{"exemptions", false, opened, "exemptions.csv:3: plate is missing"},
		Condition{"of_tomorrow", false, opened, "something that this version has no words for"})
	d := newDeskWith(t, b, city())
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
				for name, path := range map[string]string{"system": "/system", "cameras": "/cameras", "offline": "/cameras?state=offline"} {
					page.do(name, chromedp.Navigate(d.url+path),
						chromedp.Evaluate(`for (const i of document.images) i.loading = "eager"`, nil),
						chromedp.Poll(`[...document.images].every((i) => i.complete)`, nil))
					page.shootAll(fmt.Sprintf("%s_%s_%s.png", name, language, look.name))
				}
				for name, n := range map[string]int{"camera_blind": 3, "camera_keyless": 12, "camera_offline": 2, "camera_refused": 6, "camera_live": 7, "camera_young": 5} {
					page.do(name, chromedp.Navigate(d.url+cameraPath(camera(n).ID)), chromedp.Poll(loadedImages, nil))
					page.shootAll(fmt.Sprintf("%s_%s_%s.png", name, language, look.name))
				}
				for name, n := range map[string]int{
					"case_unread": 2, "case_doubtful": 3, "retrying": 1, "uploaded": 5, "refused": 6, "rejected": 7,
					"warned": 10, "case_repeat": 12, "case_first": 13, "case_exempt": 14, "case_trial": 15, "case_scaled": 16, "trial": 17,
				} {
					page.do(name, chromedp.Navigate(d.url+casePath(caseID(n))),
						chromedp.Poll(`[...document.images].every((i) => i.complete)`, nil))
					shot(name)
				}
				page.do("reject", chromedp.Navigate(d.url+casePath(caseID(2))), chromedp.Click(".reject summary"))
				shot("case_reject")
				page.do("odd plate", chromedp.Navigate(d.url+casePath(caseID(2))), chromedp.SendKeys("#plate", "B123"+kb.Enter),
					chromedp.WaitVisible("[name=sure]"))
				shot("case_odd")
				page.do("looked up", chromedp.Navigate(d.url+casePath(caseID(16))), chromedp.SendKeys("#plate", "川A98765"+kb.Enter),
					chromedp.WaitVisible("#warn"))
				shot("case_looked")
				page.do("decided otherwise", chromedp.Click(".otherwise summary"), chromedp.Click("#confirm"), chromedp.WaitVisible("#why[aria-invalid]"))
				shot("case_otherwise")
				for name, n := range map[string]int{"whole": 5, "whole_repeat": 12, "whole_repaired": 7} {
					page.do("the whole page", chromedp.Navigate(d.url+casePath(caseID(n))))
					page.shootAll(fmt.Sprintf("%s_%s_%s.png", name, language, look.name))
				}
				page.do("nowhere", chromedp.Navigate(d.url+"/nowhere"))
				shot("nowhere")
			})
		}
	}
}
