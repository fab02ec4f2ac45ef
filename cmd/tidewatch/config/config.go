package config

import (
	"log/slog"
	"time"

	"github.com/goccy/go-yaml"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/retention"
	"tidewatch/ingest"
)

// Config is what is in force: checked, with defaults filled in and secrets
// read.
type Config struct {
	Data   string
	Listen string // host:port of the pages
	// SecureCookies is set where browsers come over TLS, through a proxy.
	SecureCookies bool
	Assets        assets.Dir
	LogLevel      slog.Level
	RingKeep      time.Duration
	Clip          Clip
	Detector      Detector

	Cameras  []ingest.Camera
	Policies map[string]enforce.Policy // by section
	Zones    []enforce.Zone
	Bays     []enforce.Bay // drawn, not yet judged by
	// VehicleHeights are the usual heights of vehicles in zones, by zone, as
	// shares of the picture's height. A zone without one learns it.
	VehicleHeights map[string]float64

	Kafka      Kafka
	ClickHouse ClickHouse
	Police     *Police // nil: confirmed cases wait

	Evidence  Evidence
	Retention retention.Config

	written file
}

// Clip says how much video a case's clip holds around the moment at which the
// observation period ran out.
type Clip struct{ Before, After time.Duration }

// Detector says which network finds vehicles.
type Detector struct {
	Family string // one of DetectorFamilies
	Model  string // file; empty: the family's own
}

// DetectorFamilies are the kinds of network that can be configured.
var DetectorFamilies = []string{"yolox", "yolov8"}

// Kafka says where the case log is.
type Kafka struct {
	Brokers []string // none: the embedded broker
	Topic   string
}

// ClickHouse says where the database is.
type ClickHouse struct {
	Address  string // empty: the embedded engine
	Database string
	Username string
	Password string
	TLS      bool
	CAFile   string // PEM of the server's authority; empty: the system's
}

// Police says where confirmed cases go (GA/T 1400).
type Police struct {
	URL      string
	DeviceID string
	Username string
	Password string
}

// ZonesOf returns the zones in a camera's picture.
func (c *Config) ZonesOf(camera string) []enforce.Zone {
	var zones []enforce.Zone
	for _, z := range c.Zones {
		if z.Camera == camera {
			zones = append(zones, z)
		}
	}
	return zones
}

// BaysOf returns the bays in a camera's picture.
func (c *Config) BaysOf(camera string) []enforce.Bay {
	var bays []enforce.Bay
	for _, b := range c.Bays {
		if b.Camera == camera {
			bays = append(bays, b)
		}
	}
	return bays
}

// Dump writes the configuration in force as YAML, without secrets.
func (c *Config) Dump() ([]byte, error) { return yaml.Marshal(c.written) }
