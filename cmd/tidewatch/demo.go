package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/police/simpolice"
	"tidewatch/ingest/simcam"
)

//go:embed demo.yaml
var demoYAML string

// The simulators' accounts; the passwords are made anew for each demo.
const (
	demoUser       = "tidewatch"
	demoCameraEnv  = "TIDEWATCH_DEMO_CAMERA"
	demoPoliceEnv  = "TIDEWATCH_DEMO_POLICE"
	demoCameraPath = "street"
)

// demoCmd shows the whole of Tidewatch on one machine.
type demoCmd struct {
	Listen      string        `default:"127.0.0.1:8420" help:"Host and port of the review page (${default})."`
	Police      string        `default:"127.0.0.1:8460" help:"Host and port of the simulated police platform (${default})."`
	Observation time.Duration `default:"15s" help:"How long a vehicle may stand before it is suspected (${default})."`
	Data        string        `placeholder:"DIR" help:"Keep the demo's data in this folder instead of one that is removed at the end."`
}

// Run plays the street as a camera, watches it, and stops on interrupt.
func (c *demoCmd) Run(ctx context.Context, log *slog.Logger) error {
	data, cleanUp, err := c.folder()
	if err != nil {
		return err
	}
	defer cleanUp()
	cameras, err := c.camera(ctx, log)
	if err != nil {
		return err
	}
	police, address, err := c.police()
	if err != nil {
		return err
	}
	cfg, err := c.config(data, cameras.URL(demoCameraPath), "http://"+address)
	if err != nil {
		return err
	}
	logLevel.Set(cfg.LogLevel)

	// The simulators outlive Tidewatch, so that it can take its leave of them.
	outer, end := context.WithCancel(context.WithoutCancel(ctx))
	simulators, outer := errgroup.WithContext(outer)
	simulators.Go(func() error { return cameras.Run(outer) })
	simulators.Go(func() error { return serveUntil(outer, police) })
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(outer, stop) // a simulator that fails ends the demo

	progress("opening the case log and the database")
	err = runUntilDone(ctx, cfg, log, func(a *app.App) {
		fmt.Printf("police page: http://%s/\n", address)
		progress("watching the street; the first case appears after about %s; stop with Ctrl-C", c.Observation)
		go announce(ctx, a)
	})
	progress("stopping")
	end()
	err = errors.Join(err, simulators.Wait())
	progress("stopped")
	return err
}

// progress says on stderr what the demo does.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "demo: "+format+"\n", args...)
}

// folder is where the demo keeps its data, and what to do with it at the end.
func (c *demoCmd) folder() (dir string, cleanUp func(), err error) {
	if c.Data != "" {
		return c.Data, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "tidewatch-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

// camera starts the street as a camera.
func (c *demoCmd) camera(ctx context.Context, log *slog.Logger) (*simcam.Server, error) {
	dir, err := assets.Default()
	if err != nil {
		return nil, err
	}
	film, err := dir.Footage("vtest.avi")
	if err != nil {
		return nil, err
	}
	progress("preparing the film as a camera's stream (once, some seconds)")
	video, err := simcam.Prepare(ctx, film, filepath.Join(string(dir), "prepared"))
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	if err := os.Setenv(demoCameraEnv, password); err != nil {
		return nil, err
	}
	server := simcam.New(simcam.Config{
		Listen: "127.0.0.1:0", Username: demoUser, Password: password,
		Cameras: []simcam.Camera{{Path: demoCameraPath, Video: video}},
	}, log)
	return server, server.Start()
}

// police starts the simulated platform.
func (c *demoCmd) police() (*http.Server, string, error) {
	password := rand.Text()
	if err := os.Setenv(demoPoliceEnv, password); err != nil {
		return nil, "", err
	}
	platform, err := simpolice.New(simpolice.Config{DeviceID: "51010800005020000001", Username: demoUser, Password: password})
	if err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", c.Police)
	if err != nil {
		return nil, "", fmt.Errorf("open the simulated police platform: %w; choose another port with --police", err)
	}
	server := &http.Server{Handler: platform, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // ends with Shutdown, and reports there
	return server, listener.Addr().String(), nil
}

// serveUntil keeps a server up until ctx is done.
func serveUntil(ctx context.Context, server *http.Server) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

// config writes the demo's configuration beside its data and loads it.
func (c *demoCmd) config(data, cameraURL, policeURL string) (*config.Config, error) {
	// A window that is closed now, whatever the time is.
	hour := time.Now().In(time.FixedZone("", 8*3600)).Hour()
	var text strings.Builder
	err := template.Must(template.New("demo.yaml").Parse(demoYAML)).Execute(&text, map[string]any{
		"Data": filepath.Join(data, "data"), "Listen": c.Listen, "Observation": c.Observation,
		"CameraURL": cameraURL, "CameraUser": demoUser, "PoliceURL": policeURL,
		"From": fmt.Sprintf("%02d:00", (hour+4)%24), "Until": fmt.Sprintf("%02d:00", (hour+12)%24),
	})
	if err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	path := filepath.Join(data, "tidewatch.yaml")
	if err := os.MkdirAll(data, 0o750); err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return config.Load(path)
}

// announce prints the address of the first case once the page shows it.
func announce(ctx context.Context, a *app.App) {
	for ctx.Err() == nil {
		if id, err := a.FirstCase(ctx); err == nil && id != "" {
			fmt.Printf("first case:  http://%s/cases/%s\n", a.Address(), id)
			return
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}
