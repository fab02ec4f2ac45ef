package review

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidewatch/enforce"
	"tidewatch/ingest"
)

func TestGoldenCameraPages(t *testing.T) {
	d := atCameras(t, everyState())
	for name, each := range map[string]struct{ path, accept string }{
		"cameras_zh":       {"/cameras", "zh"},
		"cameras_en":       {"/cameras", "en"},
		"camera_blind_zh":  {"/cameras/hx-03", "zh"},
		"camera_off_en":    {"/cameras/hx-02", "en"},
		"camera_waits_en":  {"/cameras/hx-05", "en"},
		"cameras_blind_en": {"/cameras?state=blind", "en"},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.get(each.path, "Accept-Language", each.accept)
			got.wants(t, 200)
			golden(t, name, got.body)
		})
	}
}

func TestCameraStatesInWords(t *testing.T) {
	for name, each := range map[string]struct {
		camera Camera
		en, zh []string
	}{
		"live":       {camera(1), []string{`state live">Live<`, "since 2026-03-09 08:05:00"}, []string{`state live">正常<`}},
		"connecting": {camera(1, young), []string{`state connecting">Connecting<`, "No picture yet"}, []string{">连接中<", "尚无画面"}},
		"degraded": {
			camera(1, ails(wrongClock, lossy)),
			[]string{`state degraded">Degraded<`, "clock is unknown or off", "clock is 1 min 32 s fast", "Packets are lost"},
			[]string{">部分异常<", "摄像机时钟未知或不准", "时钟快1分32秒", "传输丢包"},
		},
		"blind": {
			camera(1, ails(turned)),
			[]string{`state blind">Blind<`, "The street cannot be seen", "for 17 min, "},
			[]string{">画面失效<", "看不到路面"},
		},
		"offline": {
			camera(1, ails(away), lost),
			[]string{`state offline">Offline<`, "The stream does not come", "since 08:00:00", "There is no way to 10.20.3.17:554", "2 h 5 min old", `class="view stale"`},
			[]string{">离线<", "没有码流传来", "网络上没有到 10.20.3.17:554 的路由。", "2小时5分前的画面"},
		},
		"blind, of a vendor that is known": {
			camera(1, ails(keyless), func(c *Camera) { c.Vendor = ingest.Dahua }),
			[]string{"No whole key frame has come for 13 s", "Set the I frame interval in the camera to one or two seconds"},
			[]string{"已有13秒没有收到完整的关键帧", "I帧间隔设为 1 至 2 秒"},
		},
		"live, but what it shows is old": {
			camera(1, func(c *Camera) { c.Picture = ago(2 * time.Minute) }), []string{`class="view stale"`, "2 min old"}, nil,
		},
		"without a section": {
			camera(1, func(c *Camera) { c.Section = enforce.SectionRef{} }), []string{"2026-03-09 00:05:00"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := atCameras(t, &yard{cameras: []Camera{each.camera}}, func(c *Config) { c.TimeZone = time.UTC })
			d.get("/cameras").wants(t, 200, each.en...)
			d.get("/cameras/hx-01").wants(t, 200, each.en...)
			d.get("/cameras", "Accept-Language", "zh").wants(t, 200, each.zh...)
		})
	}
}

// A camera's own page names the menus: of its vendor, or of all.
func TestCameraMenus(t *testing.T) {
	blind := camera(1, ails(keyless))
	dahua, hikvision := "<b>大华</b> <span translate=\"no\">设置 &gt; 相机设置 &gt; 视频", "<b>海康威视</b> <span translate=\"no\">配置 &gt; 视音频 &gt; 视频 &gt; I帧间隔"
	d := atCameras(t, &yard{cameras: []Camera{blind}})
	d.get("/cameras/hx-01", "Accept-Language", "zh").wants(t, 200, dahua, hikvision, "不同型号和固件")
	d.get("/cameras/hx-01").wants(t, 200, "<b>Uniview</b> <span translate=\"no\">Setup &gt; Video &amp; Audio", "Menus differ")
	blind.Vendor = ingest.Dahua
	d = atCameras(t, &yard{cameras: []Camera{blind}})
	got := d.get("/cameras/hx-01", "Accept-Language", "zh")
	got.wants(t, 200, dahua)
	if strings.Contains(got.body, hikvision) {
		t.Error("another vendor's menus are named")
	}
}

// A state or a kind of trouble that has no words would show as its code.
func TestEveryStateAndTroubleHasWords(t *testing.T) {
	for lang, text := range catalogs {
		for _, state := range ingest.States {
			if _, err := text.text("camera_state." + string(state)); err != nil {
				t.Errorf("%s: %v", lang, err)
			}
		}
		for _, kind := range ingest.Kinds {
			if _, err := text.text("trouble." + string(kind)); err != nil {
				t.Errorf("%s: %v", lang, err)
			}
		}
	}
}

var cameraLink = regexp.MustCompile(`href="/cameras/(hx-\d+)"`)

func TestCamerasAreFilteredAndTheWorstComeFirst(t *testing.T) {
	y := everyState()
	y.cameras = append(y.cameras, camera(6, ails(refused), lost))
	d := atCameras(t, y)
	for query, want := range map[string][]string{
		"":                  {"hx-02", "hx-06", "hx-03", "hx-04", "hx-05", "hx-01"},
		"?state=offline":    {"hx-02", "hx-06"},
		"?state=blind":      {"hx-03"},
		"?state=degraded":   {"hx-04"},
		"?state=connecting": {"hx-05"},
		"?state=live":       {"hx-01"},
	} {
		t.Run(query, func(t *testing.T) {
			got := d.get("/cameras" + query)
			got.wants(t, 200, `All <span class="count">6</span>`, `Offline <span class="count">2</span>`, `Live <span class="count">1</span>`)
			var listed []string
			for _, m := range cameraLink.FindAllStringSubmatch(got.body, -1) {
				listed = append(listed, m[1])
			}
			if !slices.Equal(listed, want) {
				t.Errorf("lists %v, want %v", listed, want)
			}
		})
	}
	d.get("/cameras?state=lost").wants(t, 404, "Not found")
}

func TestCamerasWithoutAny(t *testing.T) {
	atCameras(t, &yard{}).get("/cameras").wants(t, 200, "No camera is configured")
	atCameras(t, &yard{cameras: []Camera{camera(1)}}).get("/cameras?state=blind").wants(t, 200, "No camera is in this state")
}

func TestCamerasOfSeveralTimeZones(t *testing.T) {
	y := &yard{cameras: []Camera{camera(1), camera(2, func(c *Camera) { c.Section.TimeZone = "Asia/Urumqi" })}}
	got := atCameras(t, y).get("/cameras")
	got.wants(t, 200, "(Asia/Shanghai)", "(Asia/Urumqi)", "2026-03-09 06:05:00")
	if strings.Contains(got.body, "All times are") {
		t.Error("the page claims one time zone")
	}
}

func TestEveryPageSaysHowManyCamerasSeeNothing(t *testing.T) {
	y := everyState()
	d := atCameras(t, y)
	for _, path := range []string{"/", "/cameras", "/nowhere"} {
		if body := d.get(path).body; !strings.Contains(body, "2 blind or offline") {
			t.Errorf("%s does not say it:\n%s", path, body)
		}
	}
	y.cameras = y.cameras[:1]
	if strings.Contains(d.get("/").body, "blind or offline") {
		t.Error("the page says it of none")
	}
}

func TestCamerasNeedAnOfficer(t *testing.T) {
	d := newDeskWith(t, newBureau(t), everyState())
	for _, path := range []string{"/cameras", "/cameras/hx-01", "/cameras/hx-01/picture"} {
		if got := d.get(path); got.code != http.StatusSeeOther {
			t.Errorf("%s: %d, want to be led to the sign-in", path, got.code)
		}
	}
	if strings.Contains(d.get("/sign-in").body, "/cameras") {
		t.Error("strangers are told about the cameras")
	}
}

func TestCamerasAreAbsentWhereThereAreNone(t *testing.T) {
	d := signedIn(t, newBureau(t))
	d.get("/cameras").wants(t, 404)
	if strings.Contains(d.get("/").body, "/cameras") {
		t.Error("the queue leads to a page that is not there")
	}
}

func TestCameraPicture(t *testing.T) {
	y := everyState()
	d := atCameras(t, y)
	got := d.get("/cameras/hx-01/picture?width=900")
	got.wants(t, 200)
	size, err := jpeg.DecodeConfig(strings.NewReader(got.body))
	if err != nil || size.Width != largeWidth || size.Height != 720 {
		t.Errorf("picture is %dx%d (%v), want the next size that is made", size.Width, size.Height, err)
	}
	tag := got.header.Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "Cache-Control": "no-store", "Last-Modified": "Tue, 10 Mar 2026 02:04:58 GMT",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
		}
	}

	drawn := y.drawn
	again := d.get("/cameras/hx-01/picture?width=900", "If-None-Match", tag)
	if again.code != http.StatusNotModified || again.header.Get("ETag") != tag || y.drawn != drawn {
		t.Errorf("asked again: %d, tag %q, %d drawn; want 304, the same and none", again.code, again.header.Get("ETag"), y.drawn-drawn)
	}
	if other := d.get("/cameras/hx-01/picture?width=640", "If-None-Match", tag); other.code != 200 {
		t.Errorf("another size: %d, want 200", other.code)
	}
	y.set("hx-01", func(c *Camera) { c.Picture = ago(time.Second) })
	if newer := d.get("/cameras/hx-01/picture?width=900", "If-None-Match", tag); newer.code != 200 || newer.header.Get("ETag") == tag {
		t.Errorf("a newer picture: %d, tag %q; want 200 and another", newer.code, newer.header.Get("ETag"))
	}
}

// The page's own addresses name the picture that they show, so that a page which
// renews itself fetches another only where there is one.
func TestPageNamesThePictureItShows(t *testing.T) {
	y := everyState()
	d := atCameras(t, y)
	address := func() string {
		return regexp.MustCompile(`src="/cameras/hx-01/picture[^"]*"`).FindString(d.get("/cameras").body)
	}
	first := address()
	if first == "" || address() != first {
		t.Errorf("the address %q does not stay", first)
	}
	y.set("hx-01", func(c *Camera) { c.Picture = ago(time.Second) })
	if address() == first {
		t.Errorf("the address %q stays for another picture", first)
	}
}

func TestCameraPictureThatIsNotThere(t *testing.T) {
	y := everyState()
	d := atCameras(t, y)
	for name, each := range map[string]struct {
		path, want string
		code       int
	}{
		"unknown camera": {"/cameras/none", "There is no such case, camera", 404},
		"of an unknown":  {"/cameras/none/picture", "There is no such case, camera", 404},
		"none yet":       {"/cameras/hx-05/picture", "No picture yet", 404},
		"too wide":       {"/cameras/hx-01/picture?width=1921", "makes no sense", 400},
		"no width":       {"/cameras/hx-01/picture?width=0", "makes no sense", 400},
		"not a number":   {"/cameras/hx-01/picture?width=wide", "makes no sense", 400},
	} {
		t.Run(name, func(t *testing.T) { d.get(each.path).wants(t, each.code, each.want) })
	}
	if logs := d.logs.String(); logs != "" {
		t.Errorf("visitors' errors were logged: %s", logs)
	}
	y.failure = errors.New("out of memory")
	d.get("/cameras/hx-01/picture").wants(t, 500)
	if logs := d.logs.String(); !strings.Contains(logs, "hx-01") || !strings.Contains(logs, "out of memory") {
		t.Errorf("logs %q, want the camera and the error", logs)
	}
}

func TestPictureWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 640, "1": 640, "640": 640, "641": 1280, "1280": 1280, "1281": 1920, "1920": 1920,
		"0": 0, "-5": 0, "1921": 0, "6e2": 0, "99999999999999999999": 0,
	} {
		got, err := pictureWidth(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestNameStandsInTheMiddleOfItsZone(t *testing.T) {
	for name, each := range map[string]struct {
		polygon enforce.Polygon
		want    enforce.Point
	}{
		"rectangle":     {enforce.Polygon{{X: .2, Y: .1}, {X: .6, Y: .1}, {X: .6, Y: .3}, {X: .2, Y: .3}}, enforce.Point{X: .4, Y: .2}},
		"the other way": {enforce.Polygon{{X: .2, Y: .3}, {X: .6, Y: .3}, {X: .6, Y: .1}, {X: .2, Y: .1}}, enforce.Point{X: .4, Y: .2}},
		"triangle":      {enforce.Polygon{{X: 0, Y: 0}, {X: .9, Y: 0}, {X: 0, Y: .9}}, enforce.Point{X: .3, Y: .3}},
		"line":          {enforce.Polygon{{X: .2, Y: .2}, {X: .4, Y: .4}}, enforce.Point{X: .3, Y: .3}},
		"nothing":       {nil, enforce.Point{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := middle(each.polygon); math.Hypot(got.X-each.want.X, got.Y-each.want.Y) > 1e-9 {
				t.Errorf("%v, want %v", got, each.want)
			}
		})
	}
}

func TestNameStaysInThePicture(t *testing.T) {
	box := func(left, right float64) enforce.Polygon {
		return enforce.Polygon{{X: left, Y: .4}, {X: right, Y: .4}, {X: right, Y: .6}, {X: left, Y: .6}}
	}
	for name, each := range map[string]struct {
		polygon enforce.Polygon
		side    string
		x       int
	}{
		"in the middle":      {box(.4, .5), "", 45},
		"at the left edge":   {box(0, .1), "left", 1},
		"near the left one":  {box(.05, .15), "left", 5},
		"at the right edge":  {box(.8, 1), "right", 99},
		"near the right one": {box(.85, .95), "right", 95},
	} {
		t.Run(name, func(t *testing.T) {
			got := zoneViewOf(enforce.Zone{ID: "kerb", Polygon: each.polygon})
			if got.Side != each.side || got.X != each.x || got.Y != 50 {
				t.Errorf("written at %d %d, side %q; want %d 50, %q", got.X, got.Y, got.Side, each.x, each.side)
			}
		})
	}
}

func TestDriftInWords(t *testing.T) {
	for ratio, want := range map[float64]string{
		0: "not known yet", 1e-9: "keeps time", 14e-6: "gains 1 s a day", -1e-6: "loses 0.1 s a day", -2e-3: "loses 2 min 53 s a day",
	} {
		if got := catalogs[english].drift(ratio); got != want {
			t.Errorf("%g: %q, want %q", ratio, got, want)
		}
	}
}

// gone is a browser that goes away while its picture is made.
type gone struct{ *yard }

func (gone) Picture(ctx context.Context, _ string, _ int) (Still, error) {
	<-ctx.Done()
	return Still{}, fmt.Errorf("wait: %w", ctx.Err())
}

func TestNobodyWaitsForThePicture(t *testing.T) {
	d := newDeskWith(t, newBureau(t), gone{everyState()})
	d.signIn()
	ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/cameras/hx-01/picture", new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := d.client.Do(r); err == nil {
		answer.Body.Close()
		t.Fatalf("answered %d", answer.StatusCode)
	}
	d.get("/cameras").wants(t, 200)
	if logs := d.logs.String(); logs != "" {
		t.Errorf("a visitor that left was logged: %s", logs)
	}
}
