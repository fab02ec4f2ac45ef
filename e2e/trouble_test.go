package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidewatch/ingest"
)

// TestStartRefused starts Tidewatch where it cannot work, and reads what it
// says.
func TestStartRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	notAFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spoil func(*street)
		says  string
	}{
		"missing model file": {
			func(s *street) { s.Assets = withoutModel(t, s.Assets) },
			`missing file .*yolox_nano.onnx: run script/setup`,
		},
		"port in use": {
			func(s *street) { s.Listen = taken.Addr().String() },
			`open the review pages: .*address already in use; choose another address \(listen\)`,
		},
		"port of the probes in use": {
			func(s *street) {
				s.Replace = [2]string{"listen_ops: 127.0.0.1:0", "listen_ops: " + taken.Addr().String()}
			},
			`open metrics and probes: .*address already in use; choose another address \(listen_ops\)`,
		},
		"unwritable data folder": {
			func(s *street) { s.Data = filepath.Join(notAFolder, "data") },
			`open the data folder: .*not a directory; make it writable or choose another with data`,
		},
		"broken configuration": {
			func(s *street) { s.Replace = [2]string{"observation_period: 4s", "observation_period: soon"} },
			`tidewatch.yaml:\d+: sections\[0\].observation_period: "soon": want a duration such as 90s or 5m`,
		},
		"unknown field": {
			func(s *street) { s.Replace = [2]string{"place:", "site:"} },
			`tidewatch.yaml:\d+: cameras\[0\].site: unknown field`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &street{
				t: t, Data: t.TempDir(), Listen: "127.0.0.1:0", Assets: defaultAssets(t),
				Camera: "rtsp://127.0.0.1:1/street", Police: "http://127.0.0.1:1", From: "01:00", Until: "02:00",
			}
			test.spoil(s)
			p := start(t, secrets(), "tidewatch", "run", "--config="+s.configure())
			p.says(test.says)
			eventually(t, "the end", p.ended)
			if p.err == nil {
				t.Error("ended as if all were well")
			}
			if _, err := os.Stat(filepath.Join(s.Data, "officers.json")); err == nil && !strings.Contains(p.out.String(), "password:") {
				t.Error("an account was made whose password nobody was shown")
			}
			if strings.Contains(p.out.String(), "goroutine ") {
				t.Errorf("crashed:\n%s", p.out.String())
			}
		})
	}
}

// withoutModel is a copy of the assets that lacks the vehicle network.
func withoutModel(t *testing.T, assets string) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"lib", "fonts"} {
		if err := os.Symlink(filepath.Join(assets, folder), filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestWrongCameraPassword stays up, says what is wrong and never says the
// password.
func TestWrongCameraPassword(t *testing.T) {
	s := newStreet(t)
	p := start(t, append(secrets(), "CAMERA_PASSWORD=not-the-password"), "tidewatch", "run", "--config="+s.configure())
	w := s.begun(p)
	p.says(`camera trouble.*camera=street.*cause=unauthorized.*password`)
	var answer struct {
		Cameras map[string]struct {
			State ingest.State
			Cause ingest.Code
			Why   string
		}
	}
	eventually(t, "the camera's health", func() bool {
		response := w.get("/readyz")
		defer response.Body.Close()
		return json.NewDecoder(response.Body).Decode(&answer) == nil && answer.Cameras["street"].State == ingest.Offline
	})
	if of := answer.Cameras["street"]; of.Cause != ingest.Unauthorized || !strings.Contains(of.Why, "password") {
		t.Errorf("got %+v", of)
	}
	if strings.Contains(p.out.String(), "not-the-password") {
		t.Error("the password is in the log")
	}
}

// TestOneAtATime starts a second Tidewatch on the same data.
func TestOneAtATime(t *testing.T) {
	s := newStreet(t)
	s.run()
	second := start(t, secrets(), "tidewatch", "run", "--config="+s.configure())
	second.says(`open the data folder: .* is in use by another tidewatch`)
}

// TestKilledStartLosesNoPassword kills the first start the moment its account is
// there: its password must have been shown.
func TestKilledStartLosesNoPassword(t *testing.T) {
	s := &street{
		t: t, Data: t.TempDir(), Listen: "127.0.0.1:0", Assets: defaultAssets(t),
		Camera: "rtsp://127.0.0.1:1/street", Police: "http://127.0.0.1:1", From: "01:00", Until: "02:00",
	}
	p := start(t, secrets(), "tidewatch", "run", "--config="+s.configure())
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(s.Data, "officers.json")); err == nil {
			break
		}
		if p.ended() || time.Now().After(deadline) {
			t.Fatalf("no account was made:\n%s", p.out.String())
		}
	}
	p.stop(syscall.SIGKILL)
	if !strings.Contains(p.out.String(), "password: ") {
		t.Errorf("there is an account whose password nobody was shown:\n%s", p.out.String())
	}
}
