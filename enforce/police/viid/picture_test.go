package viid

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/police"
)

// markedCase is kerbCase as it is kept now: with marked copies, 80 pixels high
// where their originals have 60, the plate and a composite.
func markedCase(t *testing.T) (enforce.Case, files) {
	t.Helper()
	k, stored := kerbCase(t)
	e := &k.Violation.Evidence
	due := e.Files[2].At
	e.Files = nil
	for i, f := range []struct {
		kind          enforce.FileKind
		width, height int
	}{
		{enforce.SceneBegin, 120, 60},
		{enforce.SceneMiddle, 120, 60},
		{enforce.SceneDue, 120, 60},
		{enforce.CloseUp, 40, 30},
		{enforce.Plate, 20, 10},
		{enforce.Composite, 400, 300},
		{enforce.MarkedBegin, 120, 80},
		{enforce.MarkedMiddle, 120, 80},
		{enforce.MarkedDue, 120, 80},
		{enforce.MarkedCloseUp, 60, 50},
	} {
		var data bytes.Buffer
		if err := jpeg.Encode(&data, noise(uint64(i), f.width, f.height), nil); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data.Bytes())
		file := enforce.File{
			Kind: f.kind, SHA256: hex.EncodeToString(sum[:]), MediaType: "image/jpeg", Size: int64(data.Len()),
			Width: f.width, Height: f.height, At: due, ArrivalTime: due,
		}
		e.Files = append(e.Files, file)
		stored[file.SHA256] = data.Bytes()
	}
	return k, stored
}

func noise(seed uint64, width, height int) image.Image {
	random := rand.New(rand.NewPCG(seed, 0))
	pic := image.NewGray(image.Rect(0, 0, width, height))
	for i := range pic.Pix {
		pic.Pix[i] = byte(random.IntN(256))
	}
	return pic
}

func TestPicturesThatThePlatformWants(t *testing.T) {
	type sent struct {
		Type string
		Kind enforce.FileKind // empty: none of the files that are stored
		Size image.Point
	}
	type place struct{ Left, Top, Right, Bottom int }
	for _, tc := range []struct {
		name     string
		pictures Pictures
		want     []sent
		place    place
	}{
		{"as a platform usually does", DefaultConfig().Pictures, []sent{
			{"14", enforce.MarkedBegin, image.Pt(120, 80)},
			{"14", enforce.MarkedMiddle, image.Pt(120, 80)},
			{"14", enforce.MarkedDue, image.Pt(120, 80)},
			{"09", enforce.MarkedCloseUp, image.Pt(60, 50)},
			{"02", enforce.Plate, image.Pt(20, 10)},
			{"07", enforce.Composite, image.Pt(400, 300)},
		}, place{30, 30, 90, 45}},
		{"originals", Pictures{Send: []Picture{Vehicle, Scenes}}, []sent{
			{"14", enforce.SceneBegin, image.Pt(120, 60)},
			{"14", enforce.SceneMiddle, image.Pt(120, 60)},
			{"14", enforce.SceneDue, image.Pt(120, 60)},
			{"01", enforce.CloseUp, image.Pt(40, 30)},
		}, place{30, 30, 90, 45}},
		{"one picture alone", Pictures{Send: []Picture{Composite}, Marked: true}, []sent{
			{"07", enforce.Composite, image.Pt(400, 300)},
		}, place{30, 30, 90, 45}},
		{"none larger than half", Pictures{Send: []Picture{Scenes, Plate}, Marked: true, Limits: overlay.Limits{Side: 60}}, []sent{
			{"14", "", image.Pt(60, 40)}, {"14", "", image.Pt(60, 40)}, {"14", "", image.Pt(60, 40)}, {"02", enforce.Plate, image.Pt(20, 10)},
		}, place{15, 15, 45, 23}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k, stored := markedCase(t)
			kinds := map[string]enforce.FileKind{}
			for _, f := range k.Violation.Evidence.Files {
				kinds[f.SHA256] = f.Kind
			}
			c := newPlatform(t).client(t, stored, func(c *Config) { c.Pictures = tc.pictures })
			v, err := c.vehicle(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			var got []sent
			for _, p := range v.SubImageList.SubImageInfoObject {
				sum := sha256.Sum256(p.Data)
				got = append(got, sent{p.Type, kinds[hex.EncodeToString(sum[:])], image.Pt(p.Width, p.Height)})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.place, place{v.LeftTopX, v.LeftTopY, v.RightBtmX, v.RightBtmY}); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

// TestIDsDoNotDependOnWhatIsSent: else a platform whose wishes have changed
// would take what it has for another case.
func TestIDsDoNotDependOnWhatIsSent(t *testing.T) {
	k, stored := markedCase(t)
	ids := map[string]string{} // by type and place in the list
	source := ""
	for _, pictures := range []Pictures{
		{Send: AllPictures, Marked: true}, {Send: AllPictures}, {Send: []Picture{Vehicle, Composite}, Marked: true},
	} {
		v, err := newPlatform(t).client(t, stored, func(c *Config) { c.Pictures = pictures }).vehicle(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if source != "" && v.MotorVehicleID != source {
			t.Errorf("the vehicle has the ID %s, and had %s", v.MotorVehicleID, source)
		}
		source = v.MotorVehicleID
		for _, p := range v.SubImageList.SubImageInfoObject {
			if p.Type == sceneType {
				continue
			}
			if known, ok := ids[p.Type]; ok && known != p.ImageID {
				t.Errorf("picture of type %s has the ID %s, and had %s", p.Type, p.ImageID, known)
			}
			ids[p.Type] = p.ImageID
		}
	}
	if len(ids) != 5-1 {
		t.Errorf("IDs %v", ids)
	}
}

func TestAPictureThatCannotBeMadeSmallEnough(t *testing.T) {
	k, stored := markedCase(t)
	p := newPlatform(t)
	_, err := p.client(t, stored, func(c *Config) { c.Pictures.Limits.Bytes = 700 }).Submit(t.Context(), k)
	if police.KindOf(err) != police.NoEvidence || !strings.Contains(err.Error(), "picture marked_begin: fit picture: 700 bytes are allowed, and 120x80 pixels take") ||
		!strings.Contains(err.Error(), "police.pictures") {
		t.Errorf("error %v", err)
	}
	if n := p.Calls(vehiclesPath); n != 0 {
		t.Errorf("sent all the same, %d times", n)
	}
}

func TestConfigOfPictures(t *testing.T) {
	for want, pictures := range map[string]Pictures{
		"at least one kind must be sent":   {},
		`"video" is none that can be sent`: {Send: []Picture{Scenes, "video"}},
	} {
		config := DefaultConfig()
		config.URL, config.DeviceID, config.Username, config.Pictures = "http://127.0.0.1:1", systemID, "tidewatch", pictures
		if _, err := New(config, Dependencies{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
