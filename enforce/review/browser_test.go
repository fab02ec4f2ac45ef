package review

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	setup "tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/accounts"
)

// footage cuts the evidence of one case out of a real video: a van that stands
// at the kerb, up on the right.
func footage(t *testing.T) map[string][]byte {
	t.Helper()
	dir, err := setup.Default()
	if err != nil {
		t.Fatal(err)
	}
	video, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cut := func(name, at string, args ...string) []byte {
		file := filepath.Join(folder, name)
		args = append([]string{"-v", "error", "-ss", at, "-i", video}, append(args, file)...)
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("cut %s with ffmpeg: %v: %s", name, err, out)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	return map[string][]byte{
		"begin":    cut("begin.jpg", "3", "-frames:v", "1"),
		"middle":   cut("middle.jpg", "30", "-frames:v", "1"),
		"due":      cut("due.jpg", "60", "-frames:v", "1"),
		"closeup":  cut("closeup.jpg", "60", "-frames:v", "1", "-vf", "crop=132:100:620:22,scale=528:400"),
		"clip":     cut("clip.mp4", "58", "-t", "4", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
		"manifest": []byte("{}"),
	}
}

// browser is a real one, without a screen.
type browser struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	troubles []string // what the page complained about
}

func newBrowser(t *testing.T, language string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("find a browser: %v; run script/setup", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", language),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, expire := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() {
		expire()
		cancel()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait()
	})
	b := &browser{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.troubles = append(b.troubles, e.ExceptionDetails.Error())
		case *cdplog.EventEntryAdded:
			b.troubles = append(b.troubles, e.Entry.Text+" "+e.Entry.URL)
		}
	})
	return b
}

func (b *browser) do(what string, actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		var page string
		_ = chromedp.Run(b.ctx, chromedp.Text("body", &page))
		b.t.Fatalf("%s: %v\n%s", what, err, page)
	}
}

func (b *browser) signIn(url string) {
	b.t.Helper()
	b.do("sign in",
		chromedp.Navigate(url),
		chromedp.SendKeys("#name", accounts.FirstOfficer),
		chromedp.SendKeys("#password", testPassword+kb.Enter),
		chromedp.WaitVisible("#cases"),
	)
}

// press strikes a key as a keyboard does: a page that takes the key for itself
// keeps its letter out of the field that it has moved the focus to.
func (b *browser) press(key string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		if err := input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithText(key).Do(ctx); err != nil {
			return err
		}
		return input.DispatchKeyEvent(input.KeyUp).WithKey(key).Do(ctx)
	})
}

// sees waits until the page's text holds something. It asks again and again by
// itself, since a poll inside the page ends when the page gives way to another.
func (b *browser) sees(text string) {
	b.t.Helper()
	var page string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		err := chromedp.Run(b.ctx, chromedp.Evaluate("document.body?.innerText ?? ''", &page))
		if err == nil && strings.Contains(page, text) {
			return
		}
	}
	b.t.Fatalf("the page never said %q:\n%s", text, page)
}

// fitsPhone checks that nothing sticks out of a narrow window.
func (b *browser) fitsPhone() {
	b.t.Helper()
	var width, cut int
	var rows []float64
	b.do("measure on a phone", chromedp.EmulateViewport(360, 740),
		chromedp.Evaluate("document.documentElement.scrollWidth", &width),
		chromedp.Evaluate(`[...document.querySelectorAll(".tabs a")].filter((tab) => tab.scrollWidth > tab.clientWidth).length`, &cut),
		chromedp.Evaluate(`[...new Set([...document.querySelectorAll(".row")].map((row) => row.offsetHeight))]`, &rows),
		chromedp.EmulateViewport(1280, 800))
	if width > 360 {
		b.t.Errorf("the page is %d pixels wide on a phone of 360", width)
	}
	if cut > 0 || len(rows) > 1 {
		b.t.Errorf("on a phone %d tabs are cut, and rows are %v pixels high; want none and one height", cut, rows)
	}
}

func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.troubles) > 0 {
		b.t.Errorf("the page complained:\n%s", strings.Join(b.troubles, "\n"))
	}
}

func TestOfficerDecidesInABrowser(t *testing.T) {
	b := newBureau(t, suspected(1, unread), suspected(2, doubtful))
	b.files = footage(t)
	d := newDesk(t, b, func(c *Config) { c.Refresh = time.Second })
	page := newBrowser(t, "en")
	page.signIn(d.url)

	page.fitsPhone()
	// The newest case comes first; the keyboard opens it.
	page.do("open the first case with the keyboard",
		page.press("j"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#plate"))
	page.sees("not certain enough")
	page.fitsPhone()
	var loaded, marked bool
	var plate string
	page.do("look at the evidence",
		chromedp.Poll(`[...document.images].every((i) => i.complete && i.naturalWidth > 0)`, &loaded),
		chromedp.Poll(`document.querySelector("video").readyState >= 1`, nil),
		chromedp.Evaluate(`document.querySelector(".show3 .mark").getBoundingClientRect().width > 100`, &marked),
		page.press("1"),
		chromedp.WaitVisible(".show1"), chromedp.WaitNotVisible(".show3"),
		page.press("m"), chromedp.WaitNotVisible(".show1 .mark"),
		chromedp.Value("#plate", &plate),
	)
	if !loaded || !marked {
		t.Errorf("pictures loaded: %v, vehicle marked: %v", loaded, marked)
	}
	if plate != "" {
		t.Errorf("the field holds %q: a doubtful read must not be filled in", plate)
	}
	page.do("type the plate and confirm",
		page.press("c"), chromedp.WaitVisible("#plate:focus"), chromedp.SendKeys("#plate", "川a8k3j1"),
		chromedp.Value("#plate", &plate), chromedp.KeyEvent(kb.Enter))
	page.sees("Confirmed.\n")
	if c, _ := b.Case(t.Context(), caseID(2)); c.State != enforce.StateConfirmed || c.Decision.Plate != "川A8K3J1" {
		t.Errorf("case is %s with plate %q", c.State, c.Decision.Plate)
	}

	// The platform's answer shows by itself.
	b.apply(receipted(2, true))
	page.sees("Accepted by the police platform")
	page.fitsPhone()

	page.do("go on to the next case", page.press("j"), chromedp.WaitVisible("#plate"))
	page.sees("The machine could not read the plate")
	page.do("reject with the keyboard",
		page.press("r"), chromedp.SetValue("#reason", "handled_on_site"), chromedp.Click("#reject"))
	page.sees("Rejected: Already handled on site")
	page.sees("All done")
	page.do("back to the empty queue", chromedp.Click("#next"))
	page.sees("No case waits for review")
	b.put(t, suspected(3, accepted))
	page.sees("川A·D12345") // the queue renews itself
	page.quiet()
}

// The keyboard goes from the plate to what is proposed for it, however long an
// officer thinks.
func TestOfficerWarnsInABrowser(t *testing.T) {
	b := newBureau(t, changed(1, unread, scaled))
	b.files = footage(t)
	d := newDesk(t, b, func(c *Config) { c.Refresh = time.Second })
	page := newBrowser(t, "en")
	page.signIn(d.url)
	page.do("open the case", chromedp.Click("[data-row]"), chromedp.WaitVisible("#look"))
	page.fitsPhone()
	page.do("type the plate", page.press("c"), chromedp.WaitVisible("#plate:focus"), chromedp.SendKeys("#plate", "川A98765"+kb.Enter))
	page.sees("Proposed: warn")
	page.sees("First violation in 365 days.")
	page.fitsPhone()
	b.apply(stopEnded(1)) // the page renews itself, and leaves what was typed
	page.sees("Left\n2026-03-10 11:05:00")
	page.do("take what is proposed", chromedp.WaitVisible("#warn:focus"), chromedp.KeyEvent(kb.Enter))
	page.sees("Warned, plate 川A·98765")
	if c, _ := b.Case(t.Context(), caseID(1)); c.State != enforce.StateWarned || c.Decision.Plate != "川A98765" {
		t.Errorf("case is %s with plate %q", c.State, c.Decision.Plate)
	}
	page.quiet()
}

func TestHalfTypedFormIsNotTakenAway(t *testing.T) {
	b := newBureau(t, suspected(1, unread))
	b.files = footage(t)
	d := newDesk(t, b, func(c *Config) { c.Refresh = time.Second })
	page := newBrowser(t, "zh-CN")
	page.signIn(d.url)
	page.do("open the case", chromedp.Click("[data-row]"), chromedp.WaitVisible("#plate"))
	page.do("begin to type", chromedp.SendKeys("#plate", "川A8"))
	b.apply(decided(1, 1, enforce.Rejected, enforce.Decision{Reason: "necessity"}))
	page.sees("未通过") // the head of the page says so
	var plate string
	page.do("read the field", chromedp.Value("#plate", &plate))
	if plate != "川A8" {
		t.Errorf("the field holds %q, want what was typed", plate)
	}
	page.do("finish", chromedp.SendKeys("#plate", "K3J7"+kb.Enter))
	page.sees("您的决定未生效")
	page.sees("救助危难或紧急避险")
	// The address bar holds the form's address now; the page still renews itself.
	b.apply(stopEnded(1))
	page.sees("车辆于 2026-03-10 11:05:00 驶离")
	page.sees("驶离\n2026-03-10 11:05:00")
}
