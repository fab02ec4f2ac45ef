package evidence

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/ingest"
)

var kerb = enforce.Violation{
	ID:      "v",
	Camera:  enforce.CameraRef{ID: "gate", DeviceID: "51010800001190000001", Place: "建设路东门", Direction: "由南向北"},
	Section: enforce.SectionRef{ID: "road", Name: "建设路", TimeZone: "Asia/Shanghai"},
	Code:    "1039",
}

func TestEveryPictureLeadsToTheUnitThatTheCameraSent(t *testing.T) {
	files := store{}
	withPlate := shown
	withPlate.Plate = detect.PlateView{Unit: seen(7).Unit}
	kept, err := recorder(files, pictures{}, clips{}).Record(t.Context(), kerb, withPlate)
	if err != nil {
		t.Fatal(err)
	}
	for picture, unit := range map[enforce.FileKind]enforce.FileKind{
		enforce.SceneBegin: enforce.UnitBegin, enforce.SceneMiddle: enforce.UnitMiddle, enforce.SceneDue: enforce.UnitDue,
		enforce.CloseUp: enforce.UnitDue, enforce.Plate: enforce.UnitPlate,
	} {
		p, _ := kept.File(picture)
		u, there := kept.File(unit)
		if !there || !cmp.Equal(p.Of, []string{u.SHA256}) || u.MediaType != "video/H265" || u.Codec != "h265" {
			t.Errorf("%s is of %v, the unit is %+v", picture, p.Of, u)
		}
		if p.Width != 1 || p.Height != 1 || !p.At.Equal(u.At) || !p.CameraTime.Equal(u.CameraTime) {
			t.Errorf("%s: %+v", picture, p)
		}
	}
	begin, _ := kept.File(enforce.UnitBegin)
	want := ""
	for _, nalu := range append(slices.Clone(hevcSets), []byte{0x26, 0}, []byte{0x26, 1}) {
		want += "\x00\x00\x00\x01" + string(nalu)
	}
	if diff := cmp.Diff(want, string(files[begin.SHA256])); diff != "" {
		t.Errorf("unit as a file:\n%s", diff)
	}
}

func TestAUnitIsKeptOnce(t *testing.T) {
	withPlate := shown
	withPlate.Plate = detect.PlateView{Unit: seen(5).Unit} // of its own, as after a restart
	kept, err := recorder(store{}, pictures{}, clips{}).Record(t.Context(), kerb, withPlate)
	if err != nil {
		t.Fatal(err)
	}
	middle, _ := kept.File(enforce.UnitMiddle)
	if p, _ := kept.File(enforce.Plate); !cmp.Equal(p.Of, []string{middle.SHA256}) {
		t.Errorf("the plate is of %v, want %s", p.Of, middle.SHA256)
	}
	if _, there := kept.File(enforce.UnitPlate); there {
		t.Error("the unit is there twice")
	}
}

func TestCopiesBearTheirOriginalsCode(t *testing.T) {
	r := recorder(store{}, pictures{}, clips{})
	withPlate := shown
	withPlate.Plate = detect.PlateView{Unit: seen(7).Unit}
	kept, err := r.Record(t.Context(), kerb, withPlate)
	if err != nil {
		t.Fatal(err)
	}
	drawn := r.Copies.(*copier)
	for original, marked := range markedAs {
		o, _ := kept.File(original)
		m, there := kept.File(marked)
		code := enforce.AntiForgery("v", o.At, o.SHA256)
		if !there || !cmp.Equal(m.Of, []string{o.SHA256}) || m.AntiForgery != code || !m.At.Equal(o.At) {
			t.Errorf("%s: %+v, want the code %s", marked, m, code)
		}
	}
	due, _ := kept.File(enforce.SceneDue)
	code := enforce.AntiForgery("v", due.At, due.SHA256)
	want := []string{
		"时间 2026-03-02 20:00:10（服务器时间，摄像机时钟准确）", "地点 建设路东门", "方向 由南向北",
		"设备编号 51010800001190000001", "违法代码 1039", "防伪码 " + code,
	}
	if diff := cmp.Diff(want, drawn.marked[string(dot(10))]); diff != "" {
		t.Errorf("written on the picture as the period ran out (-want +got):\n%s", diff)
	}
	whole, _ := kept.File(enforce.Composite)
	if drawn.words[5] != "防伪码 "+whole.AntiForgery || whole.AntiForgery != enforce.AntiForgery("v", due.At, whole.Of...) {
		t.Errorf("composite: %+v, written %q", whole, drawn.words)
	}
}

func TestComposite(t *testing.T) {
	for _, tc := range []struct {
		name  string
		plate *ingest.Unit
		want  []string
	}{
		{"with the plate", seen(7).Unit, []string{
			"远景 2026-03-02 20:00:00", "远景 2026-03-02 20:00:10", "特写 2026-03-02 20:00:10", "号牌 2026-03-02 20:00:07",
		}},
		{"not read", nil, []string{
			"远景 2026-03-02 20:00:00", "远景 2026-03-02 20:00:05", "远景 2026-03-02 20:00:10", "特写 2026-03-02 20:00:10",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := recorder(store{}, pictures{}, clips{})
			withPlate := shown
			withPlate.Plate.Unit = tc.plate
			kept, err := r.Record(t.Context(), kerb, withPlate)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, cell := range r.Copies.(*copier).cells {
				got = append(got, cell.Words)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("pictures (-want +got):\n%s", diff)
			}
			if whole, _ := kept.File(enforce.Composite); len(whole.Of) != len(tc.want) {
				t.Errorf("it is of %v", whole.Of)
			}
		})
	}
}

func TestInscription(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 900_000_000, time.UTC)
	for _, tc := range []struct {
		name string
		v    enforce.Violation
		file enforce.File
		want string
	}{
		{"all is known", kerb, enforce.File{At: at, CameraTime: at, ClockError: -310 * time.Millisecond, AntiForgery: "ABCD"}, "时间 2026-03-02 20:00:00（服务器时间，摄像机慢 0.3 秒）|地点 建设路东门|方向 由南向北|设备编号 51010800001190000001|违法代码 1039|防伪码 ABCD"},
		{"little is known", enforce.Violation{}, enforce.File{At: at}, "时间 2026-03-02 12:00:00 UTC（服务器时间，摄像机时间未知）|地点 未登记|方向 未登记|设备编号 未登记|违法代码 未登记|防伪码 "},
		{"some is", enforce.Violation{
			Camera: enforce.CameraRef{ID: "gate"}, Section: enforce.SectionRef{Name: "建设路", TimeZone: "Europe/Berlin"},
		}, enforce.File{At: at, CameraTime: at, ClockError: 90 * time.Second}, "时间 2026-03-02 13:00:00（服务器时间，摄像机快 90.0 秒）|地点 建设路|方向 未登记|设备编号 gate|违法代码 未登记|防伪码 "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			zone, err := time.LoadLocation(tc.v.Section.TimeZone)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, strings.Join(inscription(tc.v, tc.file, zone), "|")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCannotBeDrawnIsCountedAndLeftOut(t *testing.T) {
	bad := errors.New("bad")
	r := recorder(store{}, pictures{plateErr: bad}, clips{})
	r.Copies = &copier{err: bad}
	withPlate := shown
	withPlate.Plate.Unit = seen(7).Unit
	kept, err := r.Record(t.Context(), kerb, withPlate)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []enforce.FileKind
	for _, f := range kept.Files {
		kinds = append(kinds, f.Kind)
	}
	want := []enforce.FileKind{
		enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp,
		enforce.Clip, enforce.UnitBegin, enforce.UnitMiddle, enforce.UnitDue,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if plates, copies := testutil.ToFloat64(r.Metrics.missingPlates), testutil.ToFloat64(r.Metrics.missingCopies); plates != 1 || copies != 5 {
		t.Errorf("missing plates = %v, copies = %v", plates, copies)
	}
}
