// Package config reads the one YAML file that tells Tidewatch what to watch
// and where to keep it. Unknown fields are refused; every mistake is reported
// at once, with its line and path.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/police/viid"
	"tidewatch/ingest"
)

// file is the YAML as written. Times and durations stay text here, so that
// a bad one is reported by its path together with every other mistake.
type file struct {
	Data     string   `yaml:"data"`
	Listen   string   `yaml:"listen"`
	Secure   bool     `yaml:"secure_cookies"`
	Assets   string   `yaml:"assets,omitempty"`
	LogLevel string   `yaml:"log_level"`
	Ring     ringYAML `yaml:"ring"`
	Clip     clipYAML `yaml:"clip"`

	Detector detectorYAML `yaml:"detector"`

	Cameras  []cameraYAML  `yaml:"cameras"`
	Holidays string        `yaml:"holidays,omitempty"`
	Sections []sectionYAML `yaml:"sections"`
	Zones    []zoneYAML    `yaml:"zones"`

	Exemptions *exemptionsYAML `yaml:"exemptions,omitempty"`

	Bays []bayYAML `yaml:"bays,omitempty"`

	Kafka      kafkaYAML      `yaml:"kafka"`
	ClickHouse clickhouseYAML `yaml:"clickhouse"`
	Police     *policeYAML    `yaml:"police,omitempty"`

	Evidence  evidenceYAML  `yaml:"evidence"`
	Retention retentionYAML `yaml:"retention"`
}

type exemptionsYAML struct {
	File     string `yaml:"file"`
	TimeZone string `yaml:"time_zone,omitempty"`
	Reload   string `yaml:"reload,omitempty"`
}

type ringYAML struct {
	Keep string `yaml:"keep"`
}

type clipYAML struct {
	Before string `yaml:"before"`
	After  string `yaml:"after"`
}

type detectorYAML struct {
	Family string `yaml:"family"`
	Model  string `yaml:"model,omitempty"`
}

type secretYAML struct {
	PasswordEnv  string `yaml:"password_env,omitempty"`
	PasswordFile string `yaml:"password_file,omitempty"`
}

type cameraYAML struct {
	ID             string     `yaml:"id"`
	Name           string     `yaml:"name,omitempty"`
	DeviceID       string     `yaml:"device_id,omitempty"`
	Place          string     `yaml:"place,omitempty"`
	Direction      string     `yaml:"direction,omitempty"`
	Section        string     `yaml:"section,omitempty"`
	URL            string     `yaml:"url"`
	SubURL         string     `yaml:"sub_url,omitempty"`
	Transport      string     `yaml:"transport,omitempty"`
	CAFile         string     `yaml:"ca_file,omitempty"`
	Username       string     `yaml:"username,omitempty"`
	Secret         secretYAML `yaml:",inline"`
	AllowBasic     bool       `yaml:"allow_basic,omitempty"`
	FrameInterval  string     `yaml:"frame_interval,omitempty"`
	ClockTolerance string     `yaml:"clock_tolerance,omitempty"`
}

type sectionYAML struct {
	ID                string           `yaml:"id"`
	Name              string           `yaml:"name,omitempty"`
	Effective         string           `yaml:"effective,omitempty"`
	TimeZone          string           `yaml:"time_zone,omitempty"`
	Code              string           `yaml:"code,omitempty"`
	ObservationPeriod string           `yaml:"observation_period"`
	Grace             string           `yaml:"grace,omitempty"`
	ClockError        string           `yaml:"clock_error,omitempty"`
	Limits            []limitYAML      `yaml:"limits,omitempty"`
	Windows           []windowYAML     `yaml:"windows,omitempty"`
	Suspensions       []suspensionYAML `yaml:"suspensions,omitempty"`
	ExemptClasses     []string         `yaml:"exempt_classes,omitempty"`
	AgainAfter        string           `yaml:"again_after,omitempty"`
	Discretion        *discretionYAML  `yaml:"discretion,omitempty"`
	Geometry          *geometryYAML    `yaml:"geometry,omitempty"`
}

type hoursYAML struct {
	From     string   `yaml:"from"`
	Until    string   `yaml:"until"`
	Weekdays []string `yaml:"weekdays,omitempty"`
	Kinds    []string `yaml:"kinds,omitempty"`
	Days     []string `yaml:"days,omitempty"`
	FirstDay string   `yaml:"first_day,omitempty"`
	LastDay  string   `yaml:"last_day,omitempty"`
}

type windowYAML struct {
	Announcement string    `yaml:"announcement"`
	Name         string    `yaml:"name,omitempty"`
	Hours        hoursYAML `yaml:",inline"`
}

type limitYAML struct {
	Hours             hoursYAML `yaml:",inline"`
	ObservationPeriod string    `yaml:"observation_period"`
	Grace             string    `yaml:"grace,omitempty"`
}

type discretionYAML struct {
	Announcement     string `yaml:"announcement"`
	FirstWithinDays  string `yaml:"first_within_days,omitempty"`
	MinorWithin      string `yaml:"minor_within,omitempty"`
	RepeatWithinDays string `yaml:"repeat_within_days,omitempty"`
	EscalateAt       string `yaml:"escalate_at,omitempty"`
	EverySection     bool   `yaml:"every_section,omitempty"`
}

type suspensionYAML struct {
	Announcement string `yaml:"announcement"`
	Suspends     string `yaml:"suspends,omitempty"`
	From         string `yaml:"from"`
	Until        string `yaml:"until"`
}

type geometryYAML struct {
	Type        string      `yaml:"type"`
	Coordinates [][]float64 `yaml:"coordinates"`
}

type zoneYAML struct {
	ID      string      `yaml:"id"`
	Camera  string      `yaml:"camera"`
	Section string      `yaml:"section"`
	Polygon [][]float64 `yaml:"polygon"`

	Vehicles      string   `yaml:"vehicles"`
	Trial         bool     `yaml:"trial,omitempty"`
	VehicleHeight *float64 `yaml:"vehicle_height,omitempty"`
}

type bayYAML struct {
	ID      string      `yaml:"id"`
	Camera  string      `yaml:"camera"`
	Zone    string      `yaml:"zone,omitempty"`
	Kind    string      `yaml:"kind,omitempty"`
	Polygon [][]float64 `yaml:"polygon"`
	Arrow   []float64   `yaml:"arrow,omitempty"`
}

type clickhouseYAML struct {
	Address  string     `yaml:"address,omitempty"`
	Database string     `yaml:"database,omitempty"`
	Username string     `yaml:"username,omitempty"`
	Secret   secretYAML `yaml:",inline"`
	TLS      bool       `yaml:"tls"`
	CAFile   string     `yaml:"ca_file,omitempty"`

	AllowUnconfined bool `yaml:"allow_unconfined,omitempty"`
}

type policeYAML struct {
	URL      string     `yaml:"url"`
	DeviceID string     `yaml:"device_id"`
	Username string     `yaml:"username"`
	Secret   secretYAML `yaml:",inline"`

	Pictures picturesYAML `yaml:"pictures"`
}

type picturesYAML struct {
	Send     []string `yaml:"send"`
	Marked   *bool    `yaml:"marked"`
	MaxBytes string   `yaml:"max_bytes,omitempty"`
	MaxSide  string   `yaml:"max_side,omitempty"`
}

func defaults() file {
	evidence, retention := evidenceDefaults()
	return file{
		Evidence: evidence, Retention: retention,

		Data: "data", Listen: "127.0.0.1:8420", LogLevel: "info",
		Ring: ringYAML{Keep: "12s"},
		Clip: clipYAML{Before: "7s", After: "3s"},

		Detector: detectorYAML{Family: "yolox"},

		Kafka: kafkaYAML{Topic: "tidewatch-cases"},
	}
}

// fill puts in what may be left out, so that a dump shows what is in force.
func (f *file) fill() {
	if f.Assets == "" {
		dir, _ := assets.Default() // without a home folder the files are looked for here
		f.Assets = string(dir)
	}
	for i := range f.Cameras {
		c := &f.Cameras[i]
		c.Name = cmp.Or(c.Name, c.ID)
		c.Transport = cmp.Or(c.Transport, string(ingest.TransportAuto))
		c.ClockTolerance = cmp.Or(c.ClockTolerance, "2s")
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		s.Name = cmp.Or(s.Name, s.ID)
		s.TimeZone = cmp.Or(s.TimeZone, "Asia/Shanghai")
		s.Code = cmp.Or(s.Code, "1039")
		s.Grace = cmp.Or(s.Grace, "0s")
		s.ClockError = cmp.Or(s.ClockError, "1s")
		if d := s.Discretion; d != nil {
			d.FirstWithinDays = cmp.Or(d.FirstWithinDays, "365")
		}
		for j := range s.Limits {
			l := &s.Limits[j]
			if l.Hours.From == "" && l.Hours.Until == "" {
				l.Hours.From, l.Hours.Until = "00:00", "24:00"
			}
			l.Grace = cmp.Or(l.Grace, s.Grace)
		}
	}
	if e := f.Exemptions; e != nil {
		e.TimeZone, e.Reload = cmp.Or(e.TimeZone, "Asia/Shanghai"), cmp.Or(e.Reload, "10s")
	}
	for i := range f.Bays {
		f.Bays[i].Kind = cmp.Or(f.Bays[i].Kind, string(enforce.ParkingBay))
	}
	for i := range f.Zones {
		f.Zones[i].Vehicles = cmp.Or(f.Zones[i].Vehicles, string(enforce.Motor))
	}
	if f.Police != nil {
		f.Police.Pictures.fill()
	}
	f.Kafka.fill()
	f.ClickHouse.Database = cmp.Or(f.ClickHouse.Database, "tidewatch")
	f.ClickHouse.Username = cmp.Or(f.ClickHouse.Username, "tidewatch")
}

func (y *picturesYAML) fill() {
	usual := viid.DefaultConfig().Pictures
	if y.Marked == nil {
		y.Marked = &usual.Marked
	}
	if y.Send == nil {
		for _, p := range usual.Send {
			y.Send = append(y.Send, string(p))
		}
	}
}

// Load reads a configuration file. The error joins one line for each mistake.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text, os.LookupEnv)
}

// LoadRules reads a configuration for a command that connects to nothing:
// passwords are not looked up.
func LoadRules(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text, nil)
}

// Parse reads a configuration; name is used in errors, lookup finds
// environment variables. Without lookup no password is read.
func Parse(name string, text []byte, lookup func(string) (string, bool)) (*Config, error) {
	f := defaults()
	r := resolver{name: name, lookup: lookup}
	if err := r.read(text, &f); err != nil {
		return nil, err
	}
	c := r.config(&f)
	if len(r.mistakes) > 0 {
		return nil, errors.Join(r.mistakes...)
	}
	return c, nil
}

// read reads the text into a struct of the file's form. Unknown fields are
// noted as mistakes; the error says what cannot be read at all.
func (r *resolver) read(text []byte, into any) (err error) {
	// The YAML library panics on some texts that are hardly YAML.
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("%s: is not YAML that can be read; is a value indented or quoted wrongly?", r.name)
		}
	}()
	if r.tree, err = parser.ParseBytes(text, 0); err != nil {
		return errors.New(yamlError(r.name, err))
	}
	docs := r.tree.Docs
	if len(docs) > 1 {
		r.wrong("", "holds more than one document, separated by ---")
	}
	if len(docs) == 0 || docs[0].Body == nil {
		return nil
	}
	if !r.form(docs[0].Body, reflect.TypeOf(into).Elem(), "") {
		return errors.Join(r.mistakes...)
	}
	if err := yaml.NodeToValue(docs[0].Body, into); err != nil {
		return errors.New(yamlError(r.name, err))
	}
	return nil
}

// yamlError puts the parser's own error, which has the line, behind the name.
func yamlError(name string, err error) string {
	var withToken yaml.Error
	if errors.As(err, &withToken) && withToken.GetToken() != nil {
		return fmt.Sprintf("%s:%d: %s", name, withToken.GetToken().Position.Line, withToken.GetMessage())
	}
	return fmt.Sprintf("%s: %v", name, err)
}

// line finds the line of a path such as cameras[3].url, or of the nearest
// parent that is written down; 0 if the file is empty.
func line(tree *ast.File, path string) int {
	for path != "" {
		p, err := yaml.PathString("$." + path)
		if err == nil {
			if node, err := p.FilterFile(tree); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		path = parent(path)
	}
	return 0
}

func parent(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}
