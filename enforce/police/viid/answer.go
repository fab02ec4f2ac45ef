package viid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// status is one ResponseStatusObject. Servers differ in what they write into
// it: codes as numbers or text, nulls, times of either form.
type status struct {
	ID   text `json:"Id"`
	Code text `json:"StatusCode"`
	Text text `json:"StatusString"`
}

// The status codes that decide what happens next.
const (
	codeOK           = "0"
	codeBusy         = "2"
	codeReboot       = "9"
	codeInvalid      = "4" // invalid operation
	codeXMLFormat    = "5"
	codeXMLContent   = "6"
	codeJSONFormat   = "7"
	codeJSONContent  = "8"
	maxStatusMessage = 300 // runes of the platform's words that are kept
)

// text is a string, number or null of JSON, as text.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		*t = ""
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(strings.TrimSpace(s))
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*t = text(b)
	default:
		return errors.New("want text or a number")
	}
	return nil
}

// statuses is one status or a list of them.
type statuses []status

func (s *statuses) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]status)(s))
	}
	var one *status
	if err := json.Unmarshal(b, &one); err != nil || one == nil {
		return err
	}
	*s = statuses{*one}
	return nil
}

// parseAnswer reads the statuses of a response: the list that answers a list,
// or the single one that answers the system calls.
func parseAnswer(body []byte) (statuses, error) {
	var answer struct {
		List struct {
			Statuses statuses `json:"ResponseStatusObject"`
		} `json:"ResponseStatusListObject"`
		Single statuses `json:"ResponseStatusObject"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read response status: %w", withoutContent(err))
	}
	return append(answer.List.Statuses, answer.Single...), nil
}

// withoutContent keeps what a JSON error says of the place and drops what it
// quotes, since a response may repeat a plate.
func withoutContent(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON at byte %d", syntax.Offset)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("unexpected kind of value at byte %d", kind.Offset)
	}
	return errors.New("unexpected kind of value")
}

// about is the status of what was sent under an ID: those that name it or,
// where none does, those that name nothing, since one may stand for many. If
// several speak of it, the first that is not OK counts.
func (s statuses) about(id string) (status, error) {
	var named, nameless statuses
	for _, one := range s {
		switch one.ID {
		case text(id):
			named = append(named, one)
		case "":
			nameless = append(nameless, one)
		}
	}
	found := named
	if len(found) == 0 {
		found = nameless
	}
	for _, one := range found {
		if one.Code != codeOK {
			return one, nil
		}
	}
	if len(found) == 0 {
		return status{}, fmt.Errorf("no response status for what was sent (%d for something else)", len(s))
	}
	return found[0], nil
}

// message is the platform's own words, on one line and not too long.
func (s status) message() string {
	words := strings.Join(strings.FieldsFunc(string(s.Text), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if runes := []rune(words); len(runes) > maxStatusMessage {
		words = string(runes[:maxStatusMessage]) + "…"
	}
	return strings.ToValidUTF8(words, "")
}
