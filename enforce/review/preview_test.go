package review

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chromedp/chromedp"

	"tidewatch/enforce"
)

// converter stands for the maker of previews.
type converter struct {
	mu    sync.Mutex
	calls int
	err   error
}

func (c *converter) Preview(_ context.Context, source io.Reader, w io.Writer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.err != nil {
		return c.err
	}
	content, err := io.ReadAll(source)
	if err != nil {
		return err
	}
	_, err = w.Write(bytes.ToUpper(content))
	return err
}

// inH265 is a case whose clip the camera encoded in H.265.
func inH265(n int) enforce.Event {
	e := suspected(n, accepted)
	for i := range e.Violation.Evidence.Files {
		if f := &e.Violation.Evidence.Files[i]; f.Kind == enforce.Clip {
			f.Codec = "h265"
		}
	}
	return e
}

func TestPreview(t *testing.T) {
	b := newBureau(t, suspected(1, accepted), inH265(2), inH265(3))
	b.files = map[string][]byte{"clip": []byte("0123456789abcdef"), "due": []byte("a picture")}
	c := &converter{}
	b.previews = c
	d := signedIn(t, b)
	whole := d.get("/cases/" + caseID(2) + "/files/clip/preview")
	whole.wants(t, 200, "0123456789ABCDEF")
	for name, want := range map[string]string{
		"Content-Type": "video/mp4", "Cache-Control": "no-store", "Accept-Ranges": "bytes",
		"Content-Disposition": `inline; filename="case000000000002-clip-preview.mp4"`,
	} {
		if got := whole.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	part := d.get("/cases/"+caseID(3)+"/files/clip/preview", "Range", "bytes=10-12", "If-Range", whole.header.Get("ETag"))
	if part.code != 206 || part.body != "ABC" {
		t.Errorf("a part: %d %q", part.code, part.body)
	}
	if c.calls != 1 {
		t.Errorf("converted %d times for one clip", c.calls)
	}
	for name, path := range map[string]string{
		"a clip that every browser plays": "1/files/clip",
		"a picture":                       "2/files/due",
		"not the case's":                  "2/files/strange",
		"of no case":                      "9/files/clip",
	} {
		t.Run(name, func(t *testing.T) {
			d.get("/cases/case00000000000"+path+"/preview").wants(t, 404, "Not found")
		})
	}
	t.Run("nobody signed in", func(t *testing.T) {
		d := newDesk(t, b)
		if got := d.get("/cases/" + caseID(2) + "/files/clip/preview"); got.code != 303 {
			t.Errorf("status %d", got.code)
		}
	})
	t.Run("none offered", func(t *testing.T) {
		b.previews = nil
		d := signedIn(t, b)
		d.get("/cases/"+caseID(2)+"/files/clip/preview").wants(t, 404)
		d.get("/cases/"+caseID(2)).wants(t, 200, `<video src="/cases/case000000000002/files/clip" `)
	})
	if d.logs.String() != "" {
		t.Errorf("logged %s", d.logs)
	}
}

func TestPreviewThatCannotBeMade(t *testing.T) {
	b := newBureau(t, inH265(1))
	c := &converter{err: errors.New("it is no video")}
	b.previews = c
	d := signedIn(t, b)
	d.get("/cases/"+caseID(1)+"/files/clip/preview").wants(t, 404) // its file is lost
	b.files["clip"] = []byte("torn")
	d.get("/cases/"+caseID(1)+"/files/clip/preview").wants(t, 500)
	if logs := d.logs.String(); !strings.Contains(logs, "show preview of the clip of case case000000000001: it is no video") {
		t.Errorf("logged %s", logs)
	}
	c.err = nil // failures are not remembered
	d.get("/cases/"+caseID(1)+"/files/clip/preview").wants(t, 200, "TORN")
}

func TestPreviewsAreMadeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPreviews()
		making, most := 0, 0
		release := make(chan struct{})
		preview := func(ctx context.Context, w io.Writer) error {
			making++ // unguarded: the race detector tells when two do it
			most = max(most, making)
			defer func() { making-- }()
			select {
			case <-release:
			case <-ctx.Done():
				return ctx.Err()
			}
			_, err := w.Write([]byte("video"))
			return err
		}
		var all sync.WaitGroup
		for _, source := range []string{"a", "b", "a", "c", "b"} {
			all.Go(func() {
				if _, err := p.of(t.Context(), source, preview); err != nil {
					t.Error(err)
				}
			})
		}
		gone, leave := context.WithCancel(t.Context())
		all.Go(func() {
			if _, err := p.of(gone, "d", preview); !errors.Is(err, context.Canceled) {
				t.Errorf("who has left gets %v", err)
			}
		})
		synctest.Wait()
		leave()
		for range 3 {
			release <- struct{}{}
		}
		all.Wait()
		if most != 1 || len(p.kept) != 3 {
			t.Errorf("%d at a time, %d remembered", most, len(p.kept))
		}
		// Whoever waits for too long is told so.
		if _, err := p.of(t.Context(), "e", preview); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestPreviewsAreRememberedWithinBounds(t *testing.T) {
	p := newPreviews()
	sized := func(n int) func(context.Context, io.Writer) error {
		return func(_ context.Context, w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(make([]byte, n)))
			return err
		}
	}
	names := func() string {
		var all string
		for _, k := range p.kept {
			all += k.source
		}
		return all
	}
	for _, each := range []struct {
		source string
		bytes  int
		kept   string
	}{
		{"a", previewBytes / 4, "a"},
		{"b", previewBytes / 4, "ab"},
		{"c", previewBytes / 2, "abc"},
		{"a", 0, "bca"}, // is there already
		{"d", previewBytes / 4, "cad"},
		{"e", previewBytes, "e"},
	} {
		if _, err := p.of(t.Context(), each.source, sized(each.bytes)); err != nil || names() != each.kept {
			t.Errorf("after %s: kept %s, want %s (%v)", each.source, names(), each.kept, err)
		}
	}
	if _, err := p.of(t.Context(), "f", sized(previewBytes+1)); !errors.Is(err, errLargePreview) {
		t.Errorf("error %v", err)
	}
}

// ffmpegPreviews makes previews with the program, for a real browser.
type ffmpegPreviews struct{ t *testing.T }

func (f ffmpegPreviews) Preview(ctx context.Context, source io.Reader, w io.Writer) error {
	folder := f.t.TempDir()
	content, err := io.ReadAll(source)
	if err != nil {
		return err
	}
	from, to := filepath.Join(folder, "from.mp4"), filepath.Join(folder, "to.mp4")
	if err := os.WriteFile(from, content, 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", from, "-c:v", "libx264", "-movflags", "+faststart", to).CombinedOutput(); err != nil {
		return errors.New(string(out))
	}
	content, err = os.ReadFile(to)
	if err == nil {
		_, err = w.Write(content)
	}
	return err
}

// h265Footage is the footage with its clip in H.265.
func h265Footage(t *testing.T) map[string][]byte {
	t.Helper()
	files := footage(t)
	folder := t.TempDir()
	from, to := filepath.Join(folder, "from.mp4"), filepath.Join(folder, "to.mp4")
	if err := os.WriteFile(from, files["clip"], 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-i", from, "-c:v", "libx265",
		"-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1", to).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	if files["clip"], err = os.ReadFile(to); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPreviewPlaysInABrowser(t *testing.T) {
	b := newBureau(t, inH265(1))
	b.files = h265Footage(t)
	b.previews = ffmpegPreviews{t}
	d := newDesk(t, b)
	page := newBrowser(t, "en")
	page.signIn(d.url)
	var place float64
	page.do("watch the clip",
		chromedp.Navigate(d.url+casePath(caseID(1))), page.press("5"), chromedp.WaitVisible(".show5 video"),
		chromedp.Evaluate(`{
			const v = document.querySelector("video")
			v.onloadedmetadata = () => { v.currentTime = v.duration - 0.5 }
			v.onseeked = () => v.play()
			v.load(); v.preload = "auto"
		}`, nil),
		chromedp.Poll(`document.querySelector("video").ended`, nil),
		chromedp.Evaluate(`document.querySelector("video").currentTime`, &place))
	if place < 3.5 || place > 4.5 {
		t.Errorf("the preview ended at %v s, want 4", place)
	}
	page.sees("Preview, converted for viewing; the evidence is the camera's own file")
	page.sees("Download the original (H.265)")
	page.fitsPhone()
	page.quiet()
	if *shots != "" {
		for _, language := range []string{"en", "zh-CN"} {
			page := newBrowser(t, language)
			page.look(1280, 800, false)
			page.signIn(d.url)
			page.do("look at the preview", chromedp.Navigate(d.url+casePath(caseID(1))), page.press("5"), chromedp.WaitVisible(".show5 video"))
			page.shoot("preview_" + language + "_unplayed.png")
			page.do("play it", chromedp.Evaluate(`document.querySelector("video").play()`, nil),
				chromedp.Poll(`document.querySelector("video").currentTime > 1`, nil))
			page.shoot("preview_" + language + ".png")
			page.look(390, 844, false)
			page.shoot("preview_" + language + "_390.png")
		}
	}
}
