package config

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/police/viid"
	"tidewatch/enforce/publish"
	"tidewatch/ingest"
)

var (
	idForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	deviceForm = regexp.MustCompile(`^[0-9]{20}$`)
)

// resolver turns the file into the configuration and collects mistakes.
type resolver struct {
	name     string
	tree     *ast.File
	lookup   func(string) (string, bool)
	mistakes []error
}

// wrong notes a mistake at a path; an empty one stands for the whole file.
func (r *resolver) wrong(path, format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if path != "" {
		said = path + ": " + said
	}
	if n := line(r.tree, path); n > 0 {
		said = fmt.Sprintf("%d: %s", n, said)
	} else {
		said = " " + said
	}
	r.mistakes = append(r.mistakes, fmt.Errorf("%s:%s", r.name, said))
}

func (r *resolver) config(f *file) *Config {
	f.fill()
	c := &Config{
		Data: f.Data, Listen: r.listen(f.Listen), SecureCookies: f.Secure, LogLevel: r.level(f.LogLevel),
		RingKeep: r.duration("ring.keep", f.Ring.Keep, 0, time.Second),
		Assets:   assets.Dir(f.Assets),
		Detector: r.detector(f.Detector),
		Policies: enforce.Policies{}, Geometries: map[string]publish.Geometry{},
		Kafka: r.kafka(f.Kafka),
	}
	c.Clip = r.clip(f.Clip, c.RingKeep)
	if f.Data == "" {
		r.wrong("data", "must name a folder")
	}
	cameras := r.cameras(c, f)
	c.Calendar = r.calendar(f.Holidays)
	r.sections(c, f)
	r.cameraSections(c)
	r.zones(c, f, cameras)
	r.bays(c, f, cameras)
	r.exemptions(c, f.Exemptions)
	c.markZones()
	r.clickhouse(c, f.ClickHouse)
	r.police(c, f.Police)
	c.Evidence, c.Retention = r.evidence(f.Evidence), r.retention(f.Retention)
	c.written = *f
	return c
}

const (
	// longestAfter bounds how long a case, and the looks of its camera, wait for
	// the end of a clip.
	longestAfter = 10 * time.Second
	// clipReserve is how much more than a clip is kept: a look at a picture may
	// be late by as much. The group of pictures before a clip is kept anyway.
	clipReserve = 2 * time.Second
)

// clip reads how much a clip holds, all of which must be kept at its end.
func (r *resolver) clip(y clipYAML, keep time.Duration) Clip {
	mistakes := len(r.mistakes)
	c := Clip{
		Before: r.duration("clip.before", y.Before, 0, time.Second),
		After:  r.duration("clip.after", y.After, 0, 0),
	}
	if c.After > longestAfter {
		r.wrong("clip.after", "%s: must be at most %s: the case waits for it", y.After, longestAfter)
	}
	if need := c.Before + c.After + clipReserve; len(r.mistakes) == mistakes && keep > 0 && keep < need {
		r.wrong("ring.keep", "%s: must be at least %s for clips of %s before and %s after", keep, need, c.Before, c.After)
	}
	return c
}

func (r *resolver) listen(s string) string {
	if _, _, err := net.SplitHostPort(s); err != nil {
		r.wrong("listen", "%q: want HOST:PORT, such as 127.0.0.1:8420", s)
	}
	return s
}

func (r *resolver) level(s string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s)); err != nil {
		r.wrong("log_level", "%q: want debug, info, warn or error", s)
	}
	return level
}

// duration reads a duration that is at least least; empty means otherwise.
func (r *resolver) duration(path, s string, otherwise, least time.Duration) time.Duration {
	if s == "" {
		return otherwise
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		r.wrong(path, "%q: want a duration such as 90s or 5m", s)
	case d < least:
		r.wrong(path, "%s: must be at least %s", s, least)
	}
	return d
}

func (r *resolver) id(path, id string, taken map[string]bool) {
	switch {
	case !idForm.MatchString(id):
		r.wrong(path, "%q: want 1 to 63 of a-z, 0-9, - and _", id)
	case taken[id]:
		r.wrong(path, "%q: already used above", id)
	}
	taken[id] = true
}

// password reads the secret that a file names; the configuration itself never
// holds one.
func (r *resolver) password(path string, s secretYAML) string {
	switch {
	case r.lookup == nil:
	case s.PasswordEnv != "" && s.PasswordFile != "":
		r.wrong(path+".password_file", "give password_env or password_file, not both")
	case s.PasswordEnv != "":
		value, ok := r.lookup(s.PasswordEnv)
		if !ok {
			r.wrong(path+".password_env", "environment variable %s is not set", s.PasswordEnv)
		}
		return value
	case s.PasswordFile != "":
		text, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			r.wrong(path+".password_file", "%v", err)
		}
		return strings.TrimRight(string(text), "\r\n")
	}
	return ""
}

func (r *resolver) cameras(c *Config, f *file) map[string]bool {
	taken := map[string]bool{}
	if len(f.Cameras) == 0 {
		r.wrong("cameras", "at least one camera is needed")
	}
	for i, y := range f.Cameras {
		path := fmt.Sprintf("cameras[%d]", i)
		r.id(path+".id", y.ID, taken)
		r.cameraURL(path+".url", y.URL)
		if y.SubURL != "" {
			r.cameraURL(path+".sub_url", y.SubURL)
		}
		if y.DeviceID != "" && !deviceForm.MatchString(y.DeviceID) {
			r.wrong(path+".device_id", "%q: want 20 digits", y.DeviceID)
		}
		c.Cameras = append(c.Cameras, ingest.Camera{
			ID: y.ID, Name: y.Name, DeviceID: y.DeviceID, Place: y.Place, Direction: y.Direction,
			Section: y.Section, URL: y.URL, SubURL: y.SubURL,
			Transport: r.transport(path+".transport", y), Authority: r.authority(path+".ca_file", y),
			Username: y.Username, Password: r.password(path, y.Secret), AllowBasic: y.AllowBasic,
			FrameInterval:  r.duration(path+".frame_interval", y.FrameInterval, 0, time.Millisecond),
			ClockTolerance: r.tolerance(path+".clock_tolerance", y.ClockTolerance),
		})
	}
	return taken
}

// cameraSections checks the sections that cameras name.
func (r *resolver) cameraSections(c *Config) {
	for i, camera := range c.Cameras {
		if _, known := c.Policies[camera.Section]; camera.Section != "" && !known {
			r.wrong(fmt.Sprintf("cameras[%d].section", i), "%q: no such section", camera.Section)
		}
	}
}

func (r *resolver) transport(path string, y cameraYAML) ingest.Transport {
	t := ingest.Transport(y.Transport)
	switch {
	case !slices.Contains([]ingest.Transport{ingest.TransportAuto, ingest.TransportTCP, ingest.TransportUDP}, t):
		r.wrong(path, "%q: want auto, tcp or udp", y.Transport)
	case t == ingest.TransportUDP && strings.HasPrefix(y.URL, "rtsps:"):
		r.wrong(path, "udp would carry the video of an rtsps camera in the open: use tcp")
	}
	return t
}

// authority reads the certificates that a camera's own must be signed by.
func (r *resolver) authority(path string, y cameraYAML) []byte {
	if y.CAFile == "" {
		return nil
	}
	text, err := os.ReadFile(y.CAFile)
	switch {
	case err != nil:
		r.wrong(path, "%v", err)
	case !x509.NewCertPool().AppendCertsFromPEM(text):
		r.wrong(path, "%s holds no certificate in PEM", y.CAFile)
	case !strings.HasPrefix(y.URL, "rtsps:"):
		r.wrong(path, "is of no use without an rtsps URL")
	}
	return text
}

// longestTolerance keeps the two clocks close enough for a stop to go on when
// one takes the other's place.
const longestTolerance = 30 * time.Second

func (r *resolver) tolerance(path, s string) time.Duration {
	d := r.duration(path, s, 0, 0)
	if d > longestTolerance {
		r.wrong(path, "%s: must be at most %s; set the camera's clock instead", s, longestTolerance)
	}
	return d
}

// cameraURL never repeats what it was given: a password may be in it.
func (r *resolver) cameraURL(path, s string) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		r.wrong(path, "is not a URL")
	case u.Scheme != "rtsp" && u.Scheme != "rtsps":
		r.wrong(path, "scheme must be rtsp or rtsps")
	case u.Host == "":
		r.wrong(path, "host is missing")
	case u.User != nil:
		r.wrong(path, "must not hold credentials: use username and password_env or password_file")
	}
}

// detector checks that the file is there: without it nothing is seen.
func (r *resolver) detector(y detectorYAML) Detector {
	if !slices.Contains(DetectorFamilies, y.Family) {
		r.wrong("detector.family", "%q: want %s", y.Family, strings.Join(DetectorFamilies, " or "))
	}
	if y.Model != "" {
		if info, err := os.Stat(y.Model); err != nil {
			r.wrong("detector.model", "%v", err)
		} else if !info.Mode().IsRegular() {
			r.wrong("detector.model", "%s: is not a file", y.Model)
		}
	}
	return Detector(y)
}

func (r *resolver) zones(c *Config, f *file, cameras map[string]bool) {
	c.VehicleHeights = map[string]float64{}
	taken := map[string]bool{}
	for i, y := range f.Zones {
		path := fmt.Sprintf("zones[%d]", i)
		r.id(path+".id", y.ID, taken)
		if !cameras[y.Camera] {
			r.wrong(path+".camera", "%q: no such camera", y.Camera)
		}
		if _, ok := c.Policies[y.Section]; !ok {
			r.wrong(path+".section", "%q: no such section", y.Section)
		}
		c.Zones = append(c.Zones, enforce.Zone{
			ID: y.ID, Camera: y.Camera, Section: y.Section, Polygon: r.polygon(path+".polygon", y.Polygon),
			Vehicles: r.vehicles(path+".vehicles", y.Vehicles), Trial: y.Trial,
		})
		if y.VehicleHeight != nil {
			c.VehicleHeights[y.ID] = *y.VehicleHeight
			if !(*y.VehicleHeight > 0 && *y.VehicleHeight <= 1) {
				r.wrong(path+".vehicle_height", "want a share of the picture's height: more than 0, at most 1")
			}
		}
	}
}

func (r *resolver) vehicles(path, s string) enforce.Vehicles {
	v := enforce.Vehicles(s)
	if v != enforce.Motor && v != enforce.NonMotor && v != enforce.All {
		r.wrong(path, "%q: want motor, non_motor or all", s)
	}
	return v
}

func (r *resolver) polygon(path string, points [][]float64) enforce.Polygon {
	var polygon enforce.Polygon
	for i, p := range points {
		if len(p) != 2 || p[0] < 0 || p[0] > 1 || p[1] < 0 || p[1] > 1 {
			r.wrong(fmt.Sprintf("%s[%d]", path, i), "want [x, y], each 0 to 1 of the picture's width and height")
			continue
		}
		polygon = append(polygon, enforce.Point{X: p[0], Y: p[1]})
	}
	if len(points) < 3 || len(polygon) == len(points) && polygon.Area() == 0 {
		r.wrong(path, "want at least three points around an area")
	}
	return polygon
}

func (r *resolver) clickhouse(c *Config, y clickhouseYAML) {
	c.ClickHouse = ClickHouse{
		Address: y.Address, Database: y.Database, Username: y.Username,
		Password: r.password("clickhouse", y.Secret), TLS: y.TLS, CAFile: y.CAFile,
		AllowUnconfined: y.AllowUnconfined,
	}
	if y.Address == "" {
		return
	}
	if y.AllowUnconfined {
		r.wrong("clickhouse.allow_unconfined", "is for the embedded engine alone: remove it, or clickhouse.address")
	}
	if _, _, err := net.SplitHostPort(y.Address); err != nil {
		r.wrong("clickhouse.address", "%q: want HOST:PORT of the native protocol, such as db.example:9000", y.Address)
	}
}

func (r *resolver) police(c *Config, y *policeYAML) {
	if y == nil {
		return
	}
	if u, err := url.Parse(y.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		r.wrong("police.url", "want http://HOST:PORT or https://HOST:PORT, without credentials")
	}
	if !deviceForm.MatchString(y.DeviceID) {
		r.wrong("police.device_id", "%q: want 20 digits", y.DeviceID)
	}
	c.Police = &Police{
		URL: y.URL, DeviceID: y.DeviceID, Username: y.Username, Password: r.password("police", y.Secret),
		Pictures: r.pictures(y.Pictures),
	}
}

// Limits below these would leave nothing that can be read.
const leastBytes, leastSide = 20_000, 640

func (r *resolver) pictures(y picturesYAML) viid.Pictures {
	const path = "police.pictures"
	p := viid.Pictures{Marked: *y.Marked}
	for i, name := range y.Send {
		picture := viid.Picture(name)
		if !slices.Contains(viid.AllPictures, picture) {
			r.wrong(fmt.Sprintf("%s.send[%d]", path, i), "%q: want one of %v", name, viid.AllPictures)
		}
		p.Send = append(p.Send, picture)
	}
	if len(p.Send) == 0 {
		r.wrong(path+".send", "at least one kind of picture must be sent, of %v", viid.AllPictures)
	}
	p.Limits.Bytes = r.atLeast(path+".max_bytes", y.MaxBytes, leastBytes)
	p.Limits.Side = r.atLeast(path+".max_side", y.MaxSide, leastSide)
	return p
}

// atLeast reads a whole number that is at least least; empty means 0.
func (r *resolver) atLeast(path, s string, least int) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		r.wrong(path, "%q: want a whole number", s)
	case n < least:
		r.wrong(path, "%d: must be at least %d", n, least)
	}
	return n
}
