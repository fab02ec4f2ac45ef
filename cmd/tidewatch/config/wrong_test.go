package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

var update = flag.Bool("update", false, "write the golden file anew")

// street is a configuration of which nothing is to be said.
const street = `cameras:
  - id: gate
    device_id: "51010800001190000001"
    url: rtsp://192.0.2.1/main
sections:
  - id: road
    observation_period: 5m
    windows:
      - {announcement: 公告1号, from: "19:00", until: "07:00"}
zones:
  - id: kerb
    camera: gate
    section: road
    polygon: [[0.1, 0.4], [0.9, 0.4], [0.9, 0.8], [0.1, 0.8]]
`

// Parts that the cases change, each once in street.
const (
	mainURL  = "rtsp://192.0.2.1/main"
	entry    = "    device_id:"
	period   = "observation_period: 5m"
	hours    = `from: "19:00", until: "07:00"`
	kerb     = "[[0.1, 0.4], [0.9, 0.4], [0.9, 0.8], [0.1, 0.8]]"
	device   = "51010800001190000001"
	bay      = "bays:\n  - {id: b1, camera: gate, polygon: [[0.2, 0.5], [0.4, 0.5], [0.4, 0.6], [0.2, 0.6]]}\n"
	camera2  = "  - {id: yard, url: 'rtsp://192.0.2.2/main'}\nsections:"
	section2 = "  - {id: lane, observation_period: 5m}\nzones:"
)

// wrong is a configuration that says what nobody means.
type wrong struct {
	name string
	text string
}

func changed(oldnew ...string) string { return strings.NewReplacer(oldnew...).Replace(street) }

// with is the street with a field of its camera.
func with(field string) string { return changed(entry, "    "+field+"\n"+entry) }

// ruled is the street with fields of its section.
func ruled(fields string) string { return changed(period, fields) }

// tuned is the street with a window's hours.
func tuned(fields string) string { return changed(hours, fields) }

// shaped is the street with another area for its zone.
func shaped(polygon string) string { return changed(kerb, polygon) }

func encode(t *testing.T, e interface {
	Bytes([]byte) ([]byte, error)
}, text string,
) string {
	t.Helper()
	out, err := e.Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// everythingWrong are all the cases, in groups of one kind.
func everythingWrong(t *testing.T) []wrong {
	named := changed("id: gate\n", "id: gate\n    name: 东门\n")
	return []wrong{
		{"nothing is wrong", street},

		// How it is written.
		{"empty file", ""},
		{"two documents", street + "---\n" + street},
		{"a list where fields should be", "- a\n"},
		{"a list that does not end", "cameras: [\n"},
		{"brackets without an end", "cameras: " + strings.Repeat("[", 100_000) + "\n"},
		{"a quote that does not end", with(`name: "East`)},
		{"GBK", encode(t, simplifiedchinese.GBK.NewEncoder(), named)},
		{"GB18030", encode(t, simplifiedchinese.GB18030.NewEncoder(), named)},
		{"UTF-16", encode(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), named)},
		{"UTF-16 without a mark", encode(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder(), named)},
		{"a mark and ends of lines of Windows", "\ufeff" + strings.ReplaceAll(street, "\n", "\r\n")},
		{"characters that were lost", with("name: \ufffd\ufffd")},
		{"a control character", with("name: \"a\x07\"")},
		{"a control character, escaped", with(`name: "a\a"`)},
		{"a zero, escaped", with(`place: "a\0b"`)},
		{"another direction, escaped", with(`name: "\u202Eetag"`)},
		{"no width in an ID", changed("id: kerb", "id: \"ke\\u200Brb\"")},
		{"two lines in a name", with("name: |\n      East\n      gate")},
		{"a long name", with("name: " + strings.Repeat("门", 10_000))},
		{"a long ID", changed("id: kerb", "id: "+strings.Repeat("k", 10_000))},
		{"a blank at the end of a name", with("name: '东门　'")},
		{"a number that is read otherwise", ruled(period + "\n    code: 0010")},
		{"a tab", changed("    camera: gate", "\tcamera: gate")},
		{"a blank in full width before", changed("    camera: gate", "　　camera: gate")},
		{"a colon in full width", changed("camera: gate", "camera：gate", "section: road", "section： road")},
		{"a colon in full width, within braces", changed("{announcement: 公告1号, from: ", "{announcement：公告1号，from：")},
		{"a blank in full width after a colon", changed("camera: gate", "camera:　gate")},
		{"no blank after a colon", changed("camera: gate", "camera:gate")},
		{"quotes in full width", changed(mainURL, "“"+mainURL+"”")},
		{"digits in full width", ruled("observation_period: ５m")},
		{"a dash of text", tuned(`from: "19:00", until: "07:00", last_day: 2027–01–01`)},
		{"commas in full width", shaped("[[0.1，0.4], [0.9, 0.4], [0.9, 0.8], [0.1, 0.8]]")},
		{"brackets in full width", shaped("［[0.1, 0.4], [0.9, 0.4], [0.9, 0.8], [0.1, 0.8]］")},
		{"full width is a name's own", with("name: 建设路：“东门”（北），１号")},

		// Which fields there are.
		{"cameras as fields", changed("  - id: gate\n    device_id", "  id: gate\n  device_id", "    url:", "  url:")},
		{"cameras by their IDs", changed("  - id: gate\n    device_id", "  gate:\n    device_id")},
		{"a field with a slip", with("colour: red\n    clock_tolernce: 1s")},
		{"a field that was meant", changed(period, "observation_peroid: 5m")},
		{"a list that was meant", changed("cameras:", "camera:")},
		{"an ID that was meant", changed("id: gate", "ID: gate")},
		{"joined otherwise", changed("device_id", "deviceId")},
		{"a field of another part", changed("    camera: gate", "    camera: gate\n    grace: 1m")},
		{"a field too far out", changed("    "+period, period)},
		{"a field too far in", changed(`until: "07:00"}`, `until: "07:00", observation_period: 5m}`, "    "+period+"\n", "")},
		{"a password", with("password: hunter2\n    username: root")},
		{"a password of the police", street + "police:\n  url: http://192.0.2.3\n  device_id: '51010800005020000001'\n  username: root\n  Password: hunter2\n"},
		{"a key", street + "evidence:\n  signing_key: hunter2\n"},
		{"wrong kinds of value", "listen: {a: b}\nsecure_cookies: maybe\ncameras: gate\nsections:\n- id: road\n  windows: [1]\n  observation_period: 5m\nzones:\n- polygon: [[0, zero], 1]\n"},
		{"a field twice", changed(period, period+"\n    observation_period: 6m")},
		{"nothing in a list", changed("cameras:", "cameras:\n  -")},
		{"an alias of another form", changed("zones:", "bays: &areas\n  - {id: kerb, camera: gate, kind: crossing, polygon: "+kerb+"}\nzones: *areas\nzonen:")},
		{"an anchor in itself", "cameras: &a [*a]\n"},
		{"fields from elsewhere", changed("zones:", "zones:\n  - &z {id: k2, camera: gate, section: road, vehicles: non_motor, polygon: "+kerb+"}", "  - id: kerb\n", "  - <<: *z\n    id: kerb\n")},

		// Cameras.
		{"no URL", changed("    url: "+mainURL+"\n", "")},
		{"scheme", changed("rtsp:", "http:")},
		{"credentials", changed("rtsp://", "rtsp://root:hunter2@")},
		{"a password in the URL", changed("/main", "/user=root&password=hunter2&channel=1")},
		{"no host", changed("192.0.2.1", ":554")},
		{"no such host", changed("192.0.2.1", "192.0.2.1111")},
		{"no such port", changed("192.0.2.1", "192.0.2.1:99999")},
		{"port 0", changed("192.0.2.1", "192.0.2.1:0")},
		{"a port that is no number", changed("192.0.2.1", "192.0.2.1:rtsp")},
		{"a fragment", changed("/main", "/main#1")},
		{"no cameras", "sections: []\nzones: []\n"},
		{"the same stream twice", changed("sections:", "  - {id: yard, url: 'RTSP://192.0.2.1:554/main'}\nsections:")},
		{"the same stream by the name", changed(mainURL, "rtsp://Gate.Example/main", "sections:", "  - {id: yard, url: 'rtsp://gate.example.:554/main'}\nsections:")},
		{"the smaller stream is the main one", with("sub_url: rtsp://192.0.2.1:554/main")},
		{"the smaller stream is another's", changed("sections:", "  - {id: yard, url: 'rtsp://192.0.2.2/main', sub_url: '"+mainURL+"'}\nsections:")},
		{"other channels of one host", with("sub_url: rtsp://192.0.2.1/sub")},
		{"a smaller stream in the open", changed(mainURL, "rtsps://192.0.2.1/main\n    sub_url: rtsp://192.0.2.1/sub")},
		{"transport", with("transport: carrier-pigeon")},
		{"vendor", with("vendor: Hikvision")},
		{"video in the open", changed("rtsp:", "rtsps:", entry, "    transport: udp\n"+entry)},
		{"an authority that is not there", changed("rtsp:", "rtsps:", entry, "    ca_file: testdata/none.pem\n"+entry)},
		{"an authority that is none", changed("rtsp:", "rtsps:", entry, "    ca_file: config_test.go\n"+entry)},
		{"an authority without rtsps", with("ca_file: config_test.go")},
		{"frame interval", with("frame_interval: 25")},
		{"frame interval of an hour", with("frame_interval: 1h")},
		{"clock tolerance", with("clock_tolerance: 1m")},
		{"section of a camera", with("section: nowhere")},
		{"section unlike the zones'", changed(entry, "    section: lane\n"+entry, "zones:", section2)},
		{"digits of a device", changed(device, "123")},
		{"device twice", changed("sections:", "  - {id: yard, url: 'rtsp://192.0.2.2/main', device_id: '"+device+"'}\nsections:")},
		{"device that is a platform", changed(device, "51010800005020000001")},
		{"device that is a recorder", changed(device, "51010800001180000001")},
		{"device that is a camera", changed(device, "51010800001320000001")},
		{"password variable not set", with("username: root\n    password_env: GATE")},
		{"password in place of the variable", with("username: root\n    password_env: hunter2")},
		{"password twice", with("username: root\n    password_env: SECRET\n    password_file: b")},
		{"password file that is not there", with("username: root\n    password_file: testdata/none")},
		{"password without a name", with("password_env: SECRET")},
		{"name without a password", with("username: root")},
		{"in the clear, with rtsps", changed("rtsp:", "rtsps:", entry, "    allow_basic: true\n    username: root\n    password_env: SECRET\n"+entry)},
		{"IDs", changed("id: gate", "id: Gate", "id: kerb", "id: ''", "camera: gate", "camera: Gate")},
		{"ID twice", changed("sections:", "  - {id: gate, url: 'rtsp://192.0.2.2/main'}\nsections:")},

		// The program.
		{"listen", "listen: 8420\n" + street},
		{"port 99999", "listen: 127.0.0.1:99999\n" + street},
		{"a port by its name", "listen: 127.0.0.1:http\n" + street},
		{"open to all", "listen: 0.0.0.0:8420\n" + street},
		{"open to all, shorter", "listen: ':8420'\n" + street},
		{"open to all, in IPv6", "listen: '[::]:8420'\n" + street},
		{"open to all behind a proxy", "listen: 0.0.0.0:8420\nsecure_cookies: true\n" + street},
		{"only for this machine", "listen: '[::1]:8420'\n" + street},
		{"probes open to all", "listen_ops: 0.0.0.0:8421\n" + street},
		{"no probes", "listen_ops: ''\n" + street},
		{"probes where the pages are", "listen_ops: 127.0.0.1:8420\n" + street},
		{"probes nowhere", "listen_ops: 8421\n" + street},
		{"proxy and names", "secure_cookies: true\nhosts: [tidewatch.example.com]\nproxies: [192.0.2.10]\n" + street},
		{"names that are none", "hosts: [https://a.example, 'b.example:8420', c d, '']\n" + street},
		{"proxies that are none", "proxies: [localhost, 0.0.0.0/0, 10.0.0.0/99]\n" + street},
		{"sessions", "sessions: {lifetime: 8d, idle: 1s}\n" + street},
		{"sessions without end", "sessions: {lifetime: 1000h, idle: 5h}\n" + street},
		{"idle for longer than signed in", "sessions: {lifetime: 1h, idle: 2h}\n" + street},
		{"log level", "log_level: loud\n" + street},
		{"clip longer than what is kept", "ring: {keep: 20s}\nclip: {before: 15s, after: 4s}\n" + street},
		{"clip longer than what is kept by default", "clip:\n  before: 20s\n" + street},
		{"clip", "clip:\n  before: 0s\n  after: 1m\n" + street},
		{"an hour of video", "ring: {keep: 1h}\n" + street},
		{"no folder", "data: ''\n" + street},
		{"detector", "detector: {family: yolo, model: no-such-file.onnx}\n" + street},
		{"detector that is no file", "detector: {model: /}\n" + street},
		{"brokers", "kafka: {brokers: [localhost, 'a:99999', 'b:9092', 'b:9092', 'b c:1'], topic: Fälle}\n" + street},
		{"confinement of a server", street + "clickhouse: {address: 'db.example:9000', allow_unconfined: true}\n"},
		{"database", "clickhouse: {address: localhost}\n" + street},
		{"port of the database", "clickhouse: {address: 'db.example:0'}\n" + street},
		{"encryption to the embedded database", "clickhouse: {tls: true}\n" + street},
		{"an authority of nobody", "clickhouse: {address: 'db.example:9000', tls: true, ca_file: testdata/none.pem}\n" + street},
		{"police", street + "police: {url: 'ftp://x', device_id: abc}\n"},
		{"port of the police", street + "police: {url: 'http://192.0.2.3:99999', device_id: '51010800005020000001'}\n"},
		{"police with a camera's number", street + "police: {url: 'http://192.0.2.3', device_id: '" + device + "', username: a}\n"},
		{"pictures for the police", street + "police:\n  url: http://x\n  device_id: '51010800005020000001'\n  pictures:\n    send: [scenes, video, scenes]\n    max_bytes: 100 KB\n    max_side: 320\n"},
		{"no pictures for the police", street + "police: {url: 'http://x', device_id: '51010800005020000001', pictures: {send: []}}\n"},
		{"large pictures for the police", street + "police: {url: 'http://x', device_id: '51010800005020000001', pictures: {max_bytes: 1000000000, max_side: 100000}}\n"},
		{"evidence", "evidence: {origin: a b, signing_key_env: NONE, timestamp_url: 'ftp://a'}\n" + street},
		{"two keys", "evidence: {signing_key_env: SECRET, signing_key_file: b}\n" + street},
		{"an authority of time without its URL", "evidence: {timestamp_ca_file: config_test.go}\n" + street},
		{"retention", "retention: {every: 1s, orphans: 1s, rules: [{keep: 1d}, {states: [lost, confirmed], keep: 48h}, {kinds: [clips], states: [rejected], keep: 0d}]}\n" + street},
		{"retention without an end", "retention: {every: 1000h, orphans: 100000h}\n" + street},
		{"a rule that is never reached", "retention: {rules: [{states: [rejected], keep: 1y}, {kinds: [clip], states: [rejected], keep: 90d}]}\n" + street},

		// Rules.
		{"no observation period", changed("    "+period+"\n", "")},
		{"an observation period of a second", ruled("observation_period: 1s")},
		{"an observation period of ten seconds", ruled("observation_period: 10s")},
		{"an observation period of hours", ruled("observation_period: 3h")},
		{"an observation period of a year", ruled("observation_period: 8760h")},
		{"an observation period in words", ruled("observation_period: 5分钟")},
		{"grace", ruled(period + "\n    grace: 48h")},
		{"long grace", ruled(period + "\n    grace: 3h")},
		{"clock error", ruled(period + "\n    clock_error: 2m")},
		{"classes, later violations and the scale", ruled(period + "\n    exempt_classes: [bus, tram]\n    again_after: 5m\n    discretion: {first_within_days: a year, minor_within: -1m}")},
		{"a scale without bounds", ruled(period + "\n    discretion: {announcement: '1', first_within_days: 100000, repeat_within_days: 9, escalate_at: 100000, minor_within: 100h}")},
		{"a vehicle that is followed for ever", ruled(period + "\n    again_after: 10000h")},
		{"a scale that means nothing", ruled(period + "\n    discretion: {announcement: '1', escalate_at: 3}")},
		{"a scale that nobody announced", ruled(period + "\n    discretion: {first_within_days: 100}")},
		{"all of them exempt", ruled(period + "\n    exempt_classes: [car, bus, truck]")},
		{"code", ruled(period + "\n    code: 违停")},
		{"this machine's time", ruled(period + "\n    time_zone: Local")},
		{"no time zone", ruled(period + "\n    time_zone: ''")},
		{"no such time zone", ruled(period + "\n    time_zone: China")},
		{"another clock", ruled(period + "\n    time_zone: right/Asia/Shanghai")},
		{"no window's number", changed("announcement: 公告1号, ", "")},
		{"no hours", changed(", "+hours, "")},
		{"hours", tuned("from: '7:00', until: '25:00', weekdays: [someday, mon, mon], first_day: 2026-02-30, days: [tomorrow], kinds: [sunday]")},
		{"hours without length", tuned("from: '07:00', until: '07:00', first_day: 2026-02-02, last_day: 2026-02-01")},
		{"years", tuned(hours + ", first_day: 0026-01-01, last_day: 2926-01-01")},
		{"a window that is over", tuned(hours + ", last_day: 2026-02-28")},
		{"a window that ends today", tuned(hours + ", last_day: 2026-03-02")},
		{"a window that ends soon", tuned(hours + ", last_day: 2026-03-31")},
		{"a window that ends later", tuned(hours + ", last_day: 2026-04-02")},
		{"a window that ends as it is replaced", changed(hours, hours+", last_day: 2026-03-20", "zones:", "  - {id: road, effective: 2026-03-15, observation_period: 5m}\nzones:")},
		{"single days that are over", tuned(hours + ", days: [2026-02-27, 2026-02-28]")},
		{"single days to come", tuned(hours + ", days: [2026-02-27, 2026-03-08]")},
		{"a window that never opens", tuned(hours + ", weekdays: [sat], kinds: [workday]")},
		{"a window far ahead", tuned(hours + ", first_day: 2030-01-01")},
		{"a window at all hours", tuned(`from: "00:00", until: "24:00"`)},
		{"windows at all hours", changed("      - {announcement", "      - {announcement: b, from: '07:00', until: '19:00'}\n      - {announcement")},
		{"a window twice", changed("      - {announcement", "      - {announcement: 公告1号, "+hours+"}\n      - {announcement")},
		{"holidays that are not known", tuned(hours + ", kinds: [workday]")},
		{"limits", ruled(period + "\n    limits: [{from: '17:00', until: '19:00'}, {observation_period: 1s, grace: -1s}]")},
		{"limits that never hold", ruled(period + "\n    limits: [{observation_period: 4m}, {from: '17:00', until: '19:00', observation_period: 2m}]")},
		{"a limit that is over", ruled(period + "\n    limits: [{observation_period: 4m, last_day: 2026-01-01}]")},
		{"suspensions", ruled(period + "\n    suspensions: [{suspends: b, from: 2026-05-01, until: 2026-05-01 12:00}, {announcement: c, from: 2026-05-02 00:00, until: 2026-05-01 24:00}]")},
		{"a suspension that is over", ruled(period + "\n    suspensions: [{announcement: c, from: 2026-01-01 00:00, until: 2026-01-31 24:00}]")},
		{"a suspension of nothing", ruled(period + "\n    suspensions: [{announcement: c, from: 2026-05-01 08:00, until: 2026-05-01 12:00}]")},
		{"a suspension of everything", ruled(period + "\n    suspensions: [{announcement: c, from: 2026-05-01 08:00, until: 2026-05-02 12:00}]")},
		{"a rule from 2030 on", ruled(period + "\n    effective: 2030-01-01")},
		{"a version from 2030 on", changed("zones:", "  - {id: road, effective: 2030-01-01, observation_period: 5m}\nzones:")},
		{"a version twice", changed("zones:", "  - {id: road, effective: 2026-01-01, observation_period: 5m}\n  - {id: road, effective: 2026-01-01, observation_period: 6m}\nzones:")},
		{"geometry", ruled(period + "\n    geometry: {type: Point, coordinates: [[200, 0], [0, .nan]]}")},
		{"geometry of a point", ruled(period + "\n    geometry: {type: LineString, coordinates: [[104, 30]]}")},
		{"holidays that are not there", street + "holidays: none.yaml\n"},
		{"holidays with mistakes", street + "holidays: testdata/holidays.yaml\n"},
		{"holidays in GBK", street + "holidays: testdata/holidays.gbk.yaml\n"},
		{"exemptions", street + "exemptions:\n  time_zone: Mars\n  reload: 1ms\n"},
		{"exemptions that wait", street + "exemptions: {file: list.csv, reload: 24h, time_zone: Local}\n"},

		// Areas.
		{"no such camera, no such section", changed("camera: gate", "camera: b", "section: road", "section: c")},
		{"no camera, no section", changed("    camera: gate\n    section: road\n", "")},
		{"a line", shaped("[[0, 0], [1, 1]]")},
		{"pixels", shaped("[[192, 432], [1728, 432], [1728, 864]]")},
		{"outside", shaped("[[0, 0], [2, 1], [0, 1]]")},
		{"no number", shaped("[[.nan, 0], [0.5, 1], [0, 1]]")},
		{"too many points", shaped("[" + strings.Repeat("[0.1, 0.2], ", 100) + "[1, 1]]")},
		{"crossing itself", shaped("[[0.1, 0.4], [0.9, 0.4], [0.1, 0.8], [0.9, 0.8]]")},
		{"crossing itself in a point", shaped("[[0, 0], [0.4, 0.4], [0.4, 0], [0.2, 0.2], [0, 0.4]]")},
		{"no area", shaped("[[0.1, 0.4], [0.5, 0.4], [0.9, 0.4]]")},
		{"a strip", shaped("[[0.1, 0.4], [0.9, 0.4], [0.9, 0.401], [0.1, 0.401]]")},
		{"a small area", shaped("[[0.1, 0.4], [0.12, 0.4], [0.12, 0.42], [0.1, 0.42]]")},
		{"a point twice", shaped("[[0.1, 0.4], [0.9, 0.4], [0.9, 0.4], [0.9, 0.8], [0.1, 0.8], [0.1, 0.4]]")},
		{"the whole picture", shaped("[[0, 0], [1, 0], [1, 1], [0, 1]]")},
		{"nearly the whole picture", shaped("[[0.01, 0.02], [0.99, 0.02], [0.99, 0.99], [0.01, 0.99]]")},
		{"heights of nothing", changed("    camera: gate", "    camera: gate\n    vehicle_height: 0")},
		{"small vehicles", changed("    camera: gate", "    camera: gate\n    vehicle_height: 0.02")},
		{"kind of vehicle", changed("    camera: gate", "    camera: gate\n    vehicles: bikes")},
		{"the same zone twice", street + "  - {id: k2, camera: gate, section: road, polygon: " + kerb + "}\n"},
		{"the same zone in its trial", street + "  - {id: k2, camera: gate, section: road, trial: true, polygon: " + kerb + "}\n"},
		{"the same zone for others", street + "  - {id: k2, camera: gate, section: road, vehicles: non_motor, polygon: " + kerb + "}\n"},
		{"the same zone of another camera", changed("sections:", camera2) + "  - {id: k2, camera: yard, section: road, polygon: " + kerb + "}\n"},
		{"a zone of another section over it", changed("zones:", section2) + "  - {id: k2, camera: gate, section: lane, polygon: " + kerb + "}\n"},
		{"a zone of another section over a part", changed("zones:", section2) + "  - {id: k2, camera: gate, section: lane, polygon: [[0.8, 0.4], [1, 0.4], [1, 0.5], [0.8, 0.5]]}\n"},
		{"a zone of another section over a little", changed("zones:", section2) + "  - {id: k2, camera: gate, section: lane, polygon: [[0.85, 0.4], [1, 0.4], [1, 0.5], [0.85, 0.5]]}\n"},
		{"a zone of another section beside it", changed("zones:", section2) + "  - {id: k2, camera: gate, section: lane, polygon: [[0.8995, 0.4], [1, 0.4], [1, 0.8], [0.8995, 0.8]]}\n"},
		{"bays", street + "bays:\n- {id: b1, camera: gate, polygon: [[0.2, 0.5], [0.4, 0.5], [0.4, 0.6]]}\n- {id: b1, camera: yard, polygon: [[0, 0], [1, -1]]}\n"},
		{"kinds of bay", street + "bays:\n- {id: b1, camera: gate, zone: yard, polygon: [[0.2, 0.5], [0.4, 0.5], [0.4, 0.6]], arrow: [1]}\n" +
			"- {id: b2, camera: gate, kind: pavement, polygon: [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6]]}\n" +
			"- {id: b3, camera: gate, kind: crossing, polygon: [[0.7, 0.5], [0.8, 0.5], [0.8, 0.6]], arrow: [0, 1]}\n"},
		{"arrows without a length", street + strings.Replace(bay, "}", ", arrow: [0, 0.0000001]}", 1)},
		{"a bay", street + bay},
		{"a bay outside its zone", street + strings.Replace(bay, "polygon: [[0.2, 0.5], [0.4, 0.5], [0.4, 0.6], [0.2, 0.6]]", "zone: kerb, polygon: [[0.2, 0.1], [0.4, 0.1], [0.4, 0.2], [0.2, 0.2]]", 1)},
		{"a bay outside every zone", street + strings.NewReplacer("0.5]", "0.1]", "0.6]", "0.2]").Replace(bay)},
		{"a bay half outside", street + strings.NewReplacer("0.5]", "0.36]", "0.6]", "0.46]").Replace(bay)},
		{"a bay mostly outside", street + strings.NewReplacer("0.5]", "0.33]", "0.6]", "0.43]").Replace(bay)},
		{"a bay at the edge", street + strings.NewReplacer("0.5]", "0.3995]", "0.6]", "0.5]").Replace(bay)},
		{"a crossing outside every zone", street + strings.NewReplacer("gate,", "gate, kind: crossing,", "0.5]", "0.1]", "0.6]", "0.2]").Replace(bay)},
		{"a crossing beyond its zone", street + strings.NewReplacer("gate,", "gate, kind: crossing,", "0.5]", "0.1]").Replace(bay)},
		{"a bay without any zone", changed("sections:", camera2) + strings.Replace(bay, "gate", "yard", 1)},
		{"the same bay twice", street + bay + strings.NewReplacer("bays:\n", "", "b1", "b2").Replace(bay)},
		{"a bay over another", street + bay + strings.NewReplacer("bays:\n", "", "b1", "b2", "[0.2, ", "[0.3, ", "[0.4, ", "[0.5, ").Replace(bay)},
		{"a bay over a part of another", street + bay + strings.NewReplacer("bays:\n", "", "b1", "b2", "[0.2, ", "[0.35, ", "[0.4, ", "[0.55, ").Replace(bay)},
		{"a bay beside another", street + bay + strings.NewReplacer("bays:\n", "", "b1", "b2", "[0.2, ", "[0.3995, ", "[0.4, ", "[0.6, ").Replace(bay)},
		{"a bay on a crossing", street + bay + strings.NewReplacer("bays:\n", "", "b1", "b2", "gate,", "gate, kind: crossing,", "[0.2, ", "[0.1, ").Replace(bay)},
		{"cameras and sections without zones", changed("sections:", camera2, "zones:", section2)},

		// All at once.
		{"a bad day", strings.NewReplacer("rtsp:", "http:", "camera: gate", "camera：gates", period, "observation_peroid: 5m\n    gracee: 1m", "0.4]", "432]", `"19:00"`, `“19:00”`).Replace(street) +
			"polcie:\n  url: x\n"},
	}
}

// said is all that is said of a configuration as of a day, a line each.
func saidOf(name, text string) string {
	r := resolver{lookup: func(name string) (string, bool) { return "secret", name == "SECRET" }}
	c, err := parse(name, []byte(text), r, false)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, warning := range c.Warnings(time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)) {
		b.WriteString("warning: " + warning + "\n")
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

// What is said of every kind of mistake stands in one file, to be read as a
// whole.
func TestWhatIsWrongIsSaid(t *testing.T) {
	golden := filepath.Join("testdata", "wrong.golden")
	var all strings.Builder
	for _, each := range everythingWrong(t) {
		said := saidOf("t.yaml", each.text)
		if strings.Contains(said, "hunter2") {
			t.Errorf("%s: a secret is repeated:\n%s", each.name, said)
		}
		all.WriteString("# " + each.name + "\n" + said + "\n")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("what is said of mistakes (-want +got):\n%s", diff)
	}
}

// What is in force, printed and read again, is the same, and as much is said of
// it.
func TestWhatIsAcceptedDumpsToItself(t *testing.T) {
	secret := func(string) (string, bool) { return "secret", true }
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	for _, each := range everythingWrong(t) {
		c, err := Parse("t.yaml", []byte(each.text), secret)
		if err != nil {
			continue
		}
		dumped, err := c.Dump()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("dump", dumped, secret)
		if err != nil {
			t.Errorf("%s: %v in\n%s", each.name, err, dumped)
			continue
		}
		twice, err := again.Dump()
		if diff := cmp.Diff(string(dumped), string(twice)); diff != "" || err != nil || len(c.Warnings(now)) != len(again.Warnings(now)) {
			t.Errorf("%s: %v; warnings %q, then %q; dumps\n%s", each.name, err, c.Warnings(now), again.Warnings(now), diff)
		}
		if len(c.Policies["road"]) > 0 && c.Policies["road"][0].ID != again.Policies["road"][0].ID {
			t.Errorf("%s: the dump makes another policy", each.name)
		}
	}
}
