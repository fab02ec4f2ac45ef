package simpolice

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

const (
	device   = "51010000005020000001"
	password = "open-sesame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t *testing.T, data string) *Server {
	t.Helper()
	s, err := New(Config{DeviceID: device, Username: "u", Password: password, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ask makes one call as the device does.
func ask(s *Server, method, path, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("User-Identify", device)
	r.Header.Set("Content-Type", "application/VIID+JSON")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// statusOf is the only status of an answer: its code and words.
func statusOf(t *testing.T, res *http.Response) (code int, words string) {
	t.Helper()
	var answer struct {
		ResponseStatusListObject struct {
			ResponseStatusObject []struct {
				StatusCode   int
				StatusString string
			}
		}
	}
	got := text(t, res)
	if err := json.Unmarshal([]byte(got), &answer); err != nil || len(answer.ResponseStatusListObject.ResponseStatusObject) != 1 {
		t.Fatalf("HTTP %d, error %v, answer %s", res.StatusCode, err, got)
	}
	one := answer.ResponseStatusListObject.ResponseStatusObject[0]
	return one.StatusCode, one.StatusString
}

func picture(t *testing.T, shade uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 32, 16))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// object is JSON to spoil.
type object = map[string]any

// goodVehicle is a vehicle with nothing wrong.
func goodVehicle(t *testing.T) object {
	t.Helper()
	var pictures []any
	for i, at := range []string{"20260317210405", "20260317210635", "20260317210905"} {
		pictures = append(pictures, object{
			"ImageID": device + "02" + at + "00001", "DeviceID": device, "Type": "14", "FileFormat": "Jpeg",
			"ShotTime": at, "Width": 32, "Height": 16, "Data": base64.StdEncoding.EncodeToString(picture(t, uint8(100*i))),
		})
	}
	source := device + "02" + "20260317210405" + "00001"
	return object{
		"MotorVehicleID": source + "02" + "00001", "SourceID": source, "DeviceID": device, "InfoKind": 1,
		"LeftTopX": 1, "LeftTopY": 2, "RightBtmX": 30, "RightBtmY": 16,
		"PassTime": "20260317210905", "AppearTime": "20260317210405", "DisappearTime": "20260317212405",
		"HasPlate": true, "PlateClass": "02", "PlateColor": "5", "PlateNo": "川A12345", "VehicleColor": "99",
		"SubImageList": object{"SubImageInfoObject": pictures},
	}
}

func uploadOf(t *testing.T, vehicles ...object) string {
	t.Helper()
	body, err := json.Marshal(object{"MotorVehicleListObject": object{"MotorVehicleObject": vehicles}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func pictureOf(v object, i int) object {
	return v["SubImageList"].(object)["SubImageInfoObject"].([]any)[i].(object)
}

func TestVehicleIsCheckedStrictly(t *testing.T) {
	set := func(field string, value any) func(object) { return func(v object) { v[field] = value } }
	shown := func(field string, value any) func(object) {
		return func(v object) { pictureOf(v, 1)[field] = value }
	}
	whole := picture(t, 0)
	tests := map[string]struct {
		spoil func(object)
		want  string // in the platform's words; empty: accepted
	}{
		"good":                {func(object) {}, ""},
		"still standing":      {func(v object) { delete(v, "DisappearTime") }, ""},
		"new-energy plate":    {set("PlateNo", "川AD12345"), ""},
		"trailer":             {set("PlateNo", "川A1234挂"), ""},
		"short vehicle ID":    {set("MotorVehicleID", device), "MotorVehicleID: must be 48 digits"},
		"vehicle ID, letters": {set("MotorVehicleID", strings.Repeat("A", 48)), "MotorVehicleID: must be 48 digits"},
		"another's source":    {set("SourceID", device+"02"+"20260317210405"+"00009"), "SourceID: must be one of the pictures"},
		"device of 19":        {set("DeviceID", device[1:]), "DeviceID: must be 20 digits"},
		"no kind of info":     {func(v object) { delete(v, "InfoKind") }, "InfoKind"},
		"no plate":            {set("HasPlate", false), "HasPlate"},
		"letter O in serial":  {set("PlateNo", "川AO1234"), "PlateNo: not the form of a plate"},
		"no province":         {set("PlateNo", "XA12345"), "PlateNo"},
		"plate too long":      {set("PlateNo", "川A1234567"), "PlateNo"},
		"plate with a blank":  {set("PlateNo", "川A12345 "), "PlateNo"},
		"class":               {set("PlateClass", "2"), "PlateClass"},
		"color":               {set("PlateColor", "blue"), "PlateColor"},
		"vehicle color":       {set("VehicleColor", ""), "VehicleColor"},
		"ISO time":            {set("PassTime", "2026-03-17T21:09:05"), "PassTime: must be yyyyMMddHHmmss"},
		"13th month":          {set("AppearTime", "20261317210405"), "AppearTime"},
		"passed before":       {set("PassTime", "20260317210404"), "PassTime: before AppearTime"},
		"in the future":       {set("PassTime", "29990101000000"), "PassTime: in the future"},
		"gone before":         {set("DisappearTime", "20260317210404"), "DisappearTime"},
		"box outside":         {set("RightBtmX", 33), "not a box in the picture"},
		"box without area":    {set("LeftTopY", 16), "not a box in the picture"},
		"no box":              {func(v object) { delete(v, "LeftTopX") }, "must be set"},
		"two pictures": {func(v object) {
			list := v["SubImageList"].(object)
			list["SubImageInfoObject"] = list["SubImageInfoObject"].([]any)[:2]
		}, "must have 3 pictures"},
		"no list":              {func(v object) { delete(v, "SubImageList") }, "must have 3 pictures"},
		"same picture ID":      {shown("ImageID", device+"02"+"20260317210405"+"00001"), "[1].ImageID: must be 41 digits, and another"},
		"short picture ID":     {shown("ImageID", "1"), "[1].ImageID"},
		"picture's time":       {shown("ShotTime", "20260317210636"), "[1].ImageID: must be device, 02, time and a serial"},
		"picture's type":       {shown("Type", "scene"), "[1].Type"},
		"picture's device":     {shown("DeviceID", ""), "[1].DeviceID"},
		"base64 for URLs":      {shown("Data", "_-__"), "[1].Data: not base64"},
		"base64 with blanks":   {shown("Data", base64.StdEncoding.EncodeToString(whole)+" "), "[1].Data: not base64"},
		"not a picture":        {shown("Data", base64.StdEncoding.EncodeToString([]byte("hello"))), "[1].Data: must be JPEG"},
		"said to be PNG":       {shown("FileFormat", "Png"), "[1].Data: must be JPEG"},
		"picture cut off":      {shown("Data", base64.StdEncoding.EncodeToString(whole[:len(whole)-4])), "[1].Data: JPEG is damaged"},
		"other width":          {shown("Width", 31), "[1].Data: not of the width"},
		"everything at a time": {func(v object) { clear(v) }, "PlateNo"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, "")
			s.registered = true
			v := goodVehicle(t)
			test.spoil(v)
			code, words := statusOf(t, ask(s, "POST", "/VIID/MotorVehicles", uploadOf(t, v)))
			accepted := code == statusOK
			if accepted != (test.want == "") || !accepted && (code != statusContent || !strings.Contains(words, test.want)) {
				t.Errorf("status %d %q, want %q", code, words, test.want)
			}
			if kept := len(s.Vehicles()); kept != 0 != accepted {
				t.Errorf("%d vehicles kept", kept)
			}
		})
	}
}

func TestRequestsThatAreNoUpload(t *testing.T) {
	good := uploadOf(t, goodVehicle(t))
	tests := map[string]struct {
		body   string
		header []string
	}{
		"nothing":           {"", nil},
		"no list":           {"{}", nil},
		"empty list":        {uploadOf(t), nil},
		"cut off":           {good[:len(good)-1], nil},
		"two":               {good + good, nil},
		"plain JSON":        {good, []string{"Content-Type", "application/json"}},
		"no media type":     {good, []string{"Content-Type", ""}},
		"another encoding":  {good, []string{"Content-Type", "application/VIID+JSON; charset=gbk"}},
		"vehicles as texts": {`{"MotorVehicleListObject":{"MotorVehicleObject":["car"]}}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, "")
			s.registered = true
			if code, _ := statusOf(t, ask(s, "POST", "/VIID/MotorVehicles", test.body, test.header...)); code != statusFormat {
				t.Errorf("status %d, want %d", code, statusFormat)
			}
		})
	}
}

func TestStrangersAreNotHeard(t *testing.T) {
	s := newServer(t, "")
	good := uploadOf(t, goodVehicle(t))
	keepalive := `{"KeepaliveObject":{"DeviceID":"` + device + `"}}`
	register := `{"RegisterObject":{"DeviceID":"` + device + `"}}`
	tests := []struct {
		name, path, body string
		header           []string
		registered       bool
		want             int
	}{
		{"upload before registering", "/VIID/MotorVehicles", good, nil, false, 401},
		{"upload by another", "/VIID/MotorVehicles", good, []string{"User-Identify", "1"}, true, 401},
		{"upload by nobody", "/VIID/MotorVehicles", good, []string{"User-Identify", ""}, true, 401},
		{"keepalive before registering", "/VIID/System/Keepalive", keepalive, nil, false, 401},
		{"keepalive", "/VIID/System/Keepalive", keepalive, nil, true, 200},
		{"register without a body", "/VIID/System/Register", "", nil, false, 400},
		{"register another", "/VIID/System/Register", `{"RegisterObject":{"DeviceID":"1"}}`, nil, false, 404},
		{"register without digest", "/VIID/System/Register", register, nil, false, 401},
		{"register with an old nonce", "/VIID/System/Register", register, []string{"Authorization", `Digest username="u",nonce="x",uri="/VIID/System/Register",response="y"`}, false, 400},
		{"unregister without digest", "/VIID/System/UnRegister", `{"UnRegisterObject":{"DeviceID":"` + device + `"}}`, nil, true, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.setRegistered(test.registered)
			if got := ask(s, "POST", test.path, test.body, test.header...).StatusCode; got != test.want {
				t.Errorf("HTTP %d, want %d", got, test.want)
			}
			if s.Registered() != test.registered {
				t.Errorf("registered is %v now", s.Registered())
			}
		})
	}
	if len(s.Vehicles()) != 0 {
		t.Error("kept a stranger's upload")
	}
}

func TestDigest(t *testing.T) {
	s := newServer(t, "")
	register := `{"RegisterObject":{"DeviceID":"` + device + `"}}`
	answer := func(nonce, with string) string {
		response := md5Hex(md5Hex("u", "viid", with), nonce, "00000001", "c", "auth", md5Hex("POST", "/VIID/System/Register"))
		return `Digest username="u",realm="viid",nonce="` + nonce + `",uri="/VIID/System/Register",qop=auth,nc=00000001,cnonce="c",response="` + response + `"`
	}
	nonce := func() string {
		challenge := ask(s, "POST", "/VIID/System/Register", register).Header.Get("WWW-Authenticate")
		_, after, _ := strings.Cut(challenge, `nonce="`)
		value, _, _ := strings.Cut(after, `"`)
		return value
	}
	if got := ask(s, "POST", "/VIID/System/Register", register, "Authorization", answer(nonce(), "wrong")); got.StatusCode != 400 || text(t, got) != "" {
		t.Errorf("a wrong password is answered by HTTP %d", got.StatusCode)
	}
	once := answer(nonce(), password)
	if got := ask(s, "POST", "/VIID/System/Register", register, "Authorization", once); got.StatusCode != 200 || !s.Registered() {
		t.Errorf("the right password is answered by HTTP %d", got.StatusCode)
	}
	if got := ask(s, "POST", "/VIID/System/Register", register, "Authorization", once); got.StatusCode != 400 {
		t.Errorf("a nonce was good twice: HTTP %d", got.StatusCode)
	}
}

func TestJournalOutlivesTheServer(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "vehicles.jsonl")
	body := uploadOf(t, goodVehicle(t))
	first := newServer(t, journal)
	first.registered = true
	for range 2 {
		ask(first, "POST", "/VIID/MotorVehicles", body)
	}
	before := first.Vehicles()
	if len(before) != 1 || before[0].Received != 2 || len(before[0].Pictures) != 3 {
		t.Fatalf("kept %+v", before)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	appendTo(t, journal, `{"vehicle":{"id":"cut off in the mid`+strings.Repeat("x", 1<<16))

	second := newServer(t, journal)
	if diff := cmp.Diff(before, second.Vehicles(), cmp.AllowUnexported(Picture{}), cmp.FilterPath(func(p cmp.Path) bool {
		last := p.Last().String()
		return last == ".width" || last == ".height"
	}, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
	if got := ask(second, "GET", "/pictures/"+before[0].Pictures[2].SHA256, ""); text(t, got) != string(picture(t, 200)) {
		t.Errorf("the picture is another one, HTTP %d", got.StatusCode)
	}
	second.registered = true
	ask(second, "POST", "/VIID/MotorVehicles", body)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(journal); err != nil || strings.Count(string(kept), "\n") != 3 || !strings.HasSuffix(string(kept), "\n") {
		t.Errorf("error %v, the journal is not three whole lines", err)
	}
	if third := newServer(t, journal).Vehicles(); len(third) != 1 || third[0].Received != 3 {
		t.Errorf("kept %+v", third)
	}
}

func TestBrokenJournalIsNotOverwritten(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "vehicles.jsonl")
	appendTo(t, journal, "not JSON\n")
	_, err := New(Config{DeviceID: device, Username: "u", Password: password, Data: journal})
	if err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("error %v", err)
	}
	if kept, _ := os.ReadFile(journal); string(kept) != "not JSON\n" {
		t.Errorf("the file is now %q", kept)
	}
}

func appendTo(t *testing.T, path, what string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(what); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPageAndList(t *testing.T) {
	s := newServer(t, "")
	if got := text(t, ask(s, "GET", "/api/vehicles", "")); got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
	if got := text(t, ask(s, "GET", "/", "")); !strings.Contains(got, "尚未收到车辆") || !strings.Contains(got, "No vehicle received yet") {
		t.Errorf("an empty page is %s", got)
	}
	s.registered = true
	code, words := statusOf(t, ask(s, "POST", "/VIID/MotorVehicles", uploadOf(t, goodVehicle(t))))
	if code != 0 {
		t.Fatal(words)
	}
	page := text(t, ask(s, "GET", "/", ""))
	for _, want := range []string{"川A12345", "2026-03-17 21:09:05", "接收次数 received", `src="/pictures/` + hash(picture(t, 0)), "已注册"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(text(t, ask(s, "GET", "/api/vehicles", ""))), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0]["plate"] != "川A12345" || list[0]["pass_time"] != "20260317210905" || list[0]["received"] != 1.0 {
		t.Errorf("list %v", list)
	}
	if got := ask(s, "GET", "/pictures/00", "").StatusCode; got != 404 {
		t.Errorf("a picture that is not there: HTTP %d", got)
	}
}

func TestTime(t *testing.T) {
	got := text(t, ask(newServer(t, ""), "GET", "/VIID/System/Time", ""))
	var answer struct{ SystemTimeObject struct{ LocalTime string } }
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		t.Fatal(err)
	}
	if at, err := parseTime(answer.SystemTimeObject.LocalTime); err != nil || now().Sub(at).Abs() > 30*60e9 {
		t.Errorf("time %q", answer.SystemTimeObject.LocalTime)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, config := range map[string]Config{
		"device":   {DeviceID: "1", Username: "u", Password: password},
		"account":  {DeviceID: device, Username: "u"},
		"journal":  {DeviceID: device, Username: "u", Password: password, Data: t.TempDir()},
		"no place": {DeviceID: device, Username: "u", Password: password, Data: filepath.Join(t.TempDir(), "no", "such", "folder")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(config); err == nil {
				t.Error("accepted")
			}
		})
	}
}
