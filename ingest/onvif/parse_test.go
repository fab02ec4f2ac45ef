package onvif

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/kerberos-io/onvif/device"
	"github.com/kerberos-io/onvif/xsd"
	"github.com/kerberos-io/onvif/xsd/onvif"
	"golang.org/x/text/encoding/simplifiedchinese"

	"tidewatch/ingest"
)

// matchOf is an answer to a probe in the manner of cameras.
func matchOf(endpoint, scopes, xaddrs string) string {
	return `<?xml version="1.0"?><S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope" xmlns:w="urn:w" xmlns:d="urn:d"><S:Body><d:ProbeMatches><d:ProbeMatch>` +
		`<w:EndpointReference><w:Address>` + endpoint + `</w:Address></w:EndpointReference>` +
		`<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>` + scopes + `</d:Scopes><d:XAddrs>` + xaddrs + `</d:XAddrs>` +
		`</d:ProbeMatch></d:ProbeMatches></S:Body></S:Envelope>`
}

func TestParseMatches(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []match
	}{
		{
			"a camera", matchOf("urn:uuid:AB-1", " onvif://www.onvif.org/type/x\n onvif://www.onvif.org/name/East%20Gate%0A onvif://www.onvif.org/hardware/K%2F7", "http://a/b  http://c/d"),
			[]match{{"ab-1", "East Gate", "K/7", []string{"http://a/b", "http://c/d"}}},
		},
		{"a short endpoint", matchOf("uuid:1", "", ""), []match{{"1", "", "", []string{}}}},
		{"a name that is not escaped well", matchOf("1", "onvif://www.onvif.org/name/100%", ""), []match{{"1", "100%", "", []string{}}}},
		{"a printer", strings.ReplaceAll(matchOf("1", "", ""), "NetworkVideoTransmitter", "PrintDevice"), nil},
		{"no ONVIF type but its scopes", strings.ReplaceAll(matchOf("1", "onvif://www.onvif.org/name/a", ""), "NetworkVideoTransmitter", ""), []match{{"1", "a", "", []string{}}}},
		{"cut off", matchOf("1", "", "")[:200], nil},
		{"nothing", "", nil},
		{"no XML", "\x00\xff{}", nil},
		{"unknown encoding", `<?xml version="1.0" encoding="klingon"?><Envelope/>`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, parseMatches([]byte(test.text)), cmp.AllowUnexported(match{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseMatchesInGB2312(t *testing.T) {
	text := strings.Replace(matchOf("1", "onvif://www.onvif.org/name/东门", ""), `"1.0"`, `"1.0" encoding="GB2312"`, 1)
	encoded, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := parseMatches(encoded); len(got) != 1 || got[0].name != "东门" {
		t.Errorf("got %+v", got)
	}
}

func TestGatheringMergesAnswers(t *testing.T) {
	v4, linkLocal := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("fe80::1%eth7")
	var g gathering
	g.add(v4, []byte(matchOf("urn:uuid:A", "", "https://192.0.2.10/x http://gate.local/x http://[fe80::1]/x http://192.0.2.10:8080/x")))
	g.add(linkLocal, []byte(matchOf("uuid:a", "onvif://www.onvif.org/name/gate", "http://[fe80::1]/x http://198.51.100.1/x http://[2001:db8::1]/x http://user:pw@192.0.2.10:8080/x?y#z ftp://192.0.2.10/")))
	g.add(v4, []byte(matchOf("", "", "http://192.0.2.11/x"))) // without an endpoint
	g.add(v4, []byte(matchOf("", "", "http://192.0.2.11/x")))
	g.add(v4, []byte(matchOf("b", "", ""))) // without an address
	if g.add(v4, []byte("no match")) {
		t.Error("no match was taken for one")
	}
	devices := g.devices()
	slices.SortFunc(devices, func(a, b found) int { return strings.Compare(a.endpoint, b.endpoint) })
	var got []string
	for _, d := range devices {
		got = append(got, fmt.Sprint(d.endpoint, " ", d.name, " ", d.urls))
	}
	want := []string{
		"  [http://192.0.2.11/x]",
		"a gate [http://192.0.2.10:8080/x http://[fe80::1%25eth7]/x http://198.51.100.1/x http://[2001:db8::1]/x http://gate.local/x http://[fe80::1]/x https://192.0.2.10/x]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestGatheringIsBounded(t *testing.T) {
	var g gathering
	from := netip.MustParseAddr("192.0.2.10")
	for i := range maxDevices + 10 {
		g.add(from, []byte(matchOf(fmt.Sprint("uuid:", i), "", "http://192.0.2.10/x")))
	}
	for i := range maxURLs + 10 {
		g.add(from, []byte(matchOf("uuid:0", "", fmt.Sprintf("http://192.0.2.10/%d", i))))
	}
	devices := g.devices()
	longest := slices.MaxFunc(devices, func(a, b found) int { return len(a.urls) - len(b.urls) })
	if len(devices) != maxDevices || len(longest.urls) != maxURLs {
		t.Errorf("remembers %d devices and %d addresses of one", len(devices), len(longest.urls))
	}
}

func FuzzParseMatches(f *testing.F) {
	f.Add([]byte(matchOf("urn:uuid:1", "onvif://www.onvif.org/name/a%20b", "http://192.0.2.1/x http://[fe80::1]/x")))
	f.Add([]byte(`<Envelope><Body><ProbeMatches/><ProbeMatches><ProbeMatch><Types>NetworkVideoTransmitter</Types><XAddrs>http://@:0</XAddrs></ProbeMatch></ProbeMatches></Body></Envelope>`))
	f.Add([]byte(`<?xml version="1.0" encoding="gbk"?><Envelope/>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var g gathering
		g.add(netip.MustParseAddr("fe80::1%eth0"), text)
		for _, d := range g.devices() {
			fitsALine(t, d.endpoint, d.name, d.hardware)
			for _, u := range d.urls {
				if u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
					t.Errorf("address %q", u)
				}
				if _, err := url.Parse(u.String()); err != nil {
					t.Errorf("address that cannot be written: %v", err)
				}
			}
		}
	})
}

func fitsALine(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if len([]rune(text)) > longestText || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("text %q", text)
		}
	}
}

func TestOpen(t *testing.T) {
	refused := func(code string) string {
		return soap(`<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:InvalidArgVal</e:Value><e:Subcode><e:Value>` + code + `</e:Value></e:Subcode></e:Subcode></e:Code><e:Reason>secret</e:Reason></e:Fault>`)
	}
	for _, test := range []struct {
		name   string
		status int
		text   string
		want   error
		fault  bool
	}{
		{"an answer", 200, soap("<a><Text>told</Text></a>"), nil, false},
		{"of SOAP 1.1", 200, `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><a><Text>told</Text></a></Body></Envelope>`, nil, false},
		{"a refused account", 400, refused("ter:NotAuthorized"), ingest.ErrUnauthorized, true},
		{"a refused account of SOAP 1.1", 500, soap("<e:Fault><faultcode>wsse:FailedAuthentication</faultcode></e:Fault>"), ingest.ErrUnauthorized, true},
		{"a refused account in HTTP's words", 401, "", ingest.ErrUnauthorized, true},
		{"a forbidden question", 403, "<html>", ingest.ErrUnauthorized, true},
		{"an unknown question", 500, refused("ter:ActionNotSupported"), errUnsupported, true},
		{"another fault", 400, refused("ter:Secret"), errFault, true},
		{"a fault with status 200", 200, refused("ter:NotAuthorized"), ingest.ErrUnauthorized, true},
		{"no page", 404, "<html>", errNoService, false},
		{"elsewhere", 302, "", errProtocol, false},
		{"broken", 500, "secret", errProtocol, false},
		{"a page", 200, "<html><body>secret</body></html>", errProtocol, false},
		{"nothing", 200, "", errProtocol, false},
		{"an empty body", 200, soap(""), errProtocol, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var told struct{ Text string }
			err := open(test.status, []byte(test.text), &told)
			if !errors.Is(err, test.want) || isFault(err) != test.fault {
				t.Errorf("got %v, fault %t, want %v, fault %t", err, isFault(err), test.want, test.fault)
			}
			if err == nil && told.Text != "told" || err != nil && strings.Contains(strings.ToLower(err.Error()), "secret") {
				t.Errorf("got %q and %v", told.Text, err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(200, []byte(soap(`<Profiles token="a"><Name>main</Name><VideoEncoderConfiguration><Resolution><Width>1e3</Width></Resolution></VideoEncoderConfiguration></Profiles>`)))
	f.Add(200, []byte(soap(`<r><Profiles token="a"><Configurations><VideoEncoder GovLength="-1"/></Configurations></Profiles></r>`)))
	f.Add(400, []byte(soap(`<e:Fault><e:Code><e:Subcode><e:Value>NotAuthorized</e:Value></e:Subcode></e:Code></e:Fault>`)))
	f.Fuzz(func(t *testing.T, status int, text []byte) {
		var told struct{ Profiles []profile }
		if err := open(status, text, &told); err != nil {
			if len(err.Error()) > 100 {
				t.Errorf("error %q", err)
			}
			return
		}
		for _, p := range told.Profiles {
			if e := p.encoder(); e != nil {
				for _, n := range []number{e.Width, e.Height, e.FPS, e.GOP2, e.GOPH264, e.GOPH265} {
					if v := n.value(); !(v >= 0 && v < 1e6) {
						t.Errorf("%q is %v", n, v)
					}
				}
			}
		}
	})
}

func TestWithoutCredentials(t *testing.T) {
	const secret = "s3cret!"
	for _, test := range []struct {
		name, text, want string
		err              error
	}{
		{"none", "rtsp://192.0.2.1:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1", "rtsp://192.0.2.1:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1", nil},
		{"escapes stay", "rtsp://192.0.2.1/a%2Fb%20c?d=%26", "rtsp://192.0.2.1/a%2Fb%20c?d=%26", nil},
		{"blanks around", "\n rtsp://192.0.2.1/a ", "rtsp://192.0.2.1/a", nil},
		{"a profile's token", "rtsp://192.0.2.1/a?token=Profile_1", "rtsp://192.0.2.1/a?token=Profile_1", nil},
		{"before the host", "rtsps://admin:s3cret!@192.0.2.1/a", "rtsps://192.0.2.1/a", nil},
		{"in the query", "rtsp://192.0.2.1/a?user=admin&pwd=s3cret!&channel=1", "rtsp://192.0.2.1/a?channel=1", errCredentials},
		{"last in the query", "rtsp://192.0.2.1/a?channel=1&Password=s3cret!", "rtsp://192.0.2.1/a?channel=1", errCredentials},
		{"in the path", "rtsp://192.0.2.1/user=admin_password=s3cret!_channel=1_stream=0.sdp?real_stream", "rtsp://192.0.2.1/channel=1_stream=0.sdp?real_stream", errCredentials},
		{"in the path, the password with a mark", "rtsp://192.0.2.1/user=admin_password=s3_cret!_channel=1", "rtsp://192.0.2.1/channel=1", errCredentials},
		{"in the path with other marks", "rtsp://192.0.2.1/user=admin&password=s3cret!&channel=1&stream=0.sdp?", "rtsp://192.0.2.1/channel=1&stream=0.sdp?", errCredentials},
		{"a segment of its own", "rtsp://192.0.2.1/live/password=s3cret!/1", "rtsp://192.0.2.1/live/1", errCredentials},
		{"escaped", "rtsp://192.0.2.1/a?p%61ss%3Ds3cret!&b=1", "rtsp://192.0.2.1/a?b=1", errCredentials},
		{"alone", "rtsp://192.0.2.1?password=s3cret!", "rtsp://192.0.2.1", errCredentials},
		{"an @ in the path", "rtsp://admin:1/s3cret!@192.0.2.1/a", "", errStreamURL},
		{"an @ in the query", "rtsp://admin:1?s3cret!@192.0.2.1/a", "", errStreamURL},
		{"an escaped @ in the query", "rtsp://192.0.2.1/a?b%40c", "", errStreamURL},
		{"a fragment", "rtsp://admin:1#s3cret!@192.0.2.1/a", "", errStreamURL},
		{"our password in other places", "rtsp://192.0.2.1/a?key=s3cret!", "", errStreamURL},
		{"no port", "rtsp://admin:s3cret!/192.0.2.1", "", errStreamURL},
		{"another scheme", "http://192.0.2.1/a", "", errStreamURL},
		{"no host", "rtsp:///a", "", errStreamURL},
		{"nothing", "", "", errStreamURL},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := withoutCredentials(test.text, secret)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q and %v, want %q and %v", got, err, test.want, test.err)
			}
		})
	}
}

func FuzzWithoutCredentials(f *testing.F) {
	f.Add("rtsp://admin:pw@192.0.2.1/user=a_password=b_c_d=1/x?pwd=1&e=2")
	f.Add("rtsp://192.0.2.1/%2f;user=1;a?b;auth=2")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := withoutCredentials(text, "hunter2")
		if err != nil && strings.Contains(text, "rtsp://") && strings.Contains(err.Error(), "rtsp://") {
			t.Errorf("error repeats the address: %v", err)
		}
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || strings.Contains(got, "@") || strings.Contains(got, "=hunter2") || credential.MatchString(got) {
			t.Errorf("got %q: %v", got, err)
		}
		if again, err := withoutCredentials(got, "hunter2"); again != got || err != nil {
			t.Errorf("got %q, and again %q: %v", got, again, err)
		}
	})
}

func dateTime(text string) xsd.DateTime {
	var d xsd.DateTime
	_, err := fmt.Sscanf(text, "%d-%d-%d %d:%d:%d", &d.Date.Year, &d.Date.Month, &d.Date.Day, &d.Time.Hour, &d.Time.Minute, &d.Time.Second)
	if err != nil {
		panic(err)
	}
	return d
}

func TestCompare(t *testing.T) {
	sent := time.Date(2026, 3, 17, 13, 4, 5, 0, time.UTC)
	none := xsd.DateTime{}
	for _, test := range []struct {
		name       string
		utc, local xsd.DateTime
		zone       string
		took       time.Duration
		want       time.Duration
		about      time.Duration // 0: no time
	}{
		{"right", dateTime("2026-03-17 13:04:05"), none, "CST-8", 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{"a slow answer", dateTime("2026-03-17 13:04:05"), none, "CST-8", 3 * time.Second, -time.Second, 2 * time.Second},
		{"UTC before local time", dateTime("2026-03-17 14:04:05"), dateTime("2026-03-17 01:02:03"), "nonsense", 0, time.Hour + 500*time.Millisecond, 500 * time.Millisecond},
		{"local time", none, dateTime("2026-03-17 21:04:05"), "CST-8", 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{"local time, named with digits", none, dateTime("2026-03-17 21:04:05"), "<+08>-08:00:00", 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{"local summer time", none, dateTime("2026-03-17 09:04:05"), "EST5EDT,M3.2.0,M11.1.0", 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{"local time over midnight", none, dateTime("2026-03-18 03:04:05"), "NZT-14", 0, 500 * time.Millisecond, 500 * time.Millisecond},
		{"a leap second", dateTime("2026-12-31 23:59:60"), none, "", 0, time.Date(2026, 12, 31, 23, 59, 59, 5e8, time.UTC).Sub(sent), 500 * time.Millisecond},
		{"no zone", none, dateTime("2026-03-17 21:04:05"), "", 0, 0, 0},
		{"a zone that cannot be read", none, dateTime("2026-03-17 21:04:05"), "Beijing Time", 0, 0, 0},
		{"a zone with a line break", none, dateTime("2026-03-17 21:04:05"), "CST-8\nCST-9", 0, 0, 0},
		{"no such day", dateTime("2026-02-30 00:00:00"), none, "CST-8", 0, 0, 0},
		{"no such hour", dateTime("2026-02-03 24:00:00"), none, "CST-8", 0, 0, 0},
		{"no such second", dateTime("2026-02-03 23:00:61"), none, "CST-8", 0, 0, 0},
		{"too late", dateTime("9999-02-03 00:00:00"), none, "CST-8", 0, 0, 0},
		{"too early", dateTime("1900-02-03 00:00:00"), none, "CST-8", 0, 0, 0},
		{"nothing", none, none, "", 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			told := device.GetSystemDateAndTimeResponse{SystemDateAndTime: onvif.SystemDateTime{
				DateTimeType: "NTP", UTCDateTime: test.utc, LocalDateTime: test.local, TimeZone: onvif.TimeZone{TZ: xsd.Token(test.zone)},
			}}
			clock, err := compare(told, sent, test.took)
			if test.about == 0 {
				if clock != nil || !errors.Is(err, errNoTime) {
					t.Errorf("got %v and %v, want %v", clock, err, errNoTime)
				}
				return
			}
			want := &Clock{Error: test.want, Uncertainty: test.about, TimeZone: test.zone, Set: "NTP"}
			if diff := cmp.Diff(want, clock, cmpopts.IgnoreUnexported(Clock{})); diff != "" || err != nil {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

func FuzzPosixZone(f *testing.F) {
	for _, seed := range []string{"CST-8", "EST5EDT,M3.2.0,M11.1.0", "<-03>3", "IST-2IDT,M3.4.4/26,M10.5.0", "?", strings.Repeat("A", 300) + "-8"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		location := posixZone(rule)
		if location == nil {
			return
		}
		for _, at := range []int64{0, 1 << 31, 7e9} {
			if _, offset := time.Unix(at, 0).In(location).Zone(); offset < -200*3600 || offset > 200*3600 {
				t.Errorf("%q is %d seconds from UTC", rule, offset)
			}
		}
	})
}

func TestServicesStayAtTheHost(t *testing.T) {
	reached, err := url.Parse("http://192.0.2.10:8080/onvif/device_service")
	if err != nil {
		t.Fatal(err)
	}
	s := &session{device: reached}
	for _, test := range []struct{ name, xaddr, want string }{
		{"the same", "http://192.0.2.10:8080/onvif/media", "http://192.0.2.10:8080/onvif/media"},
		{"another port", "http://192.0.2.10:81/onvif/media", "http://192.0.2.10:81/onvif/media"},
		{"another host", "http://198.51.100.7/onvif/media?a", "http://192.0.2.10:8080/onvif/media?a"},
		{"no address", "nonsense", ""},
		{"none", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if u := s.ours(test.xaddr); u != nil {
				got = u.String()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
