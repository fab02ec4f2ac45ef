package dossier

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/typeface"
	"tidewatch/ingest"
)

var update = flag.Bool("update", false, "rewrite the golden pages")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is where a case, its record and its files are.
type desk struct {
	only    enforce.Case
	history []enforce.Recorded
	files   map[string][]byte
}

func (d *desk) Case(_ context.Context, id string) (enforce.Case, error) {
	if id != d.only.ID {
		return enforce.Case{}, fmt.Errorf("case %s: %w", id, enforce.ErrNoCase)
	}
	return d.only, nil
}

func (d *desk) History(context.Context, string) ([]enforce.Recorded, error) { return d.history, nil }

func (d *desk) Put(_ context.Context, data io.Reader) (string, int64, error) {
	content, err := io.ReadAll(data)
	sum := sha256.Sum256(content)
	d.files[hex.EncodeToString(sum[:])] = content
	return hex.EncodeToString(sum[:]), int64(len(content)), err
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (d *desk) Open(_ context.Context, sum string) (io.ReadSeekCloser, error) {
	data, ok := d.files[sum]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return file{bytes.NewReader(data)}, nil
}

// painted shows a unit as a street in a shade of its own.
type painted struct{}

func (painted) Scene(_ context.Context, u *ingest.Unit) ([]byte, error) {
	return street(640, 360, u.NALUs[0][0])
}

func (painted) CloseUp(_ context.Context, u *ingest.Unit, _ detect.Box) ([]byte, error) {
	return street(240, 180, u.NALUs[0][0])
}

func (painted) Plate(context.Context, *ingest.Unit, plate.Corners) ([]byte, error) {
	return street(220, 70, 160)
}

func street(width, height int, shade uint8) ([]byte, error) {
	pic := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(pic, pic.Bounds(), image.NewUniform(color.RGBA{shade, shade, shade, 255}), image.Point{}, draw.Src)
	vehicle := image.Rect(width*2/5, height/2, width*3/5, height*3/4)
	draw.Draw(pic, vehicle, image.NewUniform(color.RGBA{150, 40, 40, 255}), image.Point{}, draw.Src)
	var data bytes.Buffer
	err := jpeg.Encode(&data, pic, nil)
	return data.Bytes(), err
}

// copies are marked as they are in earnest, and the composite, which is not
// printed, stays one picture.
type copies struct{ *overlay.Painter }

func (copies) Composite(cells []overlay.Cell, _ []string) ([]byte, error) {
	return cells[0].Picture, nil
}

// noClips is a ring that holds nothing.
type noClips struct{}

func (n noClips) Hold(time.Time, time.Time) evidence.Held { return n }

func (noClips) Release() {}

func (noClips) Clip(context.Context, io.Writer, bool) (evidence.Footage, error) {
	return evidence.Footage{}, errors.New("the ring is empty")
}

// unsigned stores manifests as they were before there were signatures: what
// proves a case is not the dossier's matter.
type unsigned struct{ desk *desk }

func (u unsigned) Manifest(ctx context.Context, m proof.Manifest) (enforce.Evidence, error) {
	m.Format = proof.UnsignedFormat
	text, err := json.Marshal(m)
	if err != nil {
		return enforce.Evidence{}, err
	}
	sum, _, err := u.desk.Put(ctx, bytes.NewReader(text))
	return enforce.Evidence{Manifest: sum, Files: m.Files}, err
}

func font(t *testing.T) *typeface.Font {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.Font(assets.EvidenceFont)
	if err != nil {
		t.Fatal(err)
	}
	f, err := typeface.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var noon = time.Date(2026, 3, 17, 13, 4, 5, 0, time.UTC)

func look(minute int) detect.Observation {
	at := noon.Add(time.Duration(minute) * time.Minute)
	return detect.Observation{At: at, Unit: &ingest.Unit{
		Stamp:  ingest.Stamp{Camera: at.Add(-300 * time.Millisecond), Arrival: at},
		Format: ingest.NewFormat(ingest.H264), NALUs: [][]byte{{byte(80 + 10*minute)}}, Key: true,
	}}
}

// newDesk has a case that an officer has confirmed, with its evidence as the
// recorder stores it, of which others may be spoilt.
func newDesk(t *testing.T) *desk {
	t.Helper()
	if fresh == nil {
		fresh = makeDesk(t)
	}
	return &desk{fresh.only, fresh.history, maps.Clone(fresh.files)}
}

var fresh *desk

func makeDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{files: map[string][]byte{}}
	v := enforce.Violation{
		ID:      "0123456789abcdef",
		Camera:  enforce.CameraRef{ID: "c7", Name: "东门抓拍机", DeviceID: "51010800001190000001", Place: "成华区建设路东门", Direction: "由南向北"},
		Section: enforce.SectionRef{ID: "s1", Name: "建设路潮汐停车路段", TimeZone: "Asia/Shanghai"},
		Zone:    enforce.ZoneRef{ID: "east-gate-kerb"}, Policy: "9f2c4be07a11d3e8", Code: "1039", Class: detect.Car,
		Rule: enforce.Rule{
			Windows:           []enforce.TidalWindow{{Announcement: "成城管通〔2026〕12号", From: 19 * 60, Until: 7 * 60}},
			ObservationPeriod: 5 * time.Minute, Grace: 10 * time.Minute,
		},
		Plate:  plate.Read{Text: "川A0T000", Kind: plate.Blue, Confidence: 0.97, Accepted: true},
		StopID: "stop", StopStart: noon, Since: noon, Due: noon.Add(5 * time.Minute),
		Reasons: []enforce.Reason{
			{Code: enforce.NoWindow},
			{Code: enforce.PeriodRanOut, From: noon, Until: noon.Add(5 * time.Minute), Required: 5 * time.Minute},
		},
	}
	recorder := &evidence.Recorder{
		Pictures: painted{}, Copies: copies{overlay.New(font(t))}, Clips: noClips{}, Files: d, Software: "test", Clock: 2 * time.Second,
		Seal: unsigned{d}, Now: func() time.Time { return noon },
		Log: slog.New(slog.DiscardHandler), Metrics: evidence.NewMetrics(prometheus.NewRegistry()),
	}
	shown := evidence.Exhibits{Begin: look(0), Middle: look(2), Due: look(5)}
	shown.Plate = detect.PlateView{At: look(3).At, Unit: look(3).Unit}
	var err error
	if v.Evidence, err = recorder.Record(t.Context(), v, shown); err != nil {
		t.Fatal(err)
	}
	end := noon.Add(20 * time.Minute)
	for i, e := range []enforce.Event{
		{Type: enforce.Suspected, Actor: "camera/c7", Violation: &v},
		{Type: enforce.StopEnded, Actor: "camera/c7", StopEnd: &end},
		{Type: enforce.Confirmed, Actor: "officer/li", Revision: 1, Decision: &enforce.Decision{Plate: "川A0T000"}},
		{Type: enforce.Rejected, Actor: "officer/wang", Revision: 1, Decision: &enforce.Decision{Reason: "unclear"}},
	} {
		e.ID, e.Case, e.At = fmt.Sprint(i), v.ID, noon.Add(time.Duration(5+8*i)*time.Minute)
		var outcome enforce.Outcome
		d.only, outcome = d.only.Apply(sim.Proven(e))
		d.history = append(d.history, enforce.Recorded{Event: e, Outcome: outcome})
	}
	return d
}

func (d *desk) writer(t *testing.T) Writer {
	return Writer{
		Cases: d, Files: d, Evidence: proof.Export{Files: d}, Seal: proof.RecordSeal{}, Font: font(t), Software: "tidewatch test",
		Now: func() time.Time { return noon.Add(24 * time.Hour) },
	}
}

func TestDossier(t *testing.T) {
	d := newDesk(t)
	dir := filepath.Join(t.TempDir(), "out", "case")
	if err := d.writer(t).Write(t.Context(), d.only.ID, dir, "zh"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{
		"case.pdf", "close_up.jpg", "composite.jpg", "events.json", "manifest.json",
		"marked_begin.jpg", "marked_close_up.jpg", "marked_due.jpg", "marked_middle.jpg", "plate.jpg",
		"scene_begin.jpg", "scene_due.jpg", "scene_middle.jpg",
		"unit_begin.h264", "unit_due.h264", "unit_middle.h264", "unit_plate.h264",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	original, _ := d.only.Violation.Evidence.File(enforce.SceneDue)
	if data, err := os.ReadFile(filepath.Join(dir, "scene_due.jpg")); err != nil || !bytes.Equal(data, d.files[original.SHA256]) {
		t.Errorf("the original is not as it was stored: %v", err)
	}
	checkRecord(t, filepath.Join(dir, RecordFile))
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".dossier-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	packed := dir + ".zip"
	if err := Zip(dir, packed); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if _, err := fs.ReadFile(archive, "marked_due.jpg"); err != nil || len(archive.File) != len(want) {
		t.Errorf("%d files packed, %v", len(archive.File), err)
	}
	if err := Zip(dir, packed); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that was there is written over: %v", err)
	}
}

func checkRecord(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var record []struct {
		Type      enforce.EventType  `json:"type"`
		Violation *enforce.Violation `json:"violation"`
		Outcome   enforce.Outcome    `json:"outcome"`
	}
	if err := json.Unmarshal(text, &record); err != nil || len(record) != 4 {
		t.Fatalf("%d events, %v", len(record), err)
	}
	if record[0].Violation == nil || record[0].Violation.Code != "1039" || record[2].Outcome != enforce.Applied || record[3].Outcome != enforce.Void {
		t.Errorf("record %s", text)
	}
}

func TestDossierThatCannotBeWritten(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		id, dir, language string
		spoil             func(*desk)
		want              string
	}{
		"no such case":     {"fedc", "new", "zh", nil, "no such case"},
		"a folder in use":  {"", full, "zh", nil, "is not empty"},
		"another language": {"", "new", "de", nil, `language "de": want zh or en`},
		"a file is missing": {"", "new", "zh", func(d *desk) {
			f, _ := d.only.Violation.Evidence.File(enforce.CloseUp)
			delete(d.files, f.SHA256)
		}, "close_up.jpg"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if test.spoil != nil {
				test.spoil(d)
			}
			if !filepath.IsAbs(test.dir) {
				test.dir = filepath.Join(t.TempDir(), test.dir)
			}
			id := test.id
			if id == "" {
				id = d.only.ID
			}
			err := d.writer(t).Write(t.Context(), id, test.dir, test.language)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(test.dir, PrintedFile)); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// TestPrinted renders the case file, which needs Debian's poppler-utils.
func TestPrinted(t *testing.T) {
	for language, want := range map[string][]string{
		"zh": {
			"违法停车案件材料", "川A·0T000", "97%", "成华区建设路东门", "由南向北", "51010800001190000001", "1039",
			"成城管通〔2026〕12号", "19:00", "2026-03-17 21:04:05", "2026-03-17 21:09:05", "摄像机时钟慢 0.3秒", "防伪码",
			"执法人员 li", "未生效", "第 1 页，共 4 页", "Asia/Shanghai", "执法人员签名",
		},
		"en": {"Case file: unlawful parking", "Anti-forgery code", "camera clock 0.3 s slow", "Page 1 of 4", "Officer li", "Asia/Shanghai"},
	} {
		t.Run(language, func(t *testing.T) {
			d := newDesk(t)
			printed, err := d.writer(t).print(t.Context(), d.only, d.history, language)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, PrintedFile)
			if err := os.WriteFile(path, printed, 0o600); err != nil {
				t.Fatal(err)
			}
			text := tool(t, "pdftotext", "-layout", path, "-")
			for _, f := range d.only.Violation.Evidence.Files {
				want = append(want, f.SHA256)
			}
			for _, w := range append(want, d.only.Violation.Evidence.Manifest) {
				if !strings.Contains(text, w) {
					t.Errorf("it does not say %q", w)
				}
			}
			tool(t, "pdftoppm", "-r", "60", "-png", path, filepath.Join(dir, "page"))
			pages, err := filepath.Glob(filepath.Join(dir, "page-*.png"))
			if err != nil || len(pages) != 4 {
				t.Fatalf("%d pages, %v", len(pages), err)
			}
			for i, page := range pages {
				golden(t, fmt.Sprintf("case_%s_%d.golden.png", language, i+1), page)
			}
		})
	}
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	var complaints bytes.Buffer
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("%s (script/setup test brings it): %v: %s", name, err, complaints.String())
	}
	return string(out)
}

// golden compares a page with the picture kept of it. Another release of the
// tool may draw edges otherwise.
func golden(t *testing.T, name, page string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := grey(t, kept), grey(t, data)
	if a.Rect != b.Rect {
		t.Fatalf("%s: page of %v, want %v", name, b.Rect, a.Rect)
	}
	far := 0
	for i := range a.Pix {
		if d := int(a.Pix[i]) - int(b.Pix[i]); max(d, -d) > 96 {
			far++
		}
	}
	if share := float64(far) / float64(len(a.Pix)); share > 0.002 {
		t.Errorf("%s: %.4f of the pixels differ", name, share)
	}
}

func grey(t *testing.T, data []byte) *image.Gray {
	t.Helper()
	pic, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(pic.Bounds())
	draw.Draw(g, g.Bounds(), pic, pic.Bounds().Min, draw.Src)
	return g
}

func TestLinesEndWhereTheyMay(t *testing.T) {
	for text, want := range map[string][]string{
		"":               nil,
		"two words":      {"two ", "words"},
		"停在路边。":          {"停", "在", "路", "边。"},
		"公告〔2026〕12号":    {"公", "告", "〔2026〕", "12", "号"},
		"于 10:00 驶离（见图）": {"于", " ", "10:00 ", "驶", "离", "（见", "图）"},
	} {
		if diff := cmp.Diff(want, pieces(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	if long := pieces(strings.Repeat("a", 100)); len(long) < 4 || strings.Join(long, "") != strings.Repeat("a", 100) {
		t.Errorf("a hash stays in one piece: %v", long)
	}
	if !slices.Equal(pieces("中"), []string{"中"}) {
		t.Error("one character")
	}
}
