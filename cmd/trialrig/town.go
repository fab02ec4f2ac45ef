// Package trialrig sets up the whole of Tidewatch to be tried by a program:
// simulated cameras and a police platform, the built program with its embedded
// broker and database, and an officer who signs in and decides. What it made is
// gone once it is closed.
package trialrig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"

	"tidewatch/cmd/tidewatch/assets"
)

// The passwords of the cameras and of the police platform, which nobody but
// the system shall learn.
const (
	CameraPassword = "kerb-side-42-only-the-system-knows"
	PolicePassword = "point-duty-17-only-the-system-knows"
)

// Options says what is set up.
type Options struct {
	Programs string // folder of the built programs
	Dir      string // everything is made in it; it must exist
	Owner    uint32 // the user that the system runs as
	Cameras  int    // two vehicles stand before each for ever
}

// Town is a system with the world around it.
type Town struct {
	Options
	Data, Config string
	Assets       string
	PoliceURL    string
	CameraURL    string

	processes []*Process
}

// New starts the world around a system, and writes its configuration.
func New(ctx context.Context, o Options) (_ *Town, err error) {
	t := &Town{Options: o, Data: filepath.Join(o.Dir, "data"), Config: filepath.Join(o.Dir, "tidewatch.yaml")}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	source, err := assets.Default()
	if err != nil {
		return nil, err
	}
	if err := t.moveIn(string(source)); err != nil {
		return nil, err
	}
	if err := t.around(ctx, source); err != nil {
		return nil, err
	}
	return t, t.configure()
}

// moveIn puts programs and assets where the system's user reaches them.
func (t *Town) moveIn(source string) error {
	t.Assets = filepath.Join(t.Dir, "assets")
	return errors.Join(
		os.Chmod(t.Dir, 0o755), //nolint:gosec // others of the machine try to get in
		share(source, t.Assets),
		share(t.Programs, filepath.Join(t.Dir, "bin")),
		os.MkdirAll(t.Data, 0o700),
		os.Chown(t.Data, int(t.Owner), int(t.Owner)),
	)
}

// share makes a tree of files readable elsewhere, by links where it can.
func share(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		name, _ := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755) //nolint:gosec // another user runs what is in it
		case os.Link(path, filepath.Join(to, name)) == nil:
			return nil
		}
		return duplicate(path, filepath.Join(to, name))
	})
}

// around starts cameras and the police platform.
func (t *Town) around(ctx context.Context, source assets.Dir) error {
	film, err := source.Footage("vtest.avi")
	if err != nil {
		return err
	}
	args := []string{"--listen=127.0.0.1:0", "--cache-dir=" + filepath.Join(string(source), "prepared")}
	for i := range t.Cameras {
		args = append(args, fmt.Sprintf("%s=%s", cameraName(i), film))
	}
	cameras, err := t.start(0, []string{"CAMERASIM_PASSWORD=" + CameraPassword}, "camerasim", args...)
	if err != nil {
		return err
	}
	url, err := cameras.says(ctx, `(rtsp://\S+)`)
	if err != nil {
		return err
	}
	t.CameraURL = strings.TrimSuffix(url, cameraName(0))
	police, err := t.start(0, []string{"POLICESIM_PASSWORD=" + PolicePassword}, "policesim", "--listen=127.0.0.1:0", "--device-id="+deviceID)
	if err != nil {
		return err
	}
	t.PoliceURL, err = police.says(ctx, `(http://\S+)`)
	t.PoliceURL = strings.TrimRight(t.PoliceURL, "/")
	return err
}

const deviceID = "51010000005020000001"

func cameraName(i int) string { return fmt.Sprintf("street%02d", i) }

// start runs a program that ends with the town.
func (t *Town) start(user uint32, env []string, name string, args ...string) (*Process, error) {
	p, err := start(user, env, filepath.Join(t.Dir, "bin", name), args...)
	if err == nil {
		t.processes = append(t.processes, p)
	}
	return p, err
}

var configuration = template.Must(template.New("").Parse(`
data: {{.Data}}
listen: 127.0.0.1:0
listen_ops: 127.0.0.1:0
assets: {{.Assets}}
secure_cookies: true
cameras:
{{- range $number, $name := .Names}}
  - id: {{.}}
    device_id: "{{printf "51010000001190%06d" $number}}"
    place: 建设路
    url: {{$.CameraURL}}{{.}}
    username: tidewatch
    password_env: CAMERA_PASSWORD
{{- end}}
sections:
  - id: road
    name: 建设路
    time_zone: UTC
    observation_period: 4s
    windows:
      - {announcement: 2026-12, from: "{{.From}}", until: "{{.Until}}"}
zones:
{{- range .Names}}
  - id: double-yellow-{{.}}
    camera: {{.}}
    section: road
    polygon: [[0.80, 0.04], [1.00, 0.04], [1.00, 0.22], [0.80, 0.22]]
{{- end}}
police:
  url: {{.PoliceURL}}
  device_id: "51010000005020000001"
  username: tidewatch
  password_env: POLICE_PASSWORD
`))

// configure writes the configuration of the system.
func (t *Town) configure() error {
	text, err := t.configuration(t.Data)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(t.Config, []byte(text), 0o600),
		os.Chown(t.Config, int(t.Owner), int(t.Owner)),
	)
}

// ConfigFor writes a configuration for a copy of the data folder.
func (t *Town) ConfigFor(data string) (path string, err error) {
	text, err := t.configuration(data)
	if err != nil {
		return "", err
	}
	path = data + ".yaml"
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// configuration has a tidal window that is closed now.
func (t *Town) configuration(data string) (string, error) {
	var names []string
	for i := range t.Cameras {
		names = append(names, cameraName(i))
	}
	var text strings.Builder
	opens := time.Now().UTC().Add(4 * time.Hour)
	err := configuration.Execute(&text, map[string]any{
		"Data": data, "Assets": t.Assets, "CameraURL": t.CameraURL, "PoliceURL": t.PoliceURL, "Names": names,
		"From": opens.Format("15:04"), "Until": opens.Add(8 * time.Hour).Format("15:04"),
	})
	return text.String(), err
}

// System is a Tidewatch that runs.
type System struct {
	*Process
	Pages string // URL of the officers' pages
	Ops   string // URL of probes and metrics
}

// Secrets is the environment that the configuration speaks of.
func Secrets() []string {
	return []string{"CAMERA_PASSWORD=" + CameraPassword, "POLICE_PASSWORD=" + PolicePassword}
}

// Run starts the system and waits until it is ready.
func (t *Town) Run(ctx context.Context) (*System, error) {
	p, err := t.start(t.Owner, Secrets(), "tidewatch", "run", "--config="+t.Config)
	if err != nil {
		return nil, err
	}
	s := &System{Process: p}
	if s.Pages, err = p.says(ctx, `review page: (https?://\S+?)/?\s`); err != nil {
		return nil, err
	}
	if s.Ops, err = p.says(ctx, `ops:\s+(http://[^/\s]+)`); err != nil {
		return nil, err
	}
	if err := Until(ctx, "readiness", func() bool { return s.Ready() == nil || p.Ended() }); err != nil {
		return nil, fmt.Errorf("%w: %w; it said:\n%s", err, s.Ready(), tail(p.Output()))
	}
	return s, nil
}

// Ready says why the system is not ready; nil if it is.
func (s *System) Ready() error { return Ready(s.Ops) }

// Ready asks a system's probes whether it is ready.
func Ready(ops string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(ops + "/readyz") //nolint:noctx // it has a timeout
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("readiness: %s", response.Status)
	}
	return nil
}

// FirstPassword is that of the officer's account, which the first start prints.
func (s *System) FirstPassword(ctx context.Context) (string, error) {
	return s.says(ctx, `password:\s+(\S+)`)
}

// Command runs another command of the system to its end, as the owner, and
// returns what it said.
func (t *Town) Command(ctx context.Context, args ...string) (string, error) {
	p, err := t.start(t.Owner, Secrets(), "tidewatch", args...)
	if err != nil {
		return "", err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.Stop(syscall.SIGKILL)
	}
	return p.Output(), p.err
}

// Close ends everything that was started, the newest first.
func (t *Town) Close() {
	for len(t.processes) > 0 {
		last := len(t.processes) - 1
		t.processes[last].Stop(syscall.SIGTERM)
		t.processes = t.processes[:last]
	}
}

// OpenToOthers makes a file of the data folder readable by others, until
// restore is called.
func (t *Town) OpenToOthers(name string) (restore func(), err error) {
	path := filepath.Join(t.Data, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return func() { _ = os.Chmod(path, info.Mode().Perm()) }, os.Chmod(path, 0o644) //nolint:gosec // that is what is tried
}
