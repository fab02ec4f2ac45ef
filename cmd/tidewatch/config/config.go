package config

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/calendar"
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
			if b.Zone == "" || b.Zone == z.ID {
				z.Bays = append(z.Bays, b)
			}
		}
	}
}

// aheadDays is for how long the holidays should be known ahead.
const aheadDays = 30

// Warnings are what is not wrong and yet should be looked after, as of today.
func (c *Config) Warnings(today time.Time) []string {
	var warnings []string
	for _, id := range slices.Sorted(maps.Keys(c.Policies)) {
		if day := firstUnknown(c.Policies[id], today); !day.IsZero() {
			warnings = append(warnings, fmt.Sprintf("section %s: what kind of day %s is has not been told: from then on its "+
				"windows count as open on every day that might be of their kind; put the announced days into the file of holidays", id, day))
		}
	}
	return warnings
}

// firstUnknown is the first of the coming days whose kind a version of a rule
// asks for and does not know; zero if there is none.
func firstUnknown(versions []enforce.Policy, today time.Time) enforce.Date {
	for i, policy := range versions {
		section := policy.Section
		from := enforce.DateOf(today.In(section.Location))
		until := from.AddDays(aheadDays)
		if from.Before(section.Effective) {
			from = section.Effective
		}
		if i+1 < len(versions) && versions[i+1].Section.Effective.Before(until) {
			until = versions[i+1].Section.Effective
		}
		if !section.AsksForKinds() {
			continue
		}
		if day := calendar.Unknown(section.Calendar, from, until); !day.IsZero() {
			return day
		}
	}
	return enforce.Date{}
}

// Dump writes the configuration in force as YAML, without secrets.
func (c *Config) Dump() ([]byte, error) { return yaml.Marshal(c.written) }
