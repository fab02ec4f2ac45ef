package clickhouse

import (
	"encoding/json"
	"fmt"
	"time"

	"tidewatch/enforce"
)

// eventRow is a row of case_events.
type eventRow struct {
	CaseID       string    `ch:"case_id"`
	LogPartition uint32    `ch:"log_partition"`
	LogOffset    uint64    `ch:"log_offset"`
	EventID      string    `ch:"event_id"`
	Type         string    `ch:"type"`
	At           time.Time `ch:"at"`
	Actor        string    `ch:"actor"`
	Revision     uint32    `ch:"revision"`
	Outcome      string    `ch:"outcome"`
	Payload      string    `ch:"payload"`
}

// toEventRow keeps an event with its bytes as they stand in the log, so that its
// signature still holds. Rows are laid out by month: what a stranger claims to
// be the time must not make a part for each of thousands.
func toEventRow(m enforce.Checked, outcome enforce.Outcome) eventRow {
	e, proven := m.Proven()
	at := moment(e.At)
	if !proven {
		at = moment(time.Time{})
	}
	return eventRow{
		CaseID: e.Case, LogPartition: uint32(m.Partition), LogOffset: uint64(m.Offset),
		EventID: e.ID, Type: string(e.Type), At: at, Actor: e.Actor,
		Revision: uint32(max(e.Revision, 0)), Outcome: string(outcome), Payload: string(m.Raw()),
	}
}

// caseRow is a row of cases. Its payload is the case; all else is for those
// who ask in SQL.
type caseRow struct {
	CaseID       string    `ch:"case_id"`
	LogPartition uint32    `ch:"log_partition"`
	LogOffset    uint64    `ch:"log_offset"`
	State        string    `ch:"state"`
	Revision     uint32    `ch:"revision"`
	OpenedAt     time.Time `ch:"opened_at"`

	CameraID    string `ch:"camera_id"`
	CameraName  string `ch:"camera_name"`
	DeviceID    string `ch:"device_id"`
	Place       string `ch:"place"`
	Direction   string `ch:"direction"`
	SectionID   string `ch:"section_id"`
	SectionName string `ch:"section_name"`
	TimeZone    string `ch:"time_zone"`
	Zone        string `ch:"zone"`
	Trial       bool   `ch:"trial"`
	Policy      string `ch:"policy"`
	Code        string `ch:"code"`

	Class           string  `ch:"class"`
	Plate           string  `ch:"plate"`
	PlateRead       string  `ch:"plate_read"`
	PlateKind       string  `ch:"plate_kind"`
	PlateConfidence float64 `ch:"plate_confidence"`
	PlateAccepted   bool    `ch:"plate_accepted"`
	PlateConfirmed  string  `ch:"plate_confirmed"`
	BoxX            float64 `ch:"box_x"`
	BoxY            float64 `ch:"box_y"`
	BoxWidth        float64 `ch:"box_width"`
	BoxHeight       float64 `ch:"box_height"`

	StopID    string     `ch:"stop_id"`
	StopStart time.Time  `ch:"stop_start"`
	StopEnd   *time.Time `ch:"stop_end"`
	Since     time.Time  `ch:"since"`
	Due       time.Time  `ch:"due"`
	Reasons   []string   `ch:"reasons"`

	DecidedAt       *time.Time `ch:"decided_at"`
	DecidedBy       string     `ch:"decided_by"`
	Decided         string     `ch:"decided"`
	Proposed        string     `ch:"proposed"`
	Grounds         string     `ch:"grounds"`
	RejectReason    string     `ch:"reject_reason"`
	DeviationReason string     `ch:"deviation_reason"`
	UploadAttempt   *uint32    `ch:"upload_attempt"`
	UploadError     string     `ch:"upload_error"`
	ReceiptAt       *time.Time `ch:"receipt_at"`
	ReceiptAccepted *bool      `ch:"receipt_accepted"`
	ReceiptPlatform string     `ch:"receipt_platform"`
	ReceiptID       string     `ch:"receipt_id"`
	ReceiptCode     string     `ch:"receipt_code"`
	ReceiptMessage  string     `ch:"receipt_message"`

	Manifest   string   `ch:"manifest"`
	FileKinds  []string `ch:"file_kinds"`
	FileSHA256 []string `ch:"file_sha256"`
	FileSizes  []int64  `ch:"file_sizes"`

	Payload string `ch:"payload"`
}

func toCaseRow(c enforce.Case, at enforce.Position) (caseRow, error) {
	payload, err := json.Marshal(casePayload(c))
	if err != nil {
		return caseRow{}, fmt.Errorf("encode case %s: %w", c.ID, err)
	}
	v := c.Violation
	row := caseRow{
		CaseID: c.ID, LogPartition: uint32(at.Partition), LogOffset: uint64(at.Offset),
		State: string(c.State), Revision: uint32(max(c.Revision, 0)), OpenedAt: moment(c.OpenedAt),

		CameraID: v.Camera.ID, CameraName: v.Camera.Name, DeviceID: v.Camera.DeviceID,
		Place: v.Camera.Place, Direction: v.Camera.Direction,
		SectionID: v.Section.ID, SectionName: v.Section.Name, TimeZone: v.Section.TimeZone,
		Zone: v.Zone.ID, Trial: v.Trial, Policy: v.Policy, Code: v.Code,

		Class: string(v.Class), Plate: c.Plate(), PlateRead: v.Plate.Text, PlateKind: string(v.Plate.Kind),
		PlateConfidence: v.Plate.Confidence, PlateAccepted: v.Plate.Accepted, PlateConfirmed: c.Decision.Plate,
		BoxX: v.Box.X, BoxY: v.Box.Y, BoxWidth: v.Box.W, BoxHeight: v.Box.H,

		StopID: v.StopID, StopStart: moment(v.StopStart), StopEnd: optional(c.StopEnd),
		Since: moment(v.Since), Due: moment(v.Due),

		Manifest: v.Evidence.Manifest, Payload: string(payload),
	}
	row.setDecision(c)
	row.setUpload(c)
	for _, reason := range v.Reasons {
		row.Reasons = append(row.Reasons, string(reason.Code))
	}
	for _, file := range v.Evidence.Files {
		row.FileKinds = append(row.FileKinds, string(file.Kind))
		row.FileSHA256 = append(row.FileSHA256, file.SHA256)
		row.FileSizes = append(row.FileSizes, file.Size)
	}
	return row, nil
}

func (row *caseRow) setDecision(c enforce.Case) {
	row.DecidedAt, row.DecidedBy, row.Decided = optional(c.DecidedAt), c.DecidedBy, string(c.Decided)
	row.Proposed, row.Grounds = string(c.Decision.Proposed), c.Decision.Grounds
	if c.Decided == enforce.Confirmed || c.Decided == enforce.Warned {
		row.DeviationReason = c.Decision.Reason
		return
	}
	row.RejectReason = c.Decision.Reason
}

func (row *caseRow) setUpload(c enforce.Case) {
	if f := c.Failure; f != nil {
		attempt := uint32(max(f.Attempt, 0))
		row.UploadAttempt, row.UploadError = &attempt, f.Error
	}
	if r := c.Receipt; r != nil {
		row.ReceiptAt, row.ReceiptAccepted = optional(r.At), &r.Accepted
		row.ReceiptPlatform, row.ReceiptID, row.ReceiptCode, row.ReceiptMessage = r.Platform, r.ID, r.Code, r.Message
	}
}

// moment is t as a DateTime64 can hold it: what lies outside its range, such
// as the zero time, becomes 1970.
func moment(t time.Time) time.Time {
	if t.Year() < 1900 || t.Year() > 2299 {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC()
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = moment(t)
	return &t
}
