package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/mod/sumdb/note"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/proof"
	"tidewatch/ingest"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// hevcSets are parameter sets as short as they can be read.
var hevcSets = [][]byte{
	{32 << 1, 1, 0x0C},
	{33 << 1, 1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x80},
	{34 << 1, 1, 0xC0},
}

func seen(second int) detect.Observation {
	moment := noon.Add(time.Duration(second) * time.Second)
	return detect.Observation{At: moment, Unit: &ingest.Unit{
		Stamp:  ingest.Stamp{Camera: moment, Arrival: moment.Add(40 * time.Millisecond)},
		Format: ingest.NewFormat(ingest.H265, hevcSets...),
		NALUs:  [][]byte{{38, byte(second)}, {38, 1}},
	}}
}

func damaged(second int) detect.Observation {
	o := seen(second)
	o.Unit.Damaged = true
	return o
}

func TestSelect(t *testing.T) {
	every := func(step, until int) []detect.Observation {
		var list []detect.Observation
		for s := 0; s <= until; s += step {
			list = append(list, seen(s))
		}
		return list
	}
	for name, test := range map[string]struct {
		observations []detect.Observation
		since, due   int
		want         [3]int // seconds
		few          bool
	}{
		"one each second":                  {every(1, 20), 0, 10, [3]int{0, 5, 10}, false},
		"a stretch that begins later":      {every(1, 40), 20, 30, [3]int{20, 25, 30}, false},
		"not in order":                     {[]detect.Observation{seen(10), seen(0), seen(4)}, 0, 10, [3]int{0, 4, 10}, false},
		"not yet due: the newest":          {every(1, 7), 0, 10, [3]int{0, 5, 7}, true},
		"rare looks":                       {every(7, 21), 0, 10, [3]int{0, 7, 14}, false},
		"damaged ones do not count":        {[]detect.Observation{damaged(0), seen(1), damaged(5), seen(6), damaged(10), seen(11)}, 0, 10, [3]int{1, 6, 11}, false},
		"looks as far apart as the period": {every(10, 40), 0, 10, [3]int{0, 10, 20}, false},
		"looks farther apart":              {every(50, 400), 0, 10, [3]int{0, 50, 100}, false},
		"the first picture comes late":     {[]detect.Observation{seen(3), seen(6), seen(9), seen(11), seen(13), seen(20)}, 0, 10, [3]int{3, 9, 13}, false},
		"all pictures after the period":    {[]detect.Observation{seen(310), seen(314), seen(318)}, 0, 300, [3]int{310, 314, 318}, true},
		"two looks":                        {[]detect.Observation{seen(0), seen(10)}, 0, 10, [3]int{}, true},
		"none":                             {nil, 0, 10, [3]int{}, true},
		"all before the stretch":           {every(1, 5), 10, 20, [3]int{}, true},
		"the same picture is not three":    {[]detect.Observation{seen(10), seen(10), seen(10)}, 0, 10, [3]int{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
			got, err := Select(test.observations, at(test.since), at(test.due))
			if errors.Is(err, ErrTooFewPictures) != test.few {
				t.Fatalf("error = %v", err)
			}
			if test.want == [3]int{} {
				return
			}
			for i, o := range []detect.Observation{got.Begin, got.Middle, got.Due} {
				if !o.At.Equal(at(test.want[i])) {
					t.Errorf("picture %d is of second %v, want %d", i, o.At.Sub(noon).Seconds(), test.want[i])
				}
			}
		})
	}
}

// store keeps files in memory.
type store map[string][]byte

func (s store) Put(_ context.Context, data io.Reader) (string, int64, error) {
	content, err := io.ReadAll(data)
	sum := sha256.Sum256(content)
	name := hex.EncodeToString(sum[:])
	s[name] = content
	return name, int64(len(content)), err
}

// dot is a JPEG picture of one pixel; a shade tells one from another.
func dot(shade byte) []byte {
	var data bytes.Buffer
	if err := jpeg.Encode(&data, &image.Gray{Pix: []byte{shade}, Stride: 1, Rect: image.Rect(0, 0, 1, 1)}, nil); err != nil {
		panic(err) // there is nothing that could fail
	}
	return data.Bytes()
}

type pictures struct{ err, plateErr error }

func (p pictures) Scene(_ context.Context, u *ingest.Unit) ([]byte, error) {
	return dot(u.NALUs[0][1]), p.err
}

func (p pictures) CloseUp(context.Context, *ingest.Unit, detect.Box) ([]byte, error) {
	return dot(200), p.err
}

func (p pictures) Plate(context.Context, *ingest.Unit, plate.Corners) ([]byte, error) {
	return dot(250), p.plateErr
}

// copier remembers what was to be written on copies.
type copier struct {
	err    error
	marked map[string][]string // words by picture
	cells  []overlay.Cell
	words  []string
}

func (c *copier) Mark(picture []byte, words []string) ([]byte, error) {
	if c.marked == nil {
		c.marked = map[string][]string{}
	}
	c.marked[string(picture)] = words
	return slices.Concat(picture, []byte("marked")), c.err
}

func (c *copier) Composite(cells []overlay.Cell, words []string) ([]byte, error) {
	c.cells, c.words = cells, words
	return dot(100), c.err
}

type clips struct {
	err   error
	short bool
	// unshowable says that only a clip that begins where the camera says shows anything.
	unshowable bool

	from, until time.Time
}

func (c clips) Hold(from, until time.Time) Held {
	c.from, c.until = from, until
	return c
}

func (clips) Release() {}

func (c clips) Clip(_ context.Context, w io.Writer, announced bool) (Footage, error) {
	if c.unshowable && !announced {
		_, err := io.WriteString(w, "noise")
		return Footage{Pictures: 5}, err
	}
	if c.err != nil {
		return Footage{}, c.err
	}
	_, err := io.WriteString(w, "video")
	first := &ingest.Unit{Stamp: ingest.Stamp{Camera: c.from, Arrival: c.from}, Format: &ingest.Format{Codec: ingest.H265}}
	cut := Footage{First: first, Duration: c.until.Sub(c.from), Pictures: 5, Short: c.short, MediaSpeed: 1}
	if c.short {
		cut.Note = "packets were lost"
	}
	return cut, err
}

// viewer takes any video for one of five pictures, and noise for none.
type viewer struct{}

func (viewer) Pictures(_ context.Context, video io.Reader) (int, error) {
	text, err := io.ReadAll(video)
	if string(text) == "noise" {
		return 0, errors.New("noise")
	}
	return 5, err
}

func recorder(files Files, p Pictures, c Clips) *Recorder {
	return &Recorder{
		Pictures: p, Copies: &copier{}, Clips: c, Viewer: viewer{}, Files: files, Software: "test", Span: Span{Before: 7 * time.Second, After: 3 * time.Second}, Clock: time.Second,
		Models: []proof.Model{{Name: "net.onnx", SHA256: "5a"}}, Seal: Seal{signer(), files, &leaves{}},
		Now: func() time.Time { return noon.Add(time.Minute) },
		Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()),
	}
}

// leaves is a log of evidence that is at its leaf 7.
type leaves struct {
	leaf proof.Leaf
	err  error
}

func (l *leaves) Append(_ context.Context, leaf proof.Leaf) (uint64, error) {
	l.leaf = leaf
	return 7, l.err
}

func signer() note.Signer {
	secret, _, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		panic(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		panic(err)
	}
	return s
}

var shown = Exhibits{Begin: seen(0), Middle: seen(5), Due: seen(10)}

func TestManifestNamesEveryFileByItsHash(t *testing.T) {
	files := store{}
	v := enforce.Violation{ID: "v", Camera: enforce.CameraRef{ID: "gate"}, StopStart: noon}
	kept, err := recorder(files, pictures{}, clips{}).Record(t.Context(), v, shown)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []enforce.FileKind
	for _, f := range kept.Files {
		kinds = append(kinds, f.Kind)
		if int64(len(files[f.SHA256])) != f.Size {
			t.Errorf("%s: %d bytes stored, %d said", f.Kind, len(files[f.SHA256]), f.Size)
		}
	}
	want := []enforce.FileKind{
		enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp,
		enforce.Composite, enforce.MarkedBegin, enforce.MarkedMiddle, enforce.MarkedDue, enforce.MarkedCloseUp,
		enforce.Clip, enforce.UnitBegin, enforce.UnitMiddle, enforce.UnitDue,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	clip, _ := kept.File(enforce.Clip)
	if !clip.At.Equal(noon.Add(3*time.Second)) || clip.Duration != 10*time.Second {
		t.Errorf("clip of %s from %v: it goes by the moment of the picture, not by its arrival", clip.Duration, clip.At)
	}
	if clip.MediaType != "video/mp4" || clip.Codec != "h265" {
		t.Errorf("clip is %s, %s", clip.MediaType, clip.Codec)
	}
	begin, _ := kept.File(enforce.SceneBegin)
	if begin.ClockError != -40*time.Millisecond || !begin.CameraTime.Equal(noon) {
		t.Errorf("camera time %v, clock error %v", begin.CameraTime, begin.ClockError)
	}

	m, err := proof.ParseManifest(files[kept.Manifest])
	if err != nil {
		t.Fatal(err)
	}
	manifest := proof.Manifest{
		Format: proof.Format, Software: "test", Models: []proof.Model{{Name: "net.onnx", SHA256: "5a"}},
		RecordedAt: noon.Add(time.Minute), Violation: v, Files: kept.Files,
		Events: proof.EventFormat,
	}
	if diff := cmp.Diff(manifest, m); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	if kept.Leaf != 7 || !strings.Contains(string(files[kept.Signature]), "manifest "+kept.Manifest) {
		t.Errorf("leaf %d, signature %s", kept.Leaf, files[kept.Signature])
	}
}

// TestNoEvidenceWithoutItsLeaf keeps a case from opening that the log of
// evidence knows nothing of.
// TestAStoredUnitHoldsAllThatLeadsToIt stores a picture between two key units: the
// sets once, and again where they are others, then unit by unit.
func TestAStoredUnitHoldsAllThatLeadsToIt(t *testing.T) {
	sps, pps, other := []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x99}, []byte{0x68, 0xCE, 0x38, 0x80}, []byte{0x68, 0xCE, 0x38, 0x81}
	format := ingest.NewFormat(ingest.H264, sps, pps)
	unit := func(f *ingest.Format, slice ...byte) *ingest.Unit {
		return &ingest.Unit{Format: f, NALUs: [][]byte{slice}, Key: slice[0] == 0x65}
	}
	u := unit(format.Learn([][]byte{other}), 0x41, 0x9A, 4)
	u.Lead = []*ingest.Unit{unit(format, 0x65, 0x88, 0x84), unit(format, 0x41, 0x9A, 2), unit(format, 0x41, 0x9A, 3)}
	var want []byte
	for _, nalu := range [][]byte{sps, pps, {0x65, 0x88, 0x84}, {0x41, 0x9A, 2}, {0x41, 0x9A, 3}, sps, other, {0x41, 0x9A, 4}} {
		want = append(append(want, 0, 0, 0, 1), nalu...)
	}
	if diff := cmp.Diff(want, u.AppendAnnexB(nil)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoEvidenceWithoutItsLeaf(t *testing.T) {
	full := errors.New("disk full")
	r := recorder(store{}, pictures{}, clips{})
	r.Seal = Seal{signer(), r.Files, &leaves{err: full}}
	if _, err := r.Record(t.Context(), enforce.Violation{ID: "v"}, shown); !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
}

func TestAMissingClipIsCountedAndLeftOut(t *testing.T) {
	files := store{}
	r := recorder(files, pictures{}, clips{err: errors.New("ring is empty")})
	kept, err := r.Record(t.Context(), enforce.Violation{ID: "v"}, shown)
	if err != nil {
		t.Fatal(err)
	}
	if note := clipNote(t, files, kept); note != "ring is empty" {
		t.Errorf("the manifest says of the clip: %q", note)
	}
	if _, there := kept.File(enforce.Clip); there {
		t.Error("there is a clip")
	}
	if got := testutil.ToFloat64(r.Metrics.missingClips); got != 1 {
		t.Errorf("missing clips = %v", got)
	}
}

// clipNote is what the manifest says of the clip.
func clipNote(t *testing.T, files store, kept enforce.Evidence) string {
	t.Helper()
	m, err := proof.ParseManifest(files[kept.Manifest])
	if err != nil {
		t.Fatal(err)
	}
	return m.ClipNote
}

// TestAClipIsDecodedBeforeItIsKept has a clip that shows nothing alone unless it
// begins elsewhere.
func TestAClipIsDecodedBeforeItIsKept(t *testing.T) {
	files := store{}
	kept, err := recorder(files, pictures{}, clips{unshowable: true}).Record(t.Context(), enforce.Violation{ID: "v"}, shown)
	if err != nil {
		t.Fatal(err)
	}
	if clip, there := kept.File(enforce.Clip); !there || string(files[clip.SHA256]) != "video" {
		t.Errorf("kept %q", files[clip.SHA256])
	}
}

func TestAShortClipIsCountedAndKept(t *testing.T) {
	files := store{}
	r := recorder(files, pictures{}, clips{short: true})
	kept, err := r.Record(t.Context(), enforce.Violation{ID: "v"}, shown)
	if err != nil {
		t.Fatal(err)
	}
	if note := clipNote(t, files, kept); note != "packets were lost" {
		t.Errorf("the manifest says of the clip: %q", note)
	}
	if clip, there := kept.File(enforce.Clip); !there || !clip.Short {
		t.Errorf("clip %v, said to be short: %v", there, clip.Short)
	}
	if got := testutil.ToFloat64(r.Metrics.shortClips); got != 1 {
		t.Errorf("short clips = %v", got)
	}
}

func TestAPictureThatCannotBeShownIsAnError(t *testing.T) {
	bad := errors.New("no picture")
	_, err := recorder(store{}, pictures{err: bad}, clips{}).Record(t.Context(), enforce.Violation{ID: "v"}, shown)
	if !errors.Is(err, bad) {
		t.Errorf("error = %v", err)
	}
}
