// Package ingest says what a camera is and what comes out of one: encoded
// access units, each stamped with the camera's clock and with ours.
//
// The package itself is pure Go and does no I/O. Its leaves do: rtsp pulls a
// stream, ring keeps the last seconds of it, decode turns key units into
// pictures.
package ingest

import (
	"context"
	"slices"
	"time"

	"tidewatch/ingest/nal"
)

// Transport is how a camera's video travels.
type Transport string

// The transports. Auto is TCP, and UDP from cameras that refuse TCP.
const (
	TransportAuto Transport = "auto"
	TransportTCP  Transport = "tcp"
	TransportUDP  Transport = "udp"
)

// Camera is one RTSP source that watches a kerb.
type Camera struct {
	ID        string // short name used in configuration, metrics and logs
	Name      string // what officers call it
	DeviceID  string // the camera's 20 digits on the police side (GA/T 1400)
	Place     string // where it stands, as written on evidence
	Direction string // where it looks, as written on evidence
	Section   string // ID of the road section that it watches; may be empty
	Vendor    Vendor // whose menus it has, for what there is to set; empty if nobody said

	URL       string // of the main stream: rtsp:// or rtsps://, without credentials
	SubURL    string // of a smaller stream of the same picture, for detection; may be empty
	Transport Transport
	Authority []byte // PEM of who signed the camera's TLS certificate; nil: whom the system trusts
	Username  string
	Password  string // never logged, never in an error
	// AllowBasic lets the password be sent as it is to a camera that knows no
	// digest, even without TLS.
	AllowBasic bool

	// FrameInterval is how often a picture of the main stream should come;
	// zero if nobody said.
	FrameInterval time.Duration
	// ClockTolerance is how far the camera's clock may be from ours before
	// its time is no longer believed.
	ClockTolerance time.Duration
}

// Stamp is the time of a picture, told twice.
type Stamp struct {
	Camera  time.Time // the camera's clock, by RTCP sender reports; zero while unknown
	Arrival time.Time // our clock, when the unit was complete
	Clock   ClockReading
}

// ClockError is how far the camera's clock is ahead of ours. Once it has been
// followed for a while the network's least delay alone is in it (so a perfect
// camera shows a small negative error), before that the delay of this picture.
// It is false while the camera's clock is unknown: the time is uncertain.
func (s Stamp) ClockError() (time.Duration, bool) {
	switch {
	case s.Camera.IsZero():
		return 0, false
	case s.Clock.Settled:
		return s.Clock.Offset, true
	}
	return s.Camera.Sub(s.Arrival), true
}

// Moment is when the picture was taken, by our clock: the moment to judge by.
// Once the camera's clock has been followed for a while it is the camera's time
// less its error, so that neither the delay of this picture nor a clock that
// was set, lost or is wrong moves it; before that it is the arrival. Two
// moments of one camera can be subtracted.
func (s Stamp) Moment() time.Time {
	if s.Camera.IsZero() || !s.Clock.Settled {
		return s.Arrival
	}
	if moment := s.Camera.Add(-s.Clock.Offset); moment.Before(s.Arrival) {
		return moment
	}
	return s.Arrival // nothing arrives before it is taken
}

// Time is when the picture was taken, by the camera's clock where it is known
// and within tolerance of ours. A clock that is not believed still tells how long
// this picture was on its way beyond the least delay, so its time is brought
// to ours by the error; and where nothing is known, the arrival counts.
func (s Stamp) Time(tolerance time.Duration) time.Time {
	clockError, known := s.ClockError()
	switch {
	case !known:
		return s.Arrival
	case clockError.Abs() <= tolerance:
		return s.Camera
	case s.Clock.Settled:
		return s.Camera.Add(-clockError)
	}
	return s.Arrival
}

// Stream names one of a camera's streams.
type Stream string

// The streams of a camera.
const (
	Main Stream = "main" // evidence and plates
	Sub  Stream = "sub"  // the same picture, smaller, for detection
)

// Unit is one access unit, as the camera sent it. A unit is immutable: the
// ring, the watcher and the evidence share it.
type Unit struct {
	Stamp
	Stream  Stream        // that it came in
	Session uint64        // counts connections; a clip never crosses from one to the next
	PTS     time.Duration // presentation time on the session's own clock
	Format  *Format       // parameter sets in force; shared by units of a session until they change
	NALUs   [][]byte      // without start codes
	Key     bool          // decodable on its own with Format
	Damaged bool          // packets of it were lost, or of the key unit it builds on: never evidence
	// Linked says that all units from the key unit before on have come, each
	// following the one before it: decoding on from there shows this one.
	Linked bool
	// Lead are the units that must be decoded before this one, from a key unit on,
	// in order. It is set only where the picture is to be shown.
	Lead []*Unit
	// Lone is a field whose frame has no other: pictures may build on it, but none is
	// shown of it.
	Lone bool

	timeline *timeline // of the session; nil for a unit of no stream
}

// Resolved is the unit's stamp as far as it is known by now: the camera's time
// of a unit that came before the first report is known once that has come.
func (u *Unit) Resolved() Stamp {
	stamp := u.Stamp
	if stamp.Camera.IsZero() {
		if camera, known := u.timeline.at(u.PTS); known {
			stamp.Camera = camera
		}
	}
	return stamp
}

// Shown is when the picture is shown, since the session began: the presentation
// time, unless the session's media clock has turned out to be wrong.
func (u *Unit) Shown() time.Duration { return u.timeline.shown(u.PTS, u.Arrival) }

// MediaSpeed is how fast the session's media clock runs, of true speed, where it
// is known to be wrong: 0 where it stands still.
func (u *Unit) MediaSpeed() (speed float64, wrong bool) {
	if u.timeline == nil {
		return 1, false
	}
	return u.timeline.pace.speed()
}

// Moment is the stamp's Moment. What is learnt of the camera's time later does
// not change it.
func (u *Unit) Moment() time.Time { return u.Stamp.Moment() }

// Time is the resolved stamp's Time.
func (u *Unit) Time(tolerance time.Duration) time.Time { return u.Resolved().Time(tolerance) }

// Announced reports whether the camera says itself that decoding can begin with
// this unit. Key units that it says nothing of are known by that nothing in them
// is predicted from other pictures.
func (u *Unit) Announced() bool {
	for _, nalu := range u.NALUs {
		if pictures, ok := nal.RecoveryPoint(u.Format.Codec, nalu); ok && pictures == 0 {
			return true
		}
		if head, ok := u.Format.Head(nalu); ok && head.Alone {
			return true
		}
	}
	return false
}

// Whole reports whether the picture can be shown: by itself, or decoded on from the
// key unit before.
func (u *Unit) Whole() bool { return !u.Damaged && !u.Lone && (u.Key || u.Linked) }

// Run is all that shows the picture: the units that lead to it, and itself.
func (u *Unit) Run() []*Unit { return append(u.Lead[:len(u.Lead):len(u.Lead)], u) }

// AppendAnnexB appends all that shows the picture as a file that players and
// decoders take, who know nothing else.
func (u *Unit) AppendAnnexB(file []byte) []byte {
	var before *Unit
	for _, of := range u.Run() {
		file, before = of.AppendFollowing(file, before), of
	}
	return file
}

// AppendFollowing appends the unit for a decoder that was given another one before,
// or none: its NALUs, byte for byte as the camera sent them, each behind a start
// code, and before them the parameter sets that the decoder may not know. FFmpeg
// shows an intra picture of H.264 that nobody has announced as one to begin with
// only as damaged, or not at all; it is announced.
func (u *Unit) AppendFollowing(file []byte, before *Unit) []byte {
	nalus := u.NALUs
	if u.Format.Codec == H264 && u.Key && !u.Announced() {
		nalus = slices.Concat([][]byte{nal.Entry}, nalus)
	}
	if before == nil || u.Key || before.Format != u.Format || !u.Format.single() {
		nalus = u.Format.Prepend(nalus)
	}
	for _, nalu := range nalus {
		file = append(append(file, 0, 0, 0, 1), nalu...)
	}
	return file
}

// Leading reports whether the unit, where it directly follows a key unit, may
// build on what was before that.
func (u *Unit) Leading() bool {
	for _, nalu := range u.NALUs {
		if head, ok := u.Format.Head(nalu); ok && head.Leading {
			return true
		}
	}
	return false
}

// Refreshes reports whether nothing after the unit builds on what was before it,
// by the camera's word (IDR).
func (u *Unit) Refreshes() bool {
	for _, nalu := range u.NALUs {
		if head, ok := u.Format.Head(nalu); ok {
			return head.Alone && u.Format.Codec == H264
		}
	}
	return false
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
