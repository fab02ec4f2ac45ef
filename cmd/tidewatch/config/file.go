// Package config reads the one YAML file that tells Tidewatch what to watch
// and where to keep it. Unknown fields are refused; every mistake is reported
// at once, with its line and path.
package config

// file is the YAML as written. Times and durations stay text here, so that
// a bad one is reported by its path together with every other mistake.
type file struct {
	Data     fileName `yaml:"data"`
	Web      webYAML  `yaml:",inline"`
	Assets   fileName `yaml:"assets,omitempty"`
	LogLevel string   `yaml:"log_level"`
	Ring     ringYAML `yaml:"ring"`
	Clip     clipYAML `yaml:"clip"`

	Detector detectorYAML `yaml:"detector"`

	Cameras  []cameraYAML  `yaml:"cameras"`
	Holidays fileName      `yaml:"holidays,omitempty"`
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
	File     fileName `yaml:"file"`
	TimeZone zoneName `yaml:"time_zone,omitempty"`
	Reload   string   `yaml:"reload,omitempty"`
}

type ringYAML struct {
	Keep string `yaml:"keep"`
}

type clipYAML struct {
	Before string `yaml:"before"`
	After  string `yaml:"after"`
}

type detectorYAML struct {
	Family string   `yaml:"family"`
	Model  fileName `yaml:"model,omitempty"`
}

type secretYAML struct {
	PasswordEnv  string   `yaml:"password_env,omitempty"`
	PasswordFile fileName `yaml:"password_file,omitempty"`
}

type cameraYAML struct {
	ID             string     `yaml:"id"`
	Name           title      `yaml:"name,omitempty"`
	DeviceID       string     `yaml:"device_id,omitempty"`
	Place          title      `yaml:"place,omitempty"`
	Direction      title      `yaml:"direction,omitempty"`
	Section        string     `yaml:"section,omitempty"`
	Vendor         string     `yaml:"vendor,omitempty"`
	URL            string     `yaml:"url"`
	SubURL         string     `yaml:"sub_url,omitempty"`
	Transport      string     `yaml:"transport,omitempty"`
	CAFile         fileName   `yaml:"ca_file,omitempty"`
	Username       string     `yaml:"username,omitempty"`
	Secret         secretYAML `yaml:",inline"`
	AllowBasic     bool       `yaml:"allow_basic,omitempty"`
	FrameInterval  string     `yaml:"frame_interval,omitempty"`
	ClockTolerance string     `yaml:"clock_tolerance,omitempty"`
}

type sectionYAML struct {
	ID                string           `yaml:"id"`
	Name              title            `yaml:"name,omitempty"`
	Effective         string           `yaml:"effective,omitempty"`
	TimeZone          zoneName         `yaml:"time_zone,omitempty"`
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
	Announcement title     `yaml:"announcement"`
	Name         title     `yaml:"name,omitempty"`
	Hours        hoursYAML `yaml:",inline"`
}

type limitYAML struct {
	Hours             hoursYAML `yaml:",inline"`
	ObservationPeriod string    `yaml:"observation_period"`
	Grace             string    `yaml:"grace,omitempty"`
}

type discretionYAML struct {
	Announcement     title  `yaml:"announcement"`
	FirstWithinDays  string `yaml:"first_within_days,omitempty"`
	MinorWithin      string `yaml:"minor_within,omitempty"`
	RepeatWithinDays string `yaml:"repeat_within_days,omitempty"`
	EscalateAt       string `yaml:"escalate_at,omitempty"`
	EverySection     bool   `yaml:"every_section,omitempty"`
}

type suspensionYAML struct {
	Announcement title  `yaml:"announcement"`
	Suspends     title  `yaml:"suspends,omitempty"`
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
	CAFile   fileName   `yaml:"ca_file,omitempty"`

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
