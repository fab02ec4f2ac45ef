package review

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidewatch/enforce"
	"tidewatch/ingest"
)

// yard stands for the cameras.
type yard struct {
	mu      sync.Mutex
	cameras []Camera
	drawn   int // pictures that were made
	failure error
}

func (y *yard) Cameras() []Camera {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.cameras)
}

func (y *yard) Camera(id string) (Camera, bool) {
	for _, c := range y.Cameras() {
		if c.ID == id {
			return c, true
		}
	}
	return Camera{}, false
}

// Picture draws the camera's zones in green, so that a test can tell whether
// what is drawn over the picture lies where it should.
func (y *yard) Picture(_ context.Context, id string, width int) (Still, error) {
	c, _ := y.Camera(id)
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.failure != nil {
		return Still{}, y.failure
	}
	if c.Picture.IsZero() {
		return Still{}, fmt.Errorf("camera %s: %w", id, ErrNoPicture)
	}
	y.drawn++
	size := c.Size()
	if size.X == 0 {
		size = image.Pt(1280, 720)
	}
	return Still{street(width, width*size.Y/size.X, c.Picture.Minute()), c.Picture}, nil
}

// set changes one camera.
func (y *yard) set(id string, change func(*Camera)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for i := range y.cameras {
		if y.cameras[i].ID == id {
			change(&y.cameras[i])
		}
	}
}

// street is a picture of a road between two kerbs, with something on it that
// moves with the seed.
func street(w, h, seed int) []byte {
	canvas := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			at := color.RGBA{R: 92, G: 104, B: 112, A: 255}
			fx, fy := float64(x)/float64(w), float64(y)/float64(h)
			left, right := .45-.4*fy, .55+.4*fy
			switch {
			case fy < .3:
				at = color.RGBA{R: 168, G: 190, B: 205, A: 255}
			case fx < left || fx > right:
				at = color.RGBA{R: 128, G: 138, B: 120, A: 255}
			case int(fy*20+float64(seed))%4 == 0 && fx > .49 && fx < .51:
				at = color.RGBA{R: 230, G: 230, B: 220, A: 255}
			}
			canvas.SetRGBA(x, y, at)
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, canvas, nil); err != nil {
		panic(err) // memory takes everything
	}
	return out.Bytes()
}

// noon is the present of the tests' pages, and now ago of it.
func ago(d time.Duration) time.Time { return opened.Add(2 * time.Hour).Add(-d) }

// camera is the n-th of the tests' cameras, well unless change says otherwise.
func camera(n int, change ...func(*Camera)) Camera {
	c := Camera{
		CameraRef: enforce.CameraRef{
			ID: fmt.Sprintf("hx-%02d", n), Name: fmt.Sprintf("湖西 %d 号", n), DeviceID: fmt.Sprintf("51010500001190%06d", n),
			Place: fmt.Sprintf("湖西路 %d 号门前", 2*n), Direction: "由北向南",
		},
		Section: enforce.SectionRef{ID: "huxi", Name: "湖西路潮汐路段", TimeZone: "Asia/Shanghai"},
		Zones: []enforce.Zone{
			{ID: "kerb-east", Polygon: enforce.Polygon{{X: .6, Y: .35}, {X: .66, Y: .35}, {X: .97, Y: .95}, {X: .8, Y: .95}}},
			{ID: "kerb-west", Polygon: enforce.Polygon{{X: .34, Y: .35}, {X: .4, Y: .35}, {X: .2, Y: .95}, {X: .03, Y: .95}}},
		},
		Health:  ingest.Health{State: ingest.Live, Since: ago(26 * time.Hour)},
		Picture: ago(2 * time.Second),
		Streams: []Stream{
			{Name: ingest.Main, State: StreamUp, Codec: ingest.H265, Size: image.Pt(2560, 1440)},
			{Name: ingest.Sub, State: StreamUp, Codec: ingest.H264, Size: image.Pt(640, 360)},
		},
		Clock: &Clock{Error: -120 * time.Millisecond, Drift: 14e-6},
	}
	for _, each := range change {
		each(&c)
	}
	return c
}

// ails gives a camera troubles, the worst first.
func ails(troubles ...ingest.Trouble) func(*Camera) {
	return func(c *Camera) {
		c.Health = ingest.Health{State: troubles[0].State, Since: troubles[0].Since, Cause: troubles[0].Cause, Troubles: troubles}
	}
}

// The troubles that the tests' cameras have.
var (
	away = ingest.Trouble{
		Kind: ingest.TroubleStream, State: ingest.Offline, Since: ago(125 * time.Minute),
		Cause: ingest.Because(ingest.Unreachable, "host", "10.20.3.17:554"),
	}
	refused = ingest.Trouble{
		Kind: ingest.TroubleStream, State: ingest.Offline, Since: ago(40 * time.Second),
		Cause: ingest.Because(ingest.Unauthorized, "host", "10.20.3.19:554"),
	}
	turned = ingest.Trouble{
		Kind: ingest.TroubleScene, State: ingest.Blind, Since: ago(17 * time.Minute),
		Cause: ingest.Because(ingest.SceneMoved, "percent", 12),
	}
	lossy = ingest.Trouble{
		Kind: ingest.TroubleDamage, State: ingest.Degraded, Since: ago(3 * time.Minute),
		Cause: ingest.Because(ingest.PacketsLost),
	}
	keyless = ingest.Trouble{
		Kind: ingest.TroubleKeys, State: ingest.Blind, Since: ago(13 * time.Second),
		Cause: ingest.Because(ingest.KeyFramesAway, "for", 13*time.Second),
	}
	wrongClock = ingest.Trouble{
		Kind: ingest.TroubleClock, State: ingest.Degraded, Since: ago(50 * time.Hour),
		Cause: ingest.Because(ingest.ClockFast, "by", 92*time.Second),
	}
)

// lost takes away what a camera without a stream does not have.
func lost(c *Camera) {
	c.Picture = ago(125 * time.Minute)
	c.Streams[0].State = StreamDown
}

// young is a camera that has brought nothing yet.
func young(c *Camera) {
	c.Health = ingest.Health{State: ingest.Connecting, Since: ago(4 * time.Second)}
	c.Picture, c.Clock = time.Time{}, nil
	c.Streams = []Stream{{Name: ingest.Main, State: StreamWaiting}}
}

// everyState is a yard with cameras in all states.
func everyState() *yard {
	return &yard{cameras: []Camera{
		camera(1),
		camera(2, ails(away), lost),
		camera(3, ails(turned, wrongClock), func(c *Camera) { c.Clock.Error = 92 * time.Second }),
		camera(4, ails(lossy)),
		camera(5, young),
	}}
}

// atCameras is a desk with cameras, at which the officer sits.
func atCameras(t *testing.T, y *yard, change ...func(*Config)) *desk {
	t.Helper()
	d := newDeskWith(t, newBureau(t), y, change...)
	d.signIn()
	return d
}

func long(c *Camera) {
	c.Name = "湖西路与滨河东街交叉口东北角人行过街天桥北侧立杆全景摄像机（临时）"
	c.Place = "湖西路与滨河东街交叉口东北角，人行过街天桥北侧，" + strings.Repeat("第三", 2) + "立杆"
}
