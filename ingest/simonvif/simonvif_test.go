package simonvif

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var discard = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run serves a device until the test ends. Its clock is an hour ahead.
func run(t *testing.T) *Device {
	t.Helper()
	device := New(Config{
		Listen: "127.0.0.1:0", Discovery: "127.0.0.1:0", Username: "camera", Password: "pw",
		ClockOffset: time.Hour, Window: 20 * time.Minute,
	}, discard)
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
		http.DefaultClient.CloseIdleConnections()
	})
	return device
}

// tokenOf writes a UsernameToken.
func tokenOf(username, password, nonce, kind string, at time.Time) string {
	created := at.UTC().Format(time.RFC3339Nano)
	sum := sha1.Sum([]byte(nonce + created + password))
	return `<Security><UsernameToken><Username>` + username + `</Username><Password Type="http://x#` + kind + `">` +
		base64.StdEncoding.EncodeToString(sum[:]) + `</Password><Nonce>` + base64.StdEncoding.EncodeToString([]byte(nonce)) + `</Nonce>` +
		`<Created xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">` + created + `</Created></UsernameToken></Security>`
}

// ask asks the device service and returns the status and what was told.
func ask(t *testing.T, d *Device, path, header, question string) (int, string) {
	t.Helper()
	text := `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header>` + header + `</e:Header><e:Body>` + question + `</e:Body></e:Envelope>`
	response, err := http.Post("http://"+d.Addr()+path, "application/soap+xml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	told, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(told)
}

const information = `<GetDeviceInformation xmlns="http://www.onvif.org/ver10/device/wsdl"/>`

func TestDeviceChecksTokens(t *testing.T) {
	device := run(t)
	now := time.Now().Add(time.Hour) // by its clock
	for _, test := range []struct {
		name, token string
		good        bool
	}{
		{"good", tokenOf("camera", "pw", "a", "PasswordDigest", now), true},
		{"the same again", tokenOf("camera", "pw", "a", "PasswordDigest", now), false},
		{"another nonce", tokenOf("camera", "pw", "b", "PasswordDigest", now), true},
		{"no nonce", tokenOf("camera", "pw", "", "PasswordDigest", now), false},
		{"none", "", false},
		{"wrong password", tokenOf("camera", "other", "c", "PasswordDigest", now), false},
		{"wrong user", tokenOf("other", "pw", "d", "PasswordDigest", now), false},
		{"no digest", tokenOf("camera", "pw", "e", "PasswordText", now), false},
		{"too old", tokenOf("camera", "pw", "f", "PasswordDigest", now.Add(-time.Hour)), false},
		{"too new", tokenOf("camera", "pw", "g", "PasswordDigest", now.Add(time.Hour)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, told := ask(t, device, "/onvif/device_service", test.token, information)
			good := status == http.StatusOK && strings.Contains(told, "GetDeviceInformationResponse")
			refused := status == http.StatusBadRequest && strings.Contains(told, "ter:NotAuthorized")
			if good != test.good || refused == test.good {
				t.Errorf("status %d: %s", status, told)
			}
		})
	}
	if n := device.Asked("GetDeviceInformation"); n != 10 {
		t.Errorf("asked %d times, want 10", n)
	}
}

func TestDeviceAnswersWhatItKnows(t *testing.T) {
	device := run(t)
	for _, test := range []struct {
		name, path, question string
		status               int
		want                 string
	}{
		{"its clock, to everybody", "/onvif/device_service", `<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/>`, 200, fmt.Sprintf("<tt:Year>%d<", time.Now().Add(time.Hour).UTC().Year())},
		{"its services, to everybody", "/onvif/device_service", `<GetServices xmlns="http://www.onvif.org/ver10/device/wsdl"/>`, 200, "http://" + device.Addr() + "/onvif/media2_service"},
		{"a question of another service", "/onvif/media_service", information, 400, "ter:WellFormed"},
		{"no question", "/onvif/device_service", "", 400, "ter:WellFormed"},
		{"no XML", "/onvif/device_service", "<", 400, "ter:WellFormed"},
		{"another page", "/", information, 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, told := ask(t, device, test.path, "", test.question)
			if status != test.status || !strings.Contains(told, test.want) {
				t.Errorf("status %d, want %d; %s, want %q in it", status, test.status, told, test.want)
			}
		})
	}
	header := tokenOf("camera", "pw", "a", "PasswordDigest", time.Now().Add(time.Hour))
	if _, told := ask(t, device, "/onvif/device_service", header, `<Reboot xmlns="http://www.onvif.org/ver10/device/wsdl"/>`); !strings.Contains(told, "ter:ActionNotSupported") {
		t.Errorf("got %s, want that it does not know the question", told)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no password", Config{Username: "camera"}, "password"},
		{"no such address", Config{Username: "camera", Password: "pw", Listen: "256.0.0.1:0"}, "256.0.0.1"},
		{"no address for probes", Config{Username: "camera", Password: "pw", Listen: "127.0.0.1:0", Discovery: "nonsense"}, "nonsense"},
		{"no such interface", Config{Username: "camera", Password: "pw", Listen: "127.0.0.1:0", Discovery: "0.0.0.0:0", Interface: "no-such"}, "no such network interface"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := New(test.cfg, discard).Start()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}
