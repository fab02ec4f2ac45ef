package viid

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/police/simpolice"
)

const (
	cameraID = "51010000001190000007"
	systemID = "51010000005020000001"
	password = "correct-horse-battery"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files is evidence by SHA-256.
type files map[string][]byte

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (f files) Open(_ context.Context, sum string) (io.ReadSeekCloser, error) {
	data, ok := f[sum]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return file{bytes.NewReader(data)}, nil
}

// kerbCase is a case with four pictures, confirmed by an officer who corrected
// one character of the plate. It begins at 21:04:05 of 17 March in Chengdu.
func kerbCase(t *testing.T) (enforce.Case, files) {
	t.Helper()
	begin := time.Date(2026, 3, 17, 13, 4, 5, 0, time.UTC)
	evidence, stored := enforce.Evidence{Manifest: "00"}, files{}
	for i, kind := range []enforce.FileKind{enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp} {
		data, err := os.ReadFile(filepath.Join("testdata", string(kind)+".jpg"))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		at := begin.Add(time.Duration(min(i, 2)) * 150 * time.Second)
		f := enforce.File{
			Kind: kind, SHA256: hex.EncodeToString(sum[:]), MediaType: "image/jpeg", Size: int64(len(data)),
			At: at, CameraTime: at, ArrivalTime: at.Add(300 * time.Millisecond), ClockError: -300 * time.Millisecond,
		}
		evidence.Files = append(evidence.Files, f)
		stored[f.SHA256] = data
	}
	evidence.Files = append(evidence.Files, enforce.File{Kind: enforce.Clip, SHA256: "ff", MediaType: "video/mp4"})
	return enforce.Case{
		ID: "0123456789abcdef", State: enforce.StateConfirmed, Revision: 2,
		Violation: enforce.Violation{
			ID:      "0123456789abcdef",
			Camera:  enforce.CameraRef{ID: "c7", Name: "东门", DeviceID: cameraID, Place: "潮汐路东段", Direction: "由东向西"},
			Section: enforce.SectionRef{ID: "s1", Name: "潮汐路", TimeZone: "Asia/Shanghai"},
			Zone:    enforce.ZoneRef{ID: "z1"}, Code: "1039", Class: detect.Car,
			Plate:     plate.Read{Text: "川A1234S", Kind: plate.Blue, Confidence: 0.61},
			Box:       detect.Box{X: 0.25, Y: 0.5, W: 0.5, H: 0.25},
			StopStart: begin, Since: begin, Due: begin.Add(5 * time.Minute),
			Evidence: evidence,
		},
		StopEnd:   begin.Add(20 * time.Minute),
		Decision:  enforce.Decision{Plate: "川A12345"},
		DecidedBy: "officer/li", DecidedAt: begin.Add(time.Hour),
	}, stored
}

// platform is a simulator on a real port, with the log of what the client
// said.
type platform struct {
	*simpolice.Server
	url string
	log logBuffer
}

// logBuffer keeps log lines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	sim, err := simpolice.New(simpolice.Config{DeviceID: systemID, Username: "tidewatch", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return &platform{Server: sim, url: serve(t, sim)}
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// client makes a client of the platform; change may alter its configuration.
func (p *platform) client(t *testing.T, stored files, change ...func(*Config)) *Client {
	t.Helper()
	config := DefaultConfig()
	config.URL, config.DeviceID, config.Username, config.Password = p.url, systemID, "tidewatch", password
	for _, f := range change {
		f(&config)
	}
	c, err := New(config, Dependencies{
		Files: stored, Logger: slog.New(slog.NewTextHandler(&p.log, nil)), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s still not: %s", what)
		}
	}
}
