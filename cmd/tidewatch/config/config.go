package config

import (
	"log/slog"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/exempt"
	"tidewatch/enforce/police/viid"
	"tidewatch/enforce/publish"
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
	Calendar enforce.Calendar
	Policies enforce.Policies
	Zones    []enforce.Zone // with the bays marked in them
	Bays     []enforce.Bay
	// Geometries are where sections lie, by section, for the public page.
	Geometries map[string]publish.Geometry
	// VehicleHeights are the usual heights of vehicles in zones, by zone, as
	// shares of the picture's height. A zone without one learns it.
	VehicleHeights map[string]float64

	Exemptions *exempt.Config // nil: no vehicle is exempt

	Kafka      Kafka
	ClickHouse ClickHouse
	Police     *Police // nil: confirmed cases wait

	Evidence  Evidence
	Retention retention.Config

	written file
	report  report
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

// ClickHouse says where the database is.
type ClickHouse struct {
	Address  string // empty: the embedded engine
	Database string
	Username string
	Password string
	TLS      bool
	CAFile   string // PEM of the server's authority; empty: the system's

	AllowUnconfined bool // start the embedded engine also where it cannot be confined
}

// Police says where confirmed cases go (GA/T 1400).
type Police struct {
	URL      string
	DeviceID string
	Username string
	Password string
	Pictures viid.Pictures
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

// markZones puts the bays into the zones that they belong to.
func (c *Config) markZones() {
	for i := range c.Zones {
		z := &c.Zones[i]
		for _, b := range c.BaysOf(z.Camera) {
			if b.Marks(*z) {
				z.Bays = append(z.Bays, b)
			}
		}
	}
}

// Warnings are what may be meant and yet harms, as of a moment, each with its
// place in the file and the reason.
func (c *Config) Warnings(now time.Time) []string {
	return inOrder(slices.Concat(c.report.warnings, c.dated(now).warnings))
}

// Notes are what was not checked.
func (c *Config) Notes() []string { return inOrder(c.report.notes) }

// Astray are the mistakes of where areas lie, which LoadDrawn leaves to those
// who look at the drawing.
func (c *Config) Astray() []string { return inOrder(c.report.misdrawn) }

// Dump writes the configuration in force as YAML, without secrets.
func (c *Config) Dump() ([]byte, error) { return yaml.Marshal(c.written) }
