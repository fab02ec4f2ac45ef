package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
)

// Roster says who may write to the case log: the public keys of the roles, all
// that ever were, and in which logs what was there before them counts. The
// system's signing key signs it, so whoever trusts that key needs no other.
type Roster struct {
	Format string `json:"format"`
	// Fresh says that the system had written nothing before it had these keys.
	Fresh bool        `json:"fresh,omitempty"`
	Keys  []EventKey  `json:"keys"`
	Logs  []LogRecord `json:"logs"`
}

const rosterFormat = "tidewatch-roster/1"

// EventKey is the key of a role.
type EventKey struct {
	Key     string    `json:"key"` // NAME+ID+KEY
	Role    Role      `json:"role"`
	From    time.Time `json:"from"`
	Retired time.Time `json:"retired,omitzero"` // when another took its place
}

// LogRecord says what counts in one case log without a key that is in use.
type LogRecord struct {
	Cluster    string `json:"cluster"` // as Kafka names it
	Topic      string `json:"topic"`
	Partitions int    `json:"partitions"` // a case has its place in one of as many
	// Earlier is the SHA-256 of the list of events from before they were signed;
	// empty where there were none.
	Earlier string `json:"earlier,omitempty"`
	// Retired is up to where each retired key counts: offsets by partition.
	Retired map[string][]int64 `json:"retired,omitempty"`
}

// Sign writes a roster as a note.
func (r Roster) Sign(signer note.Signer) ([]byte, error) {
	r.Format = rosterFormat
	text, err := canonical(r)
	if err != nil {
		return nil, fmt.Errorf("write roster: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: string(text) + "\n"}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign roster: %w", err)
	}
	return signed, nil
}

// OpenRoster reads a roster that one of the keys has signed.
func (keys Keys) OpenRoster(signed []byte) (r Roster, err error) {
	text, _, err := keys.open(signed)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Format != rosterFormat {
		return r, errors.New("is no roster that this program can read")
	}
	for _, k := range r.Keys {
		if _, err := note.NewVerifier(k.Key); err != nil || !slices.Contains(Roles, k.Role) {
			return r, fmt.Errorf("names a key %q of role %q, which this program does not know", k.Key, k.Role)
		}
	}
	return r, nil
}

// Name is how people are told of a key: its name and ID.
func (k EventKey) Name() string {
	v, err := note.NewVerifier(k.Key)
	if err != nil {
		return "unknown"
	}
	return keyName(v)
}

// Current is the key of a role that is in use, if there is one.
func (r Roster) Current(role Role) (EventKey, bool) {
	for _, k := range r.Keys {
		if k.Role == role && k.Retired.IsZero() {
			return k, true
		}
	}
	return EventKey{}, false
}

// Log is the record of a case log.
func (r Roster) Log(cluster, topic string) (LogRecord, bool) {
	for _, l := range r.Logs {
		if l.Cluster == cluster && l.Topic == topic {
			return l, true
		}
	}
	return LogRecord{}, false
}

// Authors are the keys of a roster, ready to check with.
type Authors map[string]author

type author struct {
	EventKey
	verifier note.Verifier
}

// Authors makes them ready.
func (r Roster) Authors() Authors {
	authors := Authors{}
	for _, k := range r.Keys {
		if v, err := note.NewVerifier(k.Key); err == nil {
			authors[keyName(v)] = author{k, v}
		}
	}
	return authors
}

// Check says who wrote an event, given with its bytes in the case log: the error
// says why nobody is known to have. ErrUnsigned is one of these.
func (a Authors) Check(e enforce.Event, raw []byte) (EventKey, error) {
	p, err := partEvent(raw)
	if err != nil {
		return EventKey{}, err
	}
	by, known := a[p.by.Key]
	switch {
	case !known:
		return EventKey{}, fmt.Errorf("is signed by %q, which is no key of this system", p.by.Key)
	case !by.verifier.Verify(eventStatement(p.by.Key, p.text), p.by.Ed25519):
		return EventKey{}, fmt.Errorf("has a signature of %s that does not hold for it", p.by.Key)
	case RoleOf(e.Type) != by.Role:
		return EventKey{}, fmt.Errorf("is signed by the %s, which may not write %s", by.Role, e.Type)
	}
	return by.EventKey, nil
}
