package onvif

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tidewatch/ingest"
	"tidewatch/ingest/simonvif"
)

const (
	user     = "officer"
	password = "Zebra-crossing-77"
	uuid     = "cea94000-fb96-11b3-8260-0123456789ab"
	patience = 60 * time.Second // far beyond what anything here takes
)

var discard = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gate is a camera whose every answer is right.
func gate() simonvif.Config {
	return simonvif.Config{
		Listen: "127.0.0.1:0", Discovery: "127.0.0.1:0",
		Endpoint: "urn:uuid:" + strings.ToUpper(uuid), Name: "东门 1", Hardware: "K-7",
		Manufacturer: "Kerbcam", Model: "K-7 Pro", Firmware: "V5.6", TimeZone: "CST-8",
		Username: user, Password: password,
		Window: 20 * time.Minute, // more than a loaded machine delays, less than the clocks here are off
		Profiles: []simonvif.Profile{
			{Token: "p<1>", Name: "main", Encoding: "H265", Width: 3840, Height: 2160, FPS: 25, GOP: 50, URI: "rtsp://127.0.0.1:554/main"},
			{Token: "p2", Name: "sub", Encoding: "H264", Width: 640, Height: 360, FPS: 12, GOP: 24, URI: "rtsp://127.0.0.1:554/sub?channel=1&subtype=1"},
		},
	}
}

// gateCamera is what is found of it, without clock and address.
func gateCamera() Camera {
	return Camera{
		Endpoint: uuid, Name: "东门 1", Hardware: "K-7", Manufacturer: "Kerbcam", Model: "K-7 Pro", Firmware: "V5.6",
		Streams: []Stream{
			{"main", "rtsp://127.0.0.1:554/main", "H265", 3840, 2160, 25, 50},
			{"sub", "rtsp://127.0.0.1:554/sub?channel=1&subtype=1", "H264", 640, 360, 12, 24},
		},
	}
}

// serve runs a device until the test ends.
func serve(t *testing.T, cfg simonvif.Config) *simonvif.Device {
	t.Helper()
	device := simonvif.New(cfg, discard)
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- device.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return device
}

// near is a configuration that asks a device that answers the probe: the wait
// ends with its answer.
func near(device *simonvif.Device) Config {
	cfg := DefaultConfig()
	cfg.Addresses, cfg.Port = []string{"127.0.0.1"}, device.Discovery().Port()
	cfg.Username, cfg.Password = user, password
	cfg.Wait, cfg.Timeout = patience, patience
	return cfg
}

func discover(t *testing.T, cfg Config) []Camera {
	t.Helper()
	cameras, err := New(cfg, discard, time.Now).Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cameras
}

// instead answers one question with a text.
func instead(question string, status int, text string) func(*simonvif.Config) {
	return func(cfg *simonvif.Config) {
		cfg.Instead = map[string]http.HandlerFunc{question: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}}
	}
}

func soap(body string) string {
	return `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>` + body + `</e:Body></e:Envelope>`
}

// problems are the steps and the kinds of what went wrong.
func problems(c Camera) []string {
	var all []string
	for _, p := range c.Problems {
		all = append(all, trouble(p.Step, p.Err))
	}
	return all
}

func trouble(step Step, err error) string {
	return string(step) + ": " + string(ingest.CauseOf(explain("", "", err)).Code)
}

func TestDiscover(t *testing.T) {
	unauthorized := []string{trouble(StepInformation, ingest.ErrUnauthorized), trouble(StepStreams, errSpared)}
	for _, test := range []struct {
		name     string
		device   func(*simonvif.Config)
		ask      func(*Config)
		ahead    time.Duration
		unknown  bool            // the clock
		want     func(c *Camera) // how the camera differs from the gate's
		problems []string
	}{
		{name: "all is right"},
		{name: "clock an hour ahead", device: func(c *simonvif.Config) { c.ClockOffset = time.Hour }, ahead: time.Hour},
		{name: "clock in 1970", device: func(c *simonvif.Config) { c.ClockOffset = -time.Since(time.Unix(0, 0)) }, ahead: -time.Since(time.Unix(0, 0))},
		{name: "clock set by hand", device: func(c *simonvif.Config) { c.Manual = true }},
		{name: "local time", device: func(c *simonvif.Config) { c.HideUTC = true }},
		{name: "no time zone", device: func(c *simonvif.Config) { c.TimeZone = "" }},
		{
			name: "local time without a zone", device: func(c *simonvif.Config) { c.HideUTC, c.TimeZone = true, "" },
			unknown: true, want: func(c *Camera) {}, problems: []string{trouble(StepClock, errNoTime)},
		},
		{
			name: "wrong password", ask: func(c *Config) { c.Password = "wrong" },
			want: func(c *Camera) { *c = Camera{Endpoint: c.Endpoint, Name: c.Name, Hardware: c.Hardware} }, problems: unauthorized,
		},
		{
			name: "no account", ask: func(c *Config) { c.Username, c.Password = "", "" },
			want: func(c *Camera) { *c = Camera{Endpoint: c.Endpoint, Name: c.Name, Hardware: c.Hardware} }, problems: unauthorized,
		},
		{
			name: "no media service", device: func(c *simonvif.Config) { c.NoMedia = true },
			want: func(c *Camera) { c.Streams = nil }, problems: []string{trouble(StepStreams, errNoMedia)},
		},
		{
			name: "the first media service alone", device: func(c *simonvif.Config) { c.NoMedia2 = true },
			want: func(c *Camera) { c.Streams = c.Streams[1:] }, // it does not know H.265
		},
		{
			name: "from before GetServices", device: instead("GetServices", 400, soap(`<e:Fault><e:Code><e:Subcode><e:Value>ter:ActionNotSupported</e:Value></e:Subcode></e:Code></e:Fault>`)),
			want: func(c *Camera) { c.Streams = c.Streams[1:] },
		},
		{
			name: "does not tell its make", device: instead("GetDeviceInformation", 500, soap(`<e:Fault><faultcode>e:Server</faultcode></e:Fault>`)),
			want:     func(c *Camera) { c.Manufacturer, c.Model, c.Firmware = "", "", "" },
			problems: []string{trouble(StepInformation, errFault)},
		},
		{
			name: "garbage for its make", device: instead("GetDeviceInformation", 200, "nonsense"),
			want:     func(c *Camera) { c.Manufacturer, c.Model, c.Firmware = "", "", "" },
			problems: []string{trouble(StepInformation, errProtocol)},
		},
		{
			name: "the clock is secret and the account wrong", device: instead("GetSystemDateAndTime", 401, ""), unknown: true,
			want:     func(c *Camera) { *c = Camera{Endpoint: c.Endpoint, Name: c.Name, Hardware: c.Hardware} },
			problems: []string{trouble(StepClock, ingest.ErrUnauthorized), trouble(StepInformation, errSpared), trouble(StepStreams, errSpared)},
		},
		{
			name: "the account may not see streams", device: instead("GetStreamUri", 403, ""),
			want: func(c *Camera) { c.Streams = nil }, problems: []string{trouble(StepStreams, ingest.ErrUnauthorized)},
		},
		{
			name: "no video", device: func(c *simonvif.Config) { c.Profiles = nil },
			want: func(c *Camera) { c.Streams = nil }, problems: []string{trouble(StepStreams, errNoVideo)},
		},
		{
			name: "garbage for a clock", device: instead("GetSystemDateAndTime", 200, "<html><p>Sign in"), unknown: true,
			want:     func(c *Camera) { *c = Camera{Endpoint: c.Endpoint, Name: c.Name, Hardware: c.Hardware} },
			problems: []string{trouble(StepClock, errProtocol)},
		},
		{
			name: "garbage for profiles", device: instead("GetProfiles", 200, soap("<Profiles><<")),
			want: func(c *Camera) { c.Streams = nil }, problems: []string{trouble(StepStreams, errProtocol)},
		},
		{
			name: "endless profiles", device: instead("GetProfiles", 200, soap(strings.Repeat("<Profiles token='a'></Profiles>", 100_000))),
			want: func(c *Camera) { c.Streams = nil }, problems: []string{trouble(StepStreams, errTooLong)},
		},
		{
			name: "another address told first", device: func(c *simonvif.Config) {
				c.XAddrs = []string{"https://127.0.0.1:1/onvif/device_service", "nonsense", "http://127.0.0.3:1/onvif/device_service"}
			},
		},
		{
			name: "credentials in URLs", device: func(c *simonvif.Config) {
				c.Profiles[0].URI = "rtsp://admin:" + password + "@127.0.0.1:554/main"
				c.Profiles[1].URI = "rtsp://127.0.0.1:554/user=admin&password=" + password + "&channel=1"
			},
			want:     func(c *Camera) { c.Streams[1].URL = "rtsp://127.0.0.1:554/channel=1" },
			problems: []string{trouble(StepStreams, errCredentials)},
		},
		{
			name: "a stream that is a page", device: func(c *simonvif.Config) { c.Profiles[0].URI = "http://127.0.0.1/" + password },
			want: func(c *Camera) { c.Streams = c.Streams[1:] }, problems: []string{trouble(StepStreams, errStreamURL)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			simulated := gate()
			if test.device != nil {
				test.device(&simulated)
			}
			device := serve(t, simulated)
			cfg := near(device)
			if test.ask != nil {
				test.ask(&cfg)
			}
			cameras := discover(t, cfg)
			if len(cameras) != 1 {
				t.Fatalf("got %d cameras, want 1", len(cameras))
			}
			got, clock := cameras[0], cameras[0].Clock
			if diff := cmp.Diff(test.problems, problems(got)); diff != "" {
				t.Errorf("problems -want +got:\n%s", diff)
			}
			for _, p := range got.Problems {
				if strings.Contains(p.Err.Error(), password) || !strings.Contains(p.Err.Error(), got.Address) {
					t.Errorf("problem %q: want the address, and no password", p.Err)
				}
			}
			want := gateCamera()
			if test.want != nil {
				test.want(&want)
			}
			want.Address = device.Addr()
			got.Problems, got.Clock = nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("camera -want +got:\n%s", diff)
			}
			if (clock == nil) != test.unknown {
				t.Fatalf("got clock %v, want it unknown: %t", clock, test.unknown)
			}
			if clock != nil {
				checkClock(t, *clock, simulated, test.ahead)
			}
		})
	}
}

// checkClock wants the true error within the uncertainty that is told.
func checkClock(t *testing.T, got Clock, simulated simonvif.Config, ahead time.Duration) {
	t.Helper()
	// What the wall clock is set by while the test runs is let through.
	if (got.Error-ahead).Abs() > got.Uncertainty+time.Second || got.Uncertainty < time.Second/2 || got.Uncertainty > patience {
		t.Errorf("clock error %s, want %s", got, ahead)
	}
	want := "NTP"
	if simulated.Manual {
		want = "Manual"
	}
	if got.Set != want || got.TimeZone != simulated.TimeZone {
		t.Errorf("clock set by %q in %q, want %q in %q", got.Set, got.TimeZone, want, simulated.TimeZone)
	}
}

func TestDiscoverAsksWhatDoesNotAnswerTheProbe(t *testing.T) {
	simulated := gate()
	simulated.Discovery = ""
	device := serve(t, simulated)
	cfg := DefaultConfig()
	cfg.Addresses, cfg.Port = []string{device.Addr(), device.Addr()}, closedPort(t)
	cfg.Username, cfg.Password = user, password
	cfg.Wait, cfg.Timeout = time.Millisecond, patience // nothing answers the probe
	cameras := discover(t, cfg)
	want := gateCamera()
	want.Address, want.Endpoint, want.Name, want.Hardware = device.Addr(), "", "", ""
	if len(cameras) == 1 {
		cameras[0].Clock = nil
	}
	if diff := cmp.Diff([]Camera{want}, cameras); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// closedPort is one at which no datagram is answered while the test runs.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func TestDiscoverTellsWhatItCannotReach(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	page := serve(t, func() simonvif.Config {
		simulated := gate()
		instead("GetSystemDateAndTime", 404, "not here")(&simulated)
		return simulated
	}())
	for _, test := range []struct {
		name, address string
		want          error
	}{
		{"nobody", listener.Addr().String(), errRefused},
		{"something else", page.Addr(), errNoService},
		{"no address", "http://127.0.0.1/onvif", errAddress},
		{"a misplaced password", user + ":" + password + "@127.0.0.1", errAddress},
		{"no port", "127.0.0.1:0", errAddress},
		{"no host", ":80", errAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Addresses, cfg.Port = []string{test.address}, closedPort(t)
			cfg.Wait = time.Millisecond
			cameras, err := New(cfg, discard, time.Now).Discover(t.Context())
			if len(cameras) > 0 || !errors.Is(err, test.want) || strings.Contains(err.Error(), password) {
				t.Errorf("got %d cameras and %v, want %v", len(cameras), err, test.want)
			}
		})
	}
}

// A device that hangs costs the time of one question.
func TestDiscoverLeavesWhatHangs(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, test := range []struct {
		question string
		want     []string
	}{
		{"GetSystemDateAndTime", []string{trouble(StepClock, errSilent)}},
		{"GetDeviceInformation", []string{trouble(StepInformation, errSilent), trouble(StepStreams, errGivenUp)}},
		{"GetStreamUri", []string{trouble(StepStreams, errSilent)}},
	} {
		t.Run(test.question, func(t *testing.T) {
			t.Parallel()
			simulated := gate()
			simulated.Instead = map[string]http.HandlerFunc{test.question: hang}
			device := serve(t, simulated)
			cfg := near(device)
			cfg.Timeout = 5 * time.Second // others answer in less
			cameras := discover(t, cfg)
			if len(cameras) != 1 {
				t.Fatalf("got %d cameras, want 1", len(cameras))
			}
			if diff := cmp.Diff(test.want, problems(cameras[0])); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if n := device.Asked(test.question); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestDiscoverStops(t *testing.T) {
	asked := make(chan struct{})
	simulated := gate()
	simulated.Instead = map[string]http.HandlerFunc{"GetDeviceInformation": func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}}
	ctx, cancel := context.WithCancel(t.Context())
	device := serve(t, simulated)
	go func() {
		<-asked
		cancel()
	}()
	cameras, err := New(near(device), discard, time.Now).Discover(ctx)
	if cameras != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v and %v, want %v", cameras, err, context.Canceled)
	}

	cfg := DefaultConfig() // and while it waits for answers
	cfg.Addresses, cfg.Port, cfg.Wait = []string{"127.0.0.1"}, closedPort(t), time.Hour
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := New(cfg, discard, time.Now).Discover(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// A wrong password is tried once, since devices lock accounts.
func TestDiscoverTriesAnAccountOnce(t *testing.T) {
	device := serve(t, gate())
	cfg := near(device)
	cfg.Password = "wrong"
	discover(t, cfg)
	if n := device.Asked("GetDeviceInformation") + device.Asked("GetServices") + device.Asked("GetProfiles"); n != 1 {
		t.Errorf("the account was tried %d times, want 1", n)
	}
}

// Some devices take the account by HTTP's own digest alone, for the clock too.
func TestDiscoverAnswersHTTPDigest(t *testing.T) {
	simulated := gate()
	simulated.Instead = map[string]http.HandlerFunc{"GetSystemDateAndTime": func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), `Digest username="`+user+`"`) {
			w.Header().Set("WWW-Authenticate", `Digest realm="camera", qop="auth", nonce="1", algorithm=MD5`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, soap(`<r><SystemDateAndTime><UTCDateTime><Date><Year>2026</Year><Month>1</Month><Day>2</Day></Date></UTCDateTime></SystemDateAndTime></r>`))
	}}
	device := serve(t, simulated)
	cfg := near(device)
	cameras := discover(t, cfg)
	if len(cameras) != 1 || cameras[0].Clock == nil {
		t.Errorf("got %+v, want its clock", cameras)
	}
}

// Several devices come in the order of their addresses, and those that cannot
// be reached do not keep the others from being told.
func TestDiscoverOrdersCameras(t *testing.T) {
	port := uint16(0)
	var want []string
	for _, host := range []string{"127.0.0.20", "127.0.0.3", "127.0.0.100"} {
		simulated := gate()
		simulated.Listen, simulated.Endpoint = host+":0", "urn:uuid:"+host
		simulated.Discovery = netip.AddrPortFrom(netip.MustParseAddr(host), port).String()
		device := serve(t, simulated)
		port = device.Discovery().Port()
		want = append(want, device.Addr())
	}
	cfg := DefaultConfig()
	cfg.Addresses, cfg.Port = []string{"127.0.0.100", "127.0.0.20", "127.0.0.3", "nonsense@"}, port
	cfg.Username, cfg.Password, cfg.Wait, cfg.Timeout = user, password, patience, patience
	cameras, err := New(cfg, discard, time.Now).Discover(t.Context())
	if !errors.Is(err, errAddress) {
		t.Errorf("got %v, want %v", err, errAddress)
	}
	var got []string
	for _, c := range cameras {
		got = append(got, c.Address)
	}
	if want := []string{want[1], want[0], want[2]}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProbeMessagesDiffer(t *testing.T) {
	id := regexp.MustCompile(`urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}<`)
	first, second := id.Find(probeMessage()), id.Find(probeMessage())
	if first == nil || string(first) == string(second) {
		t.Errorf("IDs %s and %s", first, second)
	}
}

// The probe goes over the loopback interface alone: the socket is bound to it.
func TestProbeByMulticast(t *testing.T) {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("no loopback interface by the name of lo")
	}
	simulated := gate()
	simulated.Discovery, simulated.Interface = "0.0.0.0:0", "lo"
	device := simonvif.New(simulated, discard)
	if err := device.Start(); err != nil {
		t.Skipf("the loopback interface does no multicast here: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- device.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	cfg := DefaultConfig()
	cfg.Port, cfg.Wait = device.Discovery().Port(), patience
	var answers gathering
	err = New(cfg, discard, time.Now).probeInterface(t.Context(), *loopback, answers.add)
	if err != nil {
		t.Fatal(err)
	}
	devices := answers.devices()
	if len(devices) != 1 || devices[0].endpoint != uuid {
		t.Errorf("got %+v, want the camera", devices)
	}
}

func TestInterfacesAreNamedOrUsable(t *testing.T) {
	f := New(Config{Interfaces: []string{"lo", "no-such", "lo"}}, discard, time.Now)
	chosen, err := f.interfaces()
	if err == nil || !strings.Contains(err.Error(), "no-such") || len(chosen) != 1 || chosen[0].Name != "lo" {
		t.Errorf("got %v and %v, want lo and that there is no other", chosen, err)
	}
	chosen, err = New(Config{}, discard, time.Now).interfaces()
	if len(chosen) == 0 && err == nil {
		t.Error("neither interfaces nor an error")
	}
	for _, i := range chosen {
		if i.Flags&net.FlagLoopback != 0 || i.Flags&net.FlagMulticast == 0 {
			t.Errorf("%s was chosen: %s", i.Name, i.Flags)
		}
	}
}
