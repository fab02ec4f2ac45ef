package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidewatch/cmd/tidewatch/assets"
)

const (
	cameraPassword = "kerb-side-42"
	policePassword = "point-duty-17"
	deviceID       = "51010000005020000001"
)

// street is the world around one Tidewatch: a camera, a police platform, a
// data folder and a configuration.
type street struct {
	t       *testing.T
	Data    string
	Camera  string // its URL
	Police  string // its URL
	Listen  string
	From    string // tidal window
	Until   string
	Assets  string
	Replace [2]string // a last change of the configuration's text
}

// newStreet sets up everything but Tidewatch itself. The tidal window is
// closed now.
func newStreet(t *testing.T) *street {
	t.Helper()
	dir := defaultAssets(t)
	film, err := assets.Dir(dir).Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	s := &street{t: t, Data: t.TempDir(), Listen: "127.0.0.1:0", Assets: dir}
	s.window(4*time.Hour, 12*time.Hour)
	camera := start(t, []string{"CAMERASIM_PASSWORD=" + cameraPassword},
		"camerasim", "--listen=127.0.0.1:0", "--cache-dir="+filepath.Join(dir, "prepared"), "street="+film)
	s.Camera = camera.says(`(rtsp://\S+)`)
	police := start(t, []string{"POLICESIM_PASSWORD=" + policePassword}, "policesim", "--listen=127.0.0.1:0", "--device-id="+deviceID)
	s.Police = strings.TrimRight(police.says(`(http://\S+)`), "/")
	return s
}

// defaultAssets is what set-up brought.
func defaultAssets(t *testing.T) string {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	return string(dir)
}

// window opens the tidal window at a time from now, for some time.
func (s *street) window(from, long time.Duration) {
	clock := time.Now().UTC().Add(from)
	s.From, s.Until = clock.Format("15:04"), clock.Add(long).Format("15:04")
}

var configuration = template.Must(template.New("").Parse(`
data: {{.Data}}
listen: {{.Listen}}
listen_ops: 127.0.0.1:0
assets: {{.Assets}}
cameras:
  - id: street
    device_id: "51010000001190000001"
    place: 建设路
    direction: 由南向北
    url: {{.Camera}}
    username: tidewatch
    password_env: CAMERA_PASSWORD
sections:
  - id: road
    name: 建设路
    time_zone: UTC
    observation_period: 4s
    windows:
      - {announcement: 2026-12, from: "{{.From}}", until: "{{.Until}}"}
zones:
  - id: double-yellow
    camera: street
    section: road
    polygon: [[0.80, 0.04], [1.00, 0.04], [1.00, 0.22], [0.80, 0.22]]
police:
  url: {{.Police}}
  device_id: "51010000005020000001"
  username: tidewatch
  password_env: POLICE_PASSWORD
`))

// configure writes the configuration and returns its path.
func (s *street) configure() string {
	s.t.Helper()
	var text strings.Builder
	if err := configuration.Execute(&text, s); err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.t.TempDir(), "tidewatch.yaml")
	changed := strings.Replace(text.String(), s.Replace[0], s.Replace[1], 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// secrets is the environment that the configuration speaks of.
func secrets() []string {
	return []string{"CAMERA_PASSWORD=" + cameraPassword, "POLICE_PASSWORD=" + policePassword}
}

// tidewatch is the program under test, running.
type tidewatch struct {
	*process
	street *street
	url    string // of the officers' pages
	ops    string // of metrics and probes
}

// run starts Tidewatch and waits until it is ready.
func (s *street) run() *tidewatch {
	s.t.Helper()
	p := start(s.t, secrets(), "tidewatch", "run", "--config="+s.configure())
	w := s.begun(p)
	eventually(s.t, "readiness", func() bool { return w.status("/readyz") == http.StatusOK })
	return w
}

// begun is a Tidewatch that has said where it can be reached.
func (s *street) begun(p *process) *tidewatch {
	s.t.Helper()
	return &tidewatch{
		process: p, street: s,
		url: p.says(`review page: (http://[^/\s]+)`), ops: p.says(`ops: +(http://[^/\s]+)`),
	}
}

// get asks for metrics, a probe or the cameras.
func (w *tidewatch) get(path string) *http.Response {
	w.t.Helper()
	response, err := http.Get(w.ops + path)
	if err != nil {
		w.t.Fatalf("%v; tidewatch said:\n%s", err, w.out.String())
	}
	return response
}

func (w *tidewatch) status(path string) int {
	w.t.Helper()
	response := w.get(path)
	defer response.Body.Close()
	return response.StatusCode
}

// metric is the sum of a metric's samples whose labels contain a text.
func (w *tidewatch) metric(name, labels string) float64 {
	w.t.Helper()
	response := w.get("/metrics")
	defer response.Body.Close()
	return sample(response.Body, name, labels)
}

// sql asks the embedded database and scans the only row of the answer.
func (w *tidewatch) sql(into []any, query string, args ...any) {
	w.t.Helper()
	rows := w.rows(query, args...)
	if len(rows) != 1 || len(rows[0]) != len(into) {
		w.t.Fatalf("%s: %d rows", query, len(rows))
	}
	for i, value := range rows[0] {
		text, err := json.Marshal(value)
		if err == nil {
			err = json.Unmarshal(text, into[i])
		}
		if err != nil {
			w.t.Fatalf("%s: column %d: %v", query, i, err)
		}
	}
}

// count is the single number that a query gives.
func (w *tidewatch) count(query string, args ...any) (n int) {
	w.t.Helper()
	w.sql([]any{&n}, query, args...)
	return n
}

// rows asks the embedded database, as an analyst would with the address that
// lies beside its data.
func (w *tidewatch) rows(query string, args ...any) [][]any {
	w.t.Helper()
	dsn, err := os.ReadFile(filepath.Join(w.street.Data, "clickhouse", "dsn"))
	if err != nil {
		w.t.Fatal(err)
	}
	options, err := clickhouse.ParseDSN(strings.TrimSpace(string(dsn)))
	if err != nil {
		w.t.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	found, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var rows [][]any
	for found.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			w.t.Fatalf("%s: %v", query, err)
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// uploaded is what the police platform lists.
type uploaded struct {
	ID       string
	Plate    string
	Received int
	Pictures []struct{ SHA256 string }
}

func (s *street) uploaded() []uploaded {
	s.t.Helper()
	response, err := http.Get(s.Police + "/api/vehicles")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var list []uploaded
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(fmt.Sprintf("metric value %q", s))
	}
	return f
}
