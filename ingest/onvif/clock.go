package onvif

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/kerberos-io/onvif/device"
	"github.com/kerberos-io/onvif/xsd"

	"tidewatch/ingest"
)

// clock asks a device for its time and compares it with ours. The standard lets
// everybody ask; a device that does not is asked again with the account.
func (s *session) clock(ctx context.Context, u *url.URL) (*Clock, error) {
	clock, err := s.askTime(ctx, u, s.callOpenly)
	if errors.Is(err, ingest.ErrUnauthorized) && s.username != "" {
		clock, err = s.askTime(ctx, u, s.call)
		s.refused = errors.Is(err, ingest.ErrUnauthorized)
	}
	return clock, err
}

func (s *session) askTime(ctx context.Context, u *url.URL, call caller) (*Clock, error) {
	var told device.GetSystemDateAndTimeResponse
	sent := s.now()
	err := call(ctx, u, device.GetSystemDateAndTime{}, &told)
	took := s.now().Sub(sent)
	if err != nil {
		return nil, err
	}
	return compare(told, sent, took)
}

// compare makes a clock of what was told to a question sent at a moment. The
// camera is taken to have looked at its clock halfway.
func compare(told device.GetSystemDateAndTimeResponse, sent time.Time, took time.Duration) (*Clock, error) {
	system := told.SystemDateAndTime
	zone := clean(string(system.TimeZone.TZ))
	t, ok := moment(system.UTCDateTime, time.UTC)
	if !ok {
		location := posixZone(zone)
		if location == nil {
			return nil, fault{errNoTime}
		}
		if t, ok = moment(system.LocalDateTime, location); !ok {
			return nil, fault{errNoTime}
		}
	}
	const half = time.Second / 2
	clock := &Clock{
		Error:       t.Add(half).Sub(sent.Add(took / 2)),
		Uncertainty: took/2 + half, TimeZone: zone,
	}
	if location := posixZone(zone); location != nil {
		_, offset := t.In(location).Zone()
		clock.zone = time.Duration(offset) * time.Second
	}
	if set := string(system.DateTimeType); set == "NTP" || set == "Manual" {
		clock.Set = set
	}
	return clock, nil
}

// moment reads a date and time; false means that it was left out or is none.
func moment(d xsd.DateTime, location *time.Location) (time.Time, bool) {
	year, month, day := int(d.Date.Year), int(d.Date.Month), int(d.Date.Day)
	hour, minute, second := int(d.Time.Hour), int(d.Time.Minute), int(d.Time.Second)
	t := time.Date(year, time.Month(month), day, hour, minute, min(second, 59), 0, location)
	// time.Date carries what is too large over; a leap second is let through.
	same := t.Year() == year && int(t.Month()) == month && t.Day() == day
	inDay := hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60
	return t, same && inDay && year >= 1970 && year < 2200 // so that differences fit a duration
}

// posixZone reads a POSIX rule such as CST-8 or EST5EDT,M3.2.0,M11.1.0, or
// returns nil. The standard library knows these rules as the last line of a
// compiled time zone, so one is made that holds nothing else.
func posixZone(rule string) *time.Location {
	if rule == "" || strings.ContainsAny(rule, " \n\x00") {
		return nil
	}
	location, err := time.LoadLocationFromTZData(rule, compiledZone(rule))
	if err != nil {
		return nil
	}
	if name, _ := time.Unix(0, 0).In(location).Zone(); name == ruleless {
		return nil
	}
	return location
}

// ruleless is the name of the one zone beside the rule, which shows where the
// rule cannot be read.
const ruleless = "?"

// compiledZone is a file of the TZif format, version 2 (RFC 8536): a header and
// body for old readers, and the same again for new ones, who read the rule.
func compiledZone(rule string) []byte {
	block := []byte("TZif2")
	block = append(block, make([]byte, 15)...)
	for _, count := range []byte{0, 0, 0, 0, 1, byte(len(ruleless) + 1)} { // isut, isstd, leap, times, types, names
		block = append(block, 0, 0, 0, count)
	}
	block = append(block, 0, 0, 0, 0, 0, 0) // offset 0, no summer time, first name
	block = append(block, ruleless+"\x00"...)
	return append(append(block, block...), "\n"+rule+"\n"...)
}
