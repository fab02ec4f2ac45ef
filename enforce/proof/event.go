package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
)

// Role is a part of the system that writes to the case log, with a key of its
// own.
type Role string

// The roles.
const (
	Worker   Role = "worker"   // watches cameras
	Desk     Role = "desk"     // takes decisions of officers who have signed in
	Uploader Role = "uploader" // speaks to the police platform
	Custody  Role = "custody"  // confirms and deletes evidence, and repairs the record
)

// Roles are all of them.
var Roles = []Role{Worker, Desk, Uploader, Custody}

var writes = map[Role][]enforce.EventType{
	Worker:   {enforce.Suspected, enforce.StopEnded},
	Desk:     {enforce.Confirmed, enforce.Warned, enforce.Rejected, enforce.Held, enforce.Released},
	Uploader: {enforce.UploadFailed, enforce.Receipted},
	Custody:  {enforce.Timestamped, enforce.Deleted, enforce.Repaired},
}

// RoleOf is the role that writes events of a type, and empty where none does.
func RoleOf(kind enforce.EventType) Role {
	for role, kinds := range writes {
		if slices.Contains(kinds, kind) {
			return role
		}
	}
	return ""
}

// EventFormat is the domain of signatures of events: none of them is one of
// evidence, nor the other way about.
const EventFormat = "tidewatch-event/1"

// signatureMember is the member of an event's object that the signature does
// not cover: itself.
const signatureMember = "signature"

// eventSignature says who signed an event.
type eventSignature struct {
	Key     string `json:"key"`     // its name and ID
	Ed25519 []byte `json:"ed25519"` // of eventStatement
}

// ErrUnsigned says that an event has no signature.
var ErrUnsigned = errors.New("is not signed")

// eventStatement is what is signed of an event, given in canonical form without
// its signature.
func eventStatement(key string, text []byte) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n", EventFormat, key, text)
}

// SignEvent writes an event as the case log keeps it: canonical JSON (RFC 8785)
// with its signature as one more member. What members an event gets in later
// versions is signed too, and checked by this one without knowing them.
func SignEvent(signer note.Signer, event any) ([]byte, error) {
	text, err := canonical(event)
	if err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	by := eventSignature{Key: keyName(signer)}
	if by.Ed25519, err = signer.Sign(eventStatement(by.Key, text)); err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	if members[signatureMember], err = canonical(by); err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	return canonical(members)
}

// named is what note.Signer and note.Verifier have in common.
type named interface {
	Name() string
	KeyHash() uint32
}

func keyName(k named) string { return fmt.Sprintf("%s+%08x", k.Name(), k.KeyHash()) }

// parted is a signed event taken apart.
type parted struct {
	text []byte // without the signature
	by   eventSignature
}

var errForm = errors.New("is not in the form in which events are signed")

// partEvent takes an event apart: the text that is signed is what the bytes are
// without the signature. There is one form that they can have around it.
func partEvent(raw []byte) (p parted, err error) {
	members, err := membersOf(raw)
	if err != nil {
		return p, err
	}
	at := slices.IndexFunc(members, func(m member) bool { return m.name == signatureMember })
	if at < 0 {
		return p, ErrUnsigned
	}
	signature := members[at].value
	if !bytes.Equal(object(members), raw) || json.Unmarshal(signature, &p.by) != nil {
		return p, errForm
	}
	if again, err := canonical(p.by); err != nil || !bytes.Equal(again, signature) {
		return p, errForm
	}
	p.text = object(slices.Delete(members, at, at+1))
	return p, nil
}

// member is a member of an object, as it is written.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf are the members of an object.
func membersOf(raw []byte) (members []member, err error) {
	in := json.NewDecoder(bytes.NewReader(raw))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return nil, errForm
	}
	for in.More() {
		name, err := in.Token()
		text, isText := name.(string)
		if err != nil || !isText {
			return nil, errForm
		}
		m := member{name: text}
		if in.Decode(&m.value) != nil {
			return nil, errForm
		}
		members = append(members, m)
	}
	return members, nil
}

// memberForm is how members of events are named, for good.
var memberForm = regexp.MustCompile(`^[a-z0-9_]+$`)

// object writes members as canonical JSON does, if they are in its order.
func object(members []member) []byte {
	var text []byte
	before := ""
	for i, m := range members {
		if m.name <= before || !memberForm.MatchString(m.name) {
			return nil
		}
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		text = append(text, separator, '"')
		text = append(append(text, m.name...), '"', ':')
		text = append(text, m.value...)
		before = m.name
	}
	return append(text, '}')
}

// SignAnew signs an event, given as the case log has it, whatever signature it
// has. Whoever calls it vouches that this system wrote the event.
func SignAnew(signer note.Signer, raw []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	delete(members, signatureMember)
	return SignEvent(signer, members)
}
