package config

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/police/viid"
	"tidewatch/enforce/publish"
)

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// resolver turns the file into the configuration and collects mistakes.
type resolver struct {
	report
	lookup  func(string) (string, bool)
	secrets secrets
}

func (r *resolver) config(f *file) *Config {
	f.fill()
	c := &Config{
		Data: string(f.Data), Listen: r.listen("listen", f.Listen), SecureCookies: f.Secure, LogLevel: r.level(f.LogLevel),
		RingKeep: r.duration("ring.keep", f.Ring.Keep, time.Second, longestRing, "it is kept in memory, of each camera"),
		Assets:   assets.Dir(f.Assets),
		Detector: r.detector(f.Detector),
		Policies: enforce.Policies{}, Geometries: map[string]publish.Geometry{},
		Kafka: r.kafka(f.Kafka),
	}
	c.Clip = r.clip(f.Clip, c.RingKeep)
	if f.Data == "" {
		r.wrong("data", "must name a folder")
	}
	if isOpen(c.Listen) && !f.Secure {
		r.doubt("listen", "%s can be reached by others, and passwords would go over the network in the clear: listen on 127.0.0.1 behind a proxy with TLS, and set secure_cookies", f.Listen)
	}
	cameras := r.cameras(c, f)
	c.Calendar = r.calendar(string(f.Holidays))
	r.sections(c, f)
	r.cameraSections(c)
	r.zones(c, f, cameras)
	r.bays(c, f, cameras)
	r.exemptions(c, f.Exemptions)
	c.markZones()
	r.clickhouse(c, f.ClickHouse)
	r.police(c, f.Police)
	c.Evidence, c.Retention = r.evidence(f.Evidence), r.retention(f.Retention)
	r.unused(c, f)
	c.written = *f
	return c
}

const (
	// longestRing bounds the memory that a camera's video takes.
	longestRing = 10 * time.Minute
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
		Before: r.duration("clip.before", y.Before, time.Second, longestRing, "no more can be kept"),
		After:  r.duration("clip.after", y.After, 0, longestAfter, "the case waits for it"),
	}
	if need := c.Before + c.After + clipReserve; len(r.mistakes) == mistakes && keep > 0 && keep < need {
		r.wrong("ring.keep", "%s: must be at least %s for clips of %s before and %s after", short(keep), short(need), short(c.Before), short(c.After))
	}
	return c
}

func (r *resolver) level(s string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s)); err != nil || strings.ContainsAny(s, "+-") {
		r.wrong("log_level", "%q: want debug, info, warn or error", s)
	}
	return level
}

// duration reads a duration between two; most 0 is no bound, and why says what
// a longer one would do. Empty means 0.
func (r *resolver) duration(path, s string, least, most time.Duration, why string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		r.misread(path, "%q: want a duration such as 90s or 5m", s)
	case d < least:
		r.wrong(path, "%s: must be at least %s", s, short(least))
	case most > 0 && d > most:
		r.wrong(path, "%s: must be at most %s: %s", s, short(most), why)
	}
	return d
}

// short is a duration without parts that are nought.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (r *resolver) id(path, id string, taken map[string]bool) {
	switch {
	case id == "":
		r.wrong(path, "is missing: want 1 to 63 of a-z, 0-9, - and _")
	case len(id) > 63:
		r.wrong(path, "is %d characters long: at most 63", len(id))
	case !idForm.MatchString(id):
		r.wrong(path, "%q: want 1 to 63 of a-z, 0-9, - and _", id)
	case taken[id]:
		r.wrong(path, "%q: already used above", id)
	}
	taken[id] = true
}

// refers checks the name of something in a list of the file.
func (r *resolver) refers(path, list, kind, id string, known bool) {
	switch {
	case known || r.isPartial(list):
	case id == "":
		r.wrong(path, "is missing: which %s?", kind)
	default:
		r.wrong(path, "%q: no such %s", id, kind)
	}
}

func (r *resolver) knownSection(path string, c *Config, id string) {
	_, known := c.Policies[id]
	r.refers(path, "sections", "section", id, known)
}

// detector checks that the file is there: without it nothing is seen.
func (r *resolver) detector(y detectorYAML) Detector {
	if !slices.Contains(DetectorFamilies, y.Family) {
		r.wrong("detector.family", "%q: want %s", y.Family, strings.Join(DetectorFamilies, " or "))
	}
	if y.Model != "" {
		if info, err := os.Stat(string(y.Model)); err != nil {
			r.wrong("detector.model", "%v", err)
		} else if !info.Mode().IsRegular() {
			r.wrong("detector.model", "%s: is not a file", y.Model)
		}
	}
	return Detector{y.Family, string(y.Model)}
}

func (r *resolver) clickhouse(c *Config, y clickhouseYAML) {
	c.ClickHouse = ClickHouse{
		Address: y.Address, Database: y.Database, Username: y.Username,
		Password: r.password(passwordOf("clickhouse"), y.Secret), TLS: y.TLS, CAFile: string(y.CAFile),
		AllowUnconfined: y.AllowUnconfined,
	}
	if y.Address != "" {
		r.hostPort("clickhouse.address", y.Address, "HOST:PORT of the native protocol, such as db.example:9000")
	} else if y.TLS || y.Secret.given() {
		r.wrong("clickhouse.address", "is missing: tls and passwords are for a server; the embedded engine makes its own")
	}
	if y.AllowUnconfined && y.Address != "" {
		r.wrong("clickhouse.allow_unconfined", "is for the embedded engine alone: remove it, or clickhouse.address")
	}
	if y.CAFile != "" && !y.TLS {
		r.misread("clickhouse.ca_file", "is of no use without tls: true")
	}
	r.certificates("clickhouse.ca_file", y.CAFile)
}

func (r *resolver) police(c *Config, y *policeYAML) {
	if y == nil {
		return
	}
	r.webURL("police.url", y.URL, "http://HOST:PORT or https://HOST:PORT")
	if !deviceForm.MatchString(y.DeviceID) {
		r.wrong("police.device_id", "%q: want 20 digits", y.DeviceID)
	}
	for i, camera := range c.Cameras {
		if camera.DeviceID != "" && camera.DeviceID == y.DeviceID {
			r.wrong("police.device_id", "%s: already used by cameras[%d].device_id; this one is Tidewatch's own", y.DeviceID, i)
		}
	}
	r.account("police", y.Username, y.Secret)
	c.Police = &Police{
		URL: y.URL, DeviceID: y.DeviceID, Username: y.Username, Password: r.password(passwordOf("police"), y.Secret),
		Pictures: r.pictures(y.Pictures),
	}
}

// Limits below these would leave nothing that can be read; those above are a
// slip of the pen.
const (
	leastBytes, leastSide = 20_000, 640
	mostBytes, mostSide   = 100_000_000, 65_535
)

func (r *resolver) pictures(y picturesYAML) viid.Pictures {
	const path = "police.pictures"
	p := viid.Pictures{Marked: *y.Marked}
	for i, name := range y.Send {
		picture := viid.Picture(name)
		switch inside := fmt.Sprintf("%s.send[%d]", path, i); {
		case !slices.Contains(viid.AllPictures, picture):
			r.wrong(inside, "%q: want one of %v", name, viid.AllPictures)
		case slices.Contains(p.Send, picture):
			r.wrong(inside, "%s: already given above", name)
		}
		p.Send = append(p.Send, picture)
	}
	if len(p.Send) == 0 {
		r.wrong(path+".send", "at least one kind of picture must be sent, of %v", viid.AllPictures)
	}
	p.Limits.Bytes = r.number(path+".max_bytes", y.MaxBytes, leastBytes, mostBytes)
	p.Limits.Side = r.number(path+".max_side", y.MaxSide, leastSide, mostSide)
	return p
}

// number reads a whole number between two; empty means 0.
func (r *resolver) number(path, s string, least, most int) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		r.misread(path, "%q: want a whole number", s)
	case n < least:
		r.wrong(path, "%d: must be at least %d", n, least)
	case n > most:
		r.wrong(path, "%d: must be at most %d", n, most)
	}
	return n
}
