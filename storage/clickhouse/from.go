package clickhouse

import (
	"encoding/json"
	"fmt"
	"time"

	"tidewatch/enforce"
)

// casePayload is how a case is written as JSON. The names are for good: rows
// already stored have them.
type casePayload struct {
	ID        string            `json:"id"`
	State     enforce.State     `json:"state"`
	Revision  int               `json:"revision"`
	Violation enforce.Violation `json:"violation"`
	OpenedAt  time.Time         `json:"opened_at"`
	StopEnd   time.Time         `json:"stop_end,omitzero"`

	Decision  enforce.Decision  `json:"decision"`
	Decided   enforce.EventType `json:"decided,omitempty"`
	DecidedBy string            `json:"decided_by,omitempty"`
	DecidedAt time.Time         `json:"decided_at,omitzero"`

	Failure *enforce.Failure `json:"failure,omitempty"`
	Receipt *enforce.Receipt `json:"receipt,omitempty"`

	Hold    *enforce.Hold      `json:"hold,omitempty"`
	HoldAt  time.Time          `json:"hold_at,omitzero"`
	Deleted []enforce.FileName `json:"deleted,omitempty"`
}

func fromCasePayload(payload string) (enforce.Case, error) {
	var c casePayload
	if err := json.Unmarshal([]byte(payload), &c); err != nil {
		return enforce.Case{}, fmt.Errorf("decode case: %w", err)
	}
	return enforce.Case(c), nil
}

func fromEventPayload(payload, outcome string) (enforce.Recorded, error) {
	var e enforce.Event
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		return enforce.Recorded{}, fmt.Errorf("decode event: %w", err)
	}
	return enforce.Recorded{Event: e, Outcome: enforce.Outcome(outcome), Raw: []byte(payload)}, nil
}
