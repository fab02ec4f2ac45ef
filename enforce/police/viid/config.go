package viid

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tidewatch/detect/plate"
	"tidewatch/enforce/evidence/overlay"
)

// Config says how to reach a GA/T 1400 platform.
type Config struct {
	URL      string // http:// or https://, without credentials; /VIID/... is added
	DeviceID string // our own 20 digits there
	Username string
	Password string // never logged, never in an error

	KeepaliveEvery time.Duration
	Timeout        time.Duration // of one request

	// PlateColors are the platform's codes for the colours of plates;
	// implementations disagree on the table.
	PlateColors map[plate.Kind]string

	Pictures Pictures
}

// Pictures says which pictures the platform takes.
type Pictures struct {
	Send   []Picture
	Marked bool           // copies with time, place and codes below them, where there are
	Limits overlay.Limits // larger ones are sent as smaller copies
}

// DefaultConfig lacks the URL, the device and the account. Its colours are
// those of the standard's ColorType as commonly published.
func DefaultConfig() Config {
	return Config{
		KeepaliveEvery: time.Minute,
		Timeout:        30 * time.Second,
		PlateColors: map[plate.Kind]string{
			plate.Black: "1", plate.White: "2", plate.Blue: "5", plate.Yellow: "6", plate.Green: "9",
			plate.UnknownKind: "99",
		},
		Pictures: Pictures{Send: []Picture{Scenes, CloseUp, Plate, Composite}, Marked: true},
	}
}

func (c Config) validate() error {
	var problems []error
	address, err := url.Parse(c.URL)
	switch {
	case err != nil:
		problems = append(problems, errors.New("url: not a URL")) // the parser's own words repeat it, credentials and all
	case address.Scheme != "http" && address.Scheme != "https" || address.Host == "":
		problems = append(problems, errors.New("url: must be http or https, with a host"))
	case address.User != nil || address.RawQuery != "":
		problems = append(problems, errors.New("url: must have neither credentials nor a query"))
	}
	if !digits(c.DeviceID, 20) {
		problems = append(problems, fmt.Errorf("device_id %q: must be 20 digits", c.DeviceID))
	}
	if c.Username == "" || strings.Contains(c.Username, ":") {
		problems = append(problems, errors.New("username: must be set and have no colon"))
	}
	if c.KeepaliveEvery <= 0 || c.Timeout <= 0 {
		problems = append(problems, errors.New("keepalive and timeout: must be positive"))
	}
	if len(c.Pictures.Send) == 0 {
		problems = append(problems, errors.New("pictures: at least one kind must be sent"))
	}
	for _, p := range c.Pictures.Send {
		if !slices.Contains(AllPictures, p) {
			problems = append(problems, fmt.Errorf("pictures: %q is none that can be sent", p))
		}
	}
	return errors.Join(problems...)
}

// color is the platform's code for a plate's colour.
func (c Config) color(kind plate.Kind) string {
	if code, ok := c.PlateColors[kind]; ok {
		return code
	}
	return c.PlateColors[plate.UnknownKind]
}

// filled completes a partial colour table from the default one.
func (c Config) filled() Config {
	colors := maps.Clone(DefaultConfig().PlateColors)
	maps.Copy(colors, c.PlateColors)
	c.PlateColors = colors
	return c
}
