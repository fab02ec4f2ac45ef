// Package ingest says what a camera is and what comes out of one: encoded
// access units, each stamped with the camera's clock and with ours.
//
// The package itself is pure Go and does no I/O. Its leaves do: rtsp pulls a
// stream, ring keeps the last seconds of it, decode turns key units into
// pictures.
package ingest

import (
	"context"
	"time"
)

// Camera is one RTSP source that watches a kerb.
type Camera struct {
	ID        string // short name used in configuration, metrics and logs
	Name      string // what officers call it
	DeviceID  string // the camera's 20 digits on the police side (GA/T 1400)
	Place     string // where it stands, as written on evidence
	Direction string // where it looks, as written on evidence

	URL      string // rtsp:// or rtsps://, without credentials
	Username string
	Password string // never logged, never in an error

	// ClockTolerance is how far the camera's clock may be from ours before
	// its time is no longer believed.
	ClockTolerance time.Duration
}

// Stamp is the time of a picture, told twice.
type Stamp struct {
	Camera  time.Time // the camera's clock, by RTCP sender reports; zero while unknown
	Arrival time.Time // our clock, when the unit was complete
}

// ClockError is how far the camera's clock is ahead of ours, network delay
// included (so a perfect camera shows a small negative error). It is false
// while the camera's clock is unknown.
func (s Stamp) ClockError() (time.Duration, bool) {
	if s.Camera.IsZero() {
		return 0, false
	}
	return s.Camera.Sub(s.Arrival), true
}

// Time is the moment to judge by: the camera's clock where it is known and
// within tolerance of ours, else the arrival.
func (s Stamp) Time(tolerance time.Duration) time.Time {
	clockError, known := s.ClockError()
	if !known || clockError.Abs() > tolerance {
		return s.Arrival
	}
	return s.Camera
}

// Codec names a video coding.
type Codec string

// The codecs that ingest can cut and decode.
const (
	H264 Codec = "h264"
	H265 Codec = "h265"
)

// Format is what a decoder must know before the first unit of a stream.
type Format struct {
	Codec Codec
	VPS   []byte // H.265 only
	SPS   []byte
	PPS   []byte
}

// Prepend returns the NALUs of a key unit with the parameter sets before them,
// so that they can be decoded without anything else.
func (f *Format) Prepend(nalus [][]byte) [][]byte {
	whole := make([][]byte, 0, 3+len(nalus))
	for _, set := range [][]byte{f.VPS, f.SPS, f.PPS} {
		if len(set) > 0 {
			whole = append(whole, set)
		}
	}
	return append(whole, nalus...)
}

// Unit is one access unit, as the camera sent it. A unit is immutable: the
// ring, the watcher and the evidence share it.
type Unit struct {
	Stamp
	Session uint64        // counts connections; a clip never crosses from one to the next
	PTS     time.Duration // presentation time on the session's own clock
	Format  *Format       // parameter sets in force; shared by units of a session until they change
	NALUs   [][]byte      // without start codes
	Key     bool          // decodable on its own with Format
	Damaged bool          // packets of it were lost, or of the key unit it builds on: never evidence
}

// Size is the number of encoded bytes in the unit.
func (u *Unit) Size() int {
	n := 0
	for _, nalu := range u.NALUs {
		n += len(nalu)
	}
	return n
}

// Source is one connection to a camera. Run emits units until the connection
// ends or ctx is done, and returns why; it never returns nil before ctx is
// done. The caller reconnects.
type Source interface {
	Run(ctx context.Context, emit func(*Unit)) error
}
