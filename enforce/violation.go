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
	ID      string  `json:"id"`
	Polygon Polygon `json:"polygon"`
}

// Rule is what was announced for the section when the violation was judged.
type Rule struct {
	Windows           []TidalWindow `json:"windows,omitempty"`
	ObservationPeriod time.Duration `json:"observation_period_ns"`
	Grace             time.Duration `json:"grace_ns"`
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
const (
	SceneBegin  FileKind = "scene_begin"  // the wide view as the stop began
	SceneMiddle FileKind = "scene_middle" // midway
	SceneDue    FileKind = "scene_due"    // as the observation period ran out
	CloseUp     FileKind = "close_up"     // the vehicle, from one of the above
	Clip        FileKind = "clip"         // video as the camera sent it
)

// File is one stored file of the evidence.
type File struct {
	Kind      FileKind `json:"kind"`
	SHA256    string   `json:"sha256"` // hex
	MediaType string   `json:"media_type"`
	Codec     string   `json:"codec,omitempty"` // of a clip: h264 or h265, as the camera encoded it
	Size      int64    `json:"size"`            // bytes

	// At is the moment judged by: when the picture was taken, by our clock.
	// CameraTime is when by the camera's clock, zero if unknown, and ArrivalTime
	// when it had come, by ours. For a clip they are those of its first unit.
	// ClockError is the camera's clock minus ours, meaningful only with a camera
	// time.
	At          time.Time     `json:"at"`
	CameraTime  time.Time     `json:"camera_time,omitzero"`
	ArrivalTime time.Time     `json:"arrival_time"`
	ClockError  time.Duration `json:"clock_error_ns"`
	Duration    time.Duration `json:"duration_ns,omitempty"` // of a clip
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
