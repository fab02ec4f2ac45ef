package enforce

import (
	"time"

	"tidewatch/detect"
	"tidewatch/detect/plate"
)

// Violation is what the machine suspects, with its evidence. Nobody is
// punished by it: it becomes a case that an officer decides. Times are UTC.
type Violation struct {
	ID      string       `json:"id"` // see ViolationID
	Camera  CameraRef    `json:"camera"`
	Section SectionRef   `json:"section"`
	Zone    ZoneRef      `json:"zone"`
	Rule    Rule         `json:"rule"`
	Policy  string       `json:"policy"` // ID of the policy it was judged under
	Code    string       `json:"code"`   // violation code on the police side
	Class   detect.Class `json:"class"`
	Plate   plate.Read   `json:"plate"` // as the machine read it
	Box     detect.Box   `json:"box"`

	StopID    string    `json:"stop_id"`
	StopStart time.Time `json:"stop_start"`
	Since     time.Time `json:"since"` // when the offending stretch began
	Due       time.Time `json:"due"`   // when the observation period ran out
	Reasons   []Reason  `json:"reasons"`

	// Stop is what the verdict rests on; zero in cases from before it was kept.
	Stop StopRecord `json:"stop,omitzero"`

	// Trial says that the zone is in its trial: nothing may be submitted.
	Trial bool `json:"trial,omitempty"`
	// Exemptions is the ID of the list of exempt vehicles as it then was.
	Exemptions string `json:"exemptions,omitempty"`

	Evidence Evidence `json:"evidence,omitzero"`
}

// CameraRef is what a case keeps of its camera, as it was on that day.
type CameraRef struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	DeviceID  string `json:"device_id"` // 20 digits, may be empty
	Place     string `json:"place"`
	Direction string `json:"direction"`
}

// SectionRef is what a case keeps of its road section.
type SectionRef struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	TimeZone string `json:"time_zone"` // IANA name, for showing times
}

// ZoneRef is what a case keeps of the zone the vehicle stood in.
type ZoneRef struct {
	ID       string   `json:"id"`
	Polygon  Polygon  `json:"polygon"`
	Vehicles Vehicles `json:"vehicles,omitempty"`
	Bays     []Bay    `json:"bays,omitempty"`
}

// RefOf is what a case keeps of a zone.
func RefOf(z Zone) ZoneRef { return ZoneRef{z.ID, z.Polygon, z.Vehicles, z.Bays} }

// Zone is the zone as it was then.
func (r ZoneRef) Zone() Zone {
	return Zone{ID: r.ID, Polygon: r.Polygon, Vehicles: r.Vehicles, Bays: r.Bays}
}

// Rule is what was announced for the section when the violation was judged.
type Rule struct {
	Windows           []TidalWindow `json:"windows,omitempty"`
	Suspensions       []Suspension  `json:"suspensions,omitempty"`
	ObservationPeriod time.Duration `json:"observation_period_ns"`
	Grace             time.Duration `json:"grace_ns"`
	Discretion        *Discretion   `json:"discretion,omitempty"` // nil: no scale was announced
}

// Evidence is the set of files that prove a violation, each stored under its
// SHA-256 and listed, with its hash, in the manifest.
type Evidence struct {
	Manifest string `json:"manifest"` // SHA-256 of the manifest, hex
	Files    []File `json:"files"`

	// Signature is the SHA-256 of the signature under the manifest, empty in
	// cases of before there were any, and Leaf its place in the log of evidence,
	// meaningful only with a signature. Timestamp is the SHA-256 of what an
	// authority says of when the signature was there (RFC 3161), empty until it
	// has.
	Signature string `json:"signature,omitempty"`
	Leaf      uint64 `json:"leaf,omitempty"`
	Timestamp string `json:"timestamp,omitempty"`
}

// FileName names a file of the evidence by what it shows and by its content.
type FileName struct {
	Kind   FileKind `json:"kind"`
	SHA256 string   `json:"sha256"` // hex
}

// FileKind says what a file shows.
type FileKind string

// The files of a package, in the order in which an officer looks at them.
//
// The originals are the camera's own bytes, units and clip, and what a unit
// shows, rendered as JPEG: wide views at full size, the vehicle and its plate cut
// out of them. Nothing is drawn on those. Marked copies and the composite are
// made of them, for reading and for the police: below the picture stand time,
// place, direction, device, violation code and anti-forgery code.
const (
	SceneBegin  FileKind = "scene_begin"  // the wide view as the stop began
	SceneMiddle FileKind = "scene_middle" // midway
	SceneDue    FileKind = "scene_due"    // as the observation period ran out
	CloseUp     FileKind = "close_up"     // the vehicle, from SceneDue
	Plate       FileKind = "plate"        // its plate as it was read best; missing where it was not read

	Composite     FileKind = "composite" // two wide views, the close-up and the plate in one picture
	MarkedBegin   FileKind = "marked_begin"
	MarkedMiddle  FileKind = "marked_middle"
	MarkedDue     FileKind = "marked_due"
	MarkedCloseUp FileKind = "marked_close_up"

	Clip       FileKind = "clip"       // video as the camera sent it
	UnitBegin  FileKind = "unit_begin" // what SceneBegin is made of, as the camera sent it: a key unit, or all from one on
	UnitMiddle FileKind = "unit_middle"
	UnitDue    FileKind = "unit_due"
	UnitPlate  FileKind = "unit_plate" // of Plate, where it is none of the above
)

// FileKinds lists every kind of file.
var FileKinds = []FileKind{
	SceneBegin, SceneMiddle, SceneDue, CloseUp, Plate,
	Composite, MarkedBegin, MarkedMiddle, MarkedDue, MarkedCloseUp,
	Clip, UnitBegin, UnitMiddle, UnitDue, UnitPlate,
}

// File is one stored file of the evidence.
type File struct {
	Kind      FileKind `json:"kind"`
	SHA256    string   `json:"sha256"` // hex
	MediaType string   `json:"media_type"`
	Codec     string   `json:"codec,omitempty"` // of a clip or unit: h264 or h265, as the camera encoded it
	Size      int64    `json:"size"`            // bytes
	Width     int      `json:"width,omitempty"` // of a picture, in pixels
	Height    int      `json:"height,omitempty"`

	// Of are the SHA-256 of the files that it was made of, in the order in which
	// it shows them, and AntiForgery is the code drawn into it: see the function.
	Of          []string `json:"of,omitempty"`
	AntiForgery string   `json:"anti_forgery,omitempty"`

	// At is the moment judged by: when the picture was taken, by our clock.
	// CameraTime is when by the camera's clock, zero if unknown, and ArrivalTime
	// when it had come, by ours. For a clip they are those of its first unit.
	// ClockError is the camera's clock minus ours, meaningful only with a camera
	// time. For a composite they are those of its latest wide view.
	At          time.Time     `json:"at"`
	CameraTime  time.Time     `json:"camera_time,omitzero"`
	ArrivalTime time.Time     `json:"arrival_time"`
	ClockError  time.Duration `json:"clock_error_ns"`
	Duration    time.Duration `json:"duration_ns,omitempty"` // of a clip
	// Short says that a clip covers less than it should, since there was no more.
	Short bool `json:"short,omitempty"`
	// MediaSpeed is set where the camera's timestamps were wrong: how fast they
	// ran, of true speed. The times in the clip are those at which it came.
	MediaSpeed *float64 `json:"media_speed,omitempty"`
}

// File returns the first file of a kind.
func (e Evidence) File(kind FileKind) (File, bool) {
	for _, f := range e.Files {
		if f.Kind == kind {
			return f, true
		}
	}
	return File{}, false
}
