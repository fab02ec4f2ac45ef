package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/kerberos-io/onvif/device"

	"tidewatch/ingest"
)

// Camera is what a device says of itself. Text that it did not tell is empty,
// a number is 0.
type Camera struct {
	Address  string // host, and port unless it is the usual one
	Endpoint string // UUID of the device; empty if it did not answer the probe

	Name         string // as it is set in the device
	Hardware     string
	Manufacturer string
	Model        string
	Firmware     string

	Clock    *Clock // nil: not known
	Streams  []Stream
	Problems []Problem // in the order of the steps
}

// Step is a part of asking a camera.
type Step string

// The steps.
const (
	StepClock       Step = "clock"
	StepInformation Step = "information"
	StepStreams     Step = "streams"
)

// Problem is why a step came to nothing or to less than it should.
type Problem struct {
	Step Step
	Err  error // an ingest.Fault
}

// usualPath is where the standard wants the device service.
const usualPath = "/onvif/device_service"

// ask asks one device. The error is that nothing answers at an address that
// somebody named; of a device that answered the probe it is a problem.
func (f *Finder) ask(ctx context.Context, d found) (Camera, error) {
	c := Camera{Endpoint: d.endpoint, Name: d.name, Hardware: d.hardware, Address: shown(d.urls[0])}
	s := newSession(f.cfg, f.now)
	defer s.close()
	err := s.reach(ctx, &c, d.urls)
	if err != nil && d.named {
		return Camera{}, explain(c.Address, "its clock", err)
	}
	if err != nil {
		f.log.Warn("camera answers the probe, but no question", "address", c.Address)
		c.trouble(StepClock, "its clock", err)
		return c, nil
	}
	f.log.Info("camera answers", "address", c.Address)
	if s.refused {
		c.trouble(StepInformation, "its make", errSpared)
		c.trouble(StepStreams, "its streams", errSpared)
		return c, nil
	}
	if c.inform(ctx, s) {
		c.streams(ctx, s)
	}
	return c, nil
}

// reach looks for the first address at which a device speaks ONVIF, by asking
// for its clock. Without any the error is that of the first.
func (s *session) reach(ctx context.Context, c *Camera, urls []*url.URL) error {
	var first error
	for _, u := range urls {
		clock, err := s.clock(ctx, u)
		if err == nil || isFault(err) {
			s.device, c.Address, c.Clock = u, shown(u), clock
			if err != nil {
				c.trouble(StepClock, "its clock", err)
			} else {
				s.ahead = clock.Error
			}
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// inform asks for the make and reports whether to go on.
func (c *Camera) inform(ctx context.Context, s *session) bool {
	var told device.GetDeviceInformationResponse
	err := s.call(ctx, s.device, device.GetDeviceInformation{}, &told)
	if errors.Is(err, ingest.ErrUnauthorized) && s.ahead.Abs() > tokenSlack {
		err = c.informByOurs(ctx, s, &told)
	}
	c.Manufacturer, c.Model, c.Firmware = clean(told.Manufacturer), clean(told.Model), clean(told.FirmwareVersion)
	if err == nil {
		return true
	}
	c.trouble(StepInformation, "its make", err)
	switch {
	case errors.Is(err, ingest.ErrUnauthorized):
		c.trouble(StepStreams, "its streams", errSpared)
		return false
	case !answered(err):
		c.trouble(StepStreams, "its streams", errGivenUp)
		return false
	}
	return true
}

// tokenSlack is how far from a device's own time a token may be made at least.
const tokenSlack = 30 * time.Second

// informByOurs asks once more, by our own clock. A device refuses a token of
// another time as it refuses a wrong password, and some tell their local time as
// UTC and go by another.
func (c *Camera) informByOurs(ctx context.Context, s *session, told *device.GetDeviceInformationResponse) error {
	ahead := s.ahead
	s.ahead = 0
	err := s.call(ctx, s.device, device.GetDeviceInformation{}, told)
	switch {
	case err != nil:
		s.ahead = ahead
		if errors.Is(err, ingest.ErrUnauthorized) {
			return fmt.Errorf("%w: %w", errBothClocks, err)
		}
	case c.Clock != nil && c.Clock.local():
		c.Clock.Error -= c.Clock.zone
		c.trouble(StepClock, "its clock", errLocalTime)
	default:
		c.trouble(StepClock, "its clock", errTwoTimes)
	}
	return err
}

func (c *Camera) trouble(step Step, what string, err error) {
	c.Problems = append(c.Problems, Problem{step, explain(c.Address, what, err)})
}

// shown is the host, with the port unless it is the usual one.
func shown(u *url.URL) string {
	if u.Port() == "" || u.Port() == "80" && u.Scheme == "http" || u.Port() == "443" && u.Scheme == "https" {
		return unbracketed(u.Hostname())
	}
	return net.JoinHostPort(u.Hostname(), u.Port())
}

func unbracketed(host string) string {
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// longestText is how much of a name that a device tells is kept, in runes.
const longestText = 120

// clean makes a device's text fit for a line on a terminal.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return string(runes[:min(len(runes), longestText)])
}

// Clock is how a camera's clock stands.
type Clock struct {
	// Error is the camera's clock minus ours. A camera tells whole seconds: it
	// is taken to be in the middle of the one that it tells.
	Error time.Duration
	// Uncertainty is how far off Error may be: half the time that the question
	// took, and half of the second.
	Uncertainty time.Duration
	TimeZone    string // as the camera is set, a POSIX rule such as CST-8
	Set         string // "NTP" or "Manual"; empty if it does not say

	zone time.Duration // of TimeZone, east of UTC; 0 if it cannot be read
}

// zoneSlack is how far the time of an answer may be from ours, its zone taken off,
// to be local time that is told as UTC.
const zoneSlack = 5 * time.Minute

// local reports whether what was told as UTC is local time.
func (c *Clock) local() bool {
	return c.zone != 0 && (c.Error-c.zone).Abs() < zoneSlack && c.Error.Abs() > zoneSlack
}

// String is for logs.
func (c Clock) String() string { return fmt.Sprintf("%s ± %s", c.Error, c.Uncertainty) }
