package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"tidewatch/enforce/words"
	"tidewatch/enforce/written"
	"tidewatch/ingest"
	"tidewatch/ingest/onvif"
)

// camerasCmd groups the commands about cameras.
type camerasCmd struct {
	Discover discoverCmd `cmd:"" help:"Find ONVIF cameras, compare their clocks, and print one JSON object for each camera."`
}

// discoverCmd finds cameras in the network.
type discoverCmd struct {
	Wait        time.Duration `default:"3s" help:"How long to wait for answers to the probe (${default})."`
	Interface   []string      `placeholder:"NAME" help:"Network interface to probe on, may be repeated. Without it all that are up."`
	Address     []string      `placeholder:"HOST[:PORT]" help:"Host to ask instead of probing the network, may be repeated. The port is that of its web service."`
	Username    string        `placeholder:"NAME" help:"ONVIF account of the cameras. Without it only clocks and names are told."`
	PasswordEnv string        `placeholder:"VARIABLE" help:"Environment variable that holds the account's password."`
	YAML        bool          `name:"yaml" help:"Print the cameras as a part of a configuration, to paste."`
	Language    string        `default:"en" enum:"zh,en" help:"Language of what is wrong with them: zh or en (${default})."`

	port uint16 // of discovery where it is not the usual one: in tests
}

// Validate is called by the command line's parser.
func (c *discoverCmd) Validate() error {
	switch {
	case c.Wait <= 0 || c.Wait > time.Hour:
		return errors.New("--wait must be more than 0 and at most 1h")
	case len(c.Interface) > 0 && len(c.Address) > 0:
		return errors.New("give --interface or --address, not both")
	case (c.Username == "") != (c.PasswordEnv == ""):
		return errors.New("--username and --password-env go together")
	}
	return nil
}

// Run prints the cameras on stdout. What cannot be reached does not keep the
// others from being told.
func (c *discoverCmd) Run(ctx context.Context, log *slog.Logger) error {
	return c.discover(ctx, log, os.Stdout, os.Stderr)
}

func (c *discoverCmd) discover(ctx context.Context, log *slog.Logger, out, progress io.Writer) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cameras, missing := onvif.New(cfg, log, time.Now).Discover(ctx)
	missing = inWords(c.words(), missing)
	if err := ctx.Err(); err != nil {
		return err
	}
	write := c.writeLines
	if c.YAML {
		write = c.writeYAML
	}
	if err := write(out, cameras); err != nil {
		return errors.Join(missing, fmt.Errorf("print cameras: %w", err))
	}
	for _, camera := range cameras {
		warn(progress, c.words(), camera)
	}
	fmt.Fprintf(progress, "cameras found: %d%s\n", len(cameras), c.hint(cameras))
	return missing
}

func (c *discoverCmd) config() (onvif.Config, error) {
	cfg := onvif.DefaultConfig()
	cfg.Interfaces, cfg.Addresses, cfg.Port = c.Interface, c.Address, cmp.Or(c.port, cfg.Port)
	cfg.Wait, cfg.Username = c.Wait, c.Username
	if c.PasswordEnv == "" {
		return cfg, nil
	}
	cfg.Password = os.Getenv(c.PasswordEnv)
	if cfg.Password == "" {
		return cfg, fmt.Errorf("environment variable %s is not set: set it to the password of %s", c.PasswordEnv, c.Username)
	}
	return cfg, nil
}

// clockTolerance is beyond what a configuration lets a clock be off, unless it
// says otherwise.
const clockTolerance = 2 * time.Second

// words are the texts in the language that was asked for.
func (c *discoverCmd) words() words.Catalog {
	if c.Language == "zh" {
		return words.In(words.Chinese)
	}
	return words.In(words.English)
}

// inWords puts the causes among joined errors into words.
func inWords(text words.Catalog, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var each []error
		for _, e := range joined.Unwrap() {
			each = append(each, inWords(text, e))
		}
		return errors.Join(each...)
	}
	var fault *ingest.Fault
	if errors.As(err, &fault) {
		return errors.New(text.Cause(fault.Cause))
	}
	return err
}

// warn tells of a clock that is surely off, and where it is set.
func warn(progress io.Writer, text words.Catalog, c onvif.Camera) {
	if c.Clock == nil || c.Clock.Error.Abs()-c.Clock.Uncertainty <= clockTolerance {
		return
	}
	advice := text.Advise(ingest.ClockOff(c.Clock.Error), ingest.VendorOf(c.Manufacturer))
	fmt.Fprintf(progress, "%s: %s\n", c.Address, text.Whole(advice))
	for _, menu := range advice.Menus {
		for _, way := range menu.Ways {
			fmt.Fprintf(progress, "  %s (%s): %s\n", menu.Setting, way.Vendor, way.Path)
		}
	}
}

// hint says what to try where too little was found.
func (c *discoverCmd) hint(cameras []onvif.Camera) string {
	streams := 0
	for _, camera := range cameras {
		streams += len(camera.Streams)
	}
	switch {
	case len(cameras) == 0 && len(c.Address) > 0:
		return "; check that ONVIF is switched on in the camera, and give the port of its pages: --address HOST:PORT"
	case len(cameras) == 0:
		return "; a probe does not leave its network: name the cameras with --address HOST, wait longer with --wait 10s, and check that ONVIF is switched on in them"
	case streams == 0 && c.Username == "":
		return "; give --username and --password-env to be told their streams"
	}
	return ""
}

// cameraLine is what is printed of one camera. Seconds and ntp are null where
// the camera does not tell.
type cameraLine struct {
	Address          string        `json:"address"`
	Endpoint         string        `json:"endpoint"`
	Name             string        `json:"name"`
	Hardware         string        `json:"hardware"`
	Manufacturer     string        `json:"manufacturer"`
	Model            string        `json:"model"`
	Firmware         string        `json:"firmware"`
	ClockError       *float64      `json:"clock_error_seconds"`
	ClockUncertainty *float64      `json:"clock_uncertainty_seconds"`
	TimeZone         string        `json:"time_zone"`
	NTP              *bool         `json:"ntp"`
	Streams          []streamLine  `json:"streams"`
	Errors           []problemLine `json:"errors"`
}

type streamLine struct {
	Profile string  `json:"profile"`
	URL     string  `json:"url"`
	Codec   string  `json:"codec"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	FPS     float64 `json:"fps"`
	GOP     int     `json:"gop"`
}

type problemLine struct {
	Step  onvif.Step  `json:"step"`
	Error string      `json:"error"` // in words
	Cause ingest.Code `json:"cause"`
}

func (c *discoverCmd) writeLines(out io.Writer, cameras []onvif.Camera) error {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for _, camera := range cameras {
		if err := lines.Encode(newCameraLine(c.words(), camera)); err != nil {
			return err
		}
	}
	return nil
}

func newCameraLine(text words.Catalog, c onvif.Camera) cameraLine {
	line := cameraLine{
		Address: c.Address, Endpoint: c.Endpoint, Name: c.Name, Hardware: c.Hardware,
		Manufacturer: c.Manufacturer, Model: c.Model, Firmware: c.Firmware,
		Streams: []streamLine{}, Errors: []problemLine{},
	}
	if clock := c.Clock; clock != nil {
		line.ClockError, line.ClockUncertainty = new(hundredths(clock.Error)), new(hundredths(clock.Uncertainty))
		line.TimeZone = clock.TimeZone
		if clock.Set != "" {
			line.NTP = new(clock.Set == "NTP")
		}
	}
	for _, s := range c.Streams {
		line.Streams = append(line.Streams, streamLine(s))
	}
	for _, p := range c.Problems {
		cause := ingest.CauseOf(p.Err)
		line.Errors = append(line.Errors, problemLine{p.Step, text.Cause(cause), cause.Code})
	}
	return line
}

// hundredths are seconds: a camera tells no more than whole ones.
func hundredths(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }

// mostName is how long the name of a camera may be in a configuration.
const mostName = 200

// cameraEntry is one camera of a configuration, as cmd/tidewatch/config reads
// it.
type cameraEntry struct {
	ID          string `yaml:"id"`
	Name        string `yaml:"name,omitempty"`
	Vendor      string `yaml:"vendor,omitempty"`
	URL         string `yaml:"url"`
	SubURL      string `yaml:"sub_url,omitempty"`
	Username    string `yaml:"username,omitempty"`
	PasswordEnv string `yaml:"password_env,omitempty"`
}

// writeYAML prints what can be pasted. A camera without a usable stream is a
// comment, in which nothing that the camera told is repeated.
func (c *discoverCmd) writeYAML(out io.Writer, cameras []onvif.Camera) error {
	if len(cameras) == 0 {
		return nil // an empty list would rule out those of a configuration
	}
	if _, err := fmt.Fprintln(out, "cameras:"); err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, camera := range cameras {
		best, least, ok := choose(camera.Streams)
		if !ok {
			if _, err := fmt.Fprintf(out, "  # %s: no stream of H.264 or H.265 is known; run without --yaml to see why\n", camera.Address); err != nil {
				return err
			}
			continue
		}
		entry := cameraEntry{
			ID: cameraID(camera.Address, taken), Name: written.Shown(cmp.Or(camera.Name, camera.Model), mostName), URL: best.URL,
			Vendor:   string(ingest.VendorOf(camera.Manufacturer)),
			Username: c.Username, PasswordEnv: c.PasswordEnv,
		}
		if least.URL != best.URL {
			entry.SubURL = least.URL
		}
		text, err := yaml.Marshal([]cameraEntry{entry})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(out, indented(string(text))); err != nil {
			return err
		}
	}
	return nil
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// choose finds the streams of the most and of the fewest pixels among those
// that Tidewatch can decode. Of equal ones the first counts.
func choose(streams []onvif.Stream) (best, least onvif.Stream, ok bool) {
	for _, s := range streams {
		if s.Codec != "H264" && s.Codec != "H265" {
			continue
		}
		if !ok || s.Width*s.Height > best.Width*best.Height {
			best = s
		}
		if !ok || s.Width*s.Height < least.Width*least.Height {
			least = s
		}
		ok = true
	}
	return best, least, ok
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// cameraID makes an ID of an address, unlike those before.
func cameraID(address string, taken map[string]bool) string {
	id := "camera-" + strings.Trim(notInID.ReplaceAllString(strings.ToLower(address), "-"), "-")
	id = id[:min(len(id), 56)] // a configuration takes 63, and a number may follow
	unique := id
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", id, n)
	}
	taken[unique] = true
	return unique
}
