// Package authors lets every event of the case log prove who wrote it. Each
// part of the system that writes has a key of its own (proof.Role), the roster
// says which these are, and the system's signing key signs the roster. An event
// that none of them signed is void, whoever put it into Kafka.
//
// Events from before they were signed count at the places at which they stood
// when the first key was made, and with the content that they had then; so do
// those of a key that has been replaced, up to where the log ended then.
package authors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
)

// rosterName is the name of the roster in the folder of the keys.
const rosterName = "roster"

// Config says where the keys are, and who vouches for them.
type Config struct {
	Dir    string      // of the system's keys
	Root   note.Signer // the system's signing key
	Public proof.Keys  // all public keys that ever were
	// Fresh says that this system has written nothing yet: what a case log holds
	// is not its own.
	Fresh bool
	// Adopt takes what a case log holds as it is, when Settle meets it for the
	// first time. Else Settle refuses what it cannot tell.
	Adopt bool
}

// Authors are the keys of the parts that write, and what is known of them. It
// is safe for concurrent use.
type Authors struct {
	// Amiss is which keys Open replaced, for people: none at the first start.
	Amiss []string

	cfg      Config
	readOnly bool // writes nothing
	secrets  map[proof.Role]string
	signers  map[proof.Role]note.Signer

	mu      sync.RWMutex
	roster  proof.Roster
	keys    proof.Authors
	begun   bool             // there is a roster
	log     *proof.LogRecord // nil before Settle
	home    func(violation string, partitions int) int
	earlier earlier
}

func newAuthors(cfg Config) *Authors {
	return &Authors{cfg: cfg, secrets: map[proof.Role]string{}, signers: map[proof.Role]note.Signer{}}
}

// ErrLost says that the roster is gone although there were keys.
var ErrLost = errors.New("the list of who may write to the case log is lost")

const howFound = "restore keys/ from its backup; where there is none, make sure that nobody else wrote to the case log (docs/operating.md), " +
	"then run tidewatch log adopt, which takes the log as it is"

// Open reads the keys, makes what is missing, and replaces in the roster what was
// taken away. Only the process that holds the data folder may call it.
func Open(cfg Config, now time.Time) (*Authors, error) {
	a := newAuthors(cfg)
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open keys of events: %w", err)
	}
	if err := a.readRoster(); err != nil {
		return nil, err
	}
	if err := a.readSecrets(); err != nil {
		return nil, err
	}
	if !a.begun && len(a.signers) > 0 && !cfg.Adopt {
		return nil, fmt.Errorf("%s: %w: %s", a.path(rosterName), ErrLost, howFound)
	}
	return a, a.complete(now)
}

// Read reads the keys beside the process that holds the data folder, or after
// it, and changes nothing.
func Read(cfg Config) (*Authors, error) {
	a := newAuthors(cfg)
	a.readOnly = true
	if err := a.readRoster(); err != nil {
		return nil, err
	}
	if a.begun {
		return a, nil
	}
	for _, role := range proof.Roles {
		if _, err := os.Stat(a.secretPath(role)); err == nil {
			return nil, fmt.Errorf("%s: %w: %s", a.path(rosterName), ErrLost, howFound)
		}
	}
	return a, nil
}

// Unlock reads the secret keys after Read, for a command that writes.
func (a *Authors) Unlock() error {
	if err := a.readSecrets(); err != nil {
		return err
	}
	for _, role := range proof.Roles {
		signer, found := a.signers[role]
		current, known := a.roster.Current(role)
		if !found || !known || current.Name() != nameOf(signer) {
			return fmt.Errorf("key of the %s, %s, is not the one in use; start Tidewatch once, which makes and enters keys", role, a.secretPath(role))
		}
	}
	return nil
}

func (a *Authors) path(name string) string { return filepath.Join(a.cfg.Dir, name) }

func (a *Authors) readRoster() error {
	signed, err := os.ReadFile(a.path(rosterName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read roster: %w", err)
	}
	if a.roster, err = a.cfg.Public.OpenRoster(signed); err != nil {
		return fmt.Errorf("read roster %s: %w; restore it from the backup of keys/", a.path(rosterName), err)
	}
	a.begun, a.keys = true, a.roster.Authors()
	return nil
}

// Roster is the roster as it is exported: signed; empty where there is none.
func Roster(dir string) ([]byte, error) {
	signed, err := os.ReadFile(filepath.Join(dir, rosterName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read roster: %w", err)
	}
	return signed, nil
}

// Custody is the key that seals exported records; nil where it is not at hand.
func (a *Authors) Custody() note.Signer { return a.signers[proof.Custody] }

// complete makes the keys that are missing and enters all that are new.
func (a *Authors) complete(now time.Time) error {
	if !a.begun {
		a.roster.Fresh = a.cfg.Fresh
	}
	fresh := map[proof.Role]string{}
	changed := false
	for _, role := range proof.Roles {
		secret, found := a.secrets[role]
		if !found {
			var err error
			if secret, err = a.makeSecret(role); err != nil {
				return err
			}
			fresh[role] = secret
		}
		entered, err := a.enter(role, secret, now.UTC().Truncate(time.Second))
		if err != nil {
			return err
		}
		changed = changed || entered
	}
	a.keys = a.roster.Authors()
	if !changed {
		return nil
	}
	// The roster comes first. A crash in between leaves a key in it that nobody
	// has, which the next start replaces.
	if err := a.saveRoster(); err != nil {
		return err
	}
	return a.saveSecrets(fresh)
}

// enter brings the key of a role that is in use into the roster.
func (a *Authors) enter(role proof.Role, secret string, now time.Time) (changed bool, err error) {
	public, err := keys.PublicOf(secret)
	if err != nil {
		return false, fmt.Errorf("read key %s: %w", a.secretPath(role), err)
	}
	for i, k := range a.roster.Keys {
		switch {
		case k.Role != role && k.Key == public:
			return false, fmt.Errorf("key %s is that of the %s too: each needs its own; remove it and start again", a.secretPath(role), k.Role)
		case k.Role != role || !k.Retired.IsZero():
		case k.Key == public:
			return false, nil
		default:
			a.roster.Keys[i].Retired = now
			a.Amiss = append(a.Amiss, fmt.Sprintf("%s is missing, or another than before: events of the %s are signed with a new key from now on",
				a.secretPath(role), role))
		}
	}
	for _, k := range a.roster.Keys {
		if k.Key == public {
			return false, fmt.Errorf("key %s was replaced on %s; remove it, and a new one is made", a.secretPath(role), k.Retired.Format(time.DateOnly))
		}
	}
	a.roster.Keys = append(a.roster.Keys, proof.EventKey{Key: public, Role: role, From: now})
	return true, nil
}

func (a *Authors) saveRoster() error {
	signed, err := a.roster.Sign(a.cfg.Root)
	if err != nil {
		return err
	}
	a.begun = true
	return save(a.path(rosterName), signed, 0o644)
}

// Begun reports whether there are keys. Before there are, nothing is signed, and
// what Read can sign for stays as it is: the first start lists it.
func (a *Authors) Begun() bool { return a.begun }

// Sign writes an event as the case log takes it, signed by the role that writes
// such events.
func (a *Authors) Sign(e enforce.Event) ([]byte, error) {
	if a.readOnly && !a.begun {
		return json.Marshal(e)
	}
	signer, err := a.signer(e)
	if err != nil {
		return nil, err
	}
	return proof.SignEvent(signer, e)
}

// SignAnew signs what this system wrote and kept elsewhere than in the case log,
// given as it would stand there, unless its signature counts at any place. It is
// for the spool, and for repairs.
func (a *Authors) SignAnew(raw []byte) ([]byte, error) {
	e, err := parse(raw)
	if err != nil || a.readOnly && !a.begun {
		return raw, err
	}
	signer, err := a.signer(e)
	if err != nil {
		return nil, err
	}
	a.mu.RLock()
	by, err := a.keys.Check(e, raw)
	a.mu.RUnlock()
	switch {
	case err == nil && by.Retired.IsZero():
		return raw, nil
	case err == nil || errors.Is(err, proof.ErrUnsigned):
		return proof.SignAnew(signer, raw)
	}
	return nil, fmt.Errorf("event %s of case %s %w", e.Type, e.Case, err)
}

func (a *Authors) signer(e enforce.Event) (note.Signer, error) {
	role := proof.RoleOf(e.Type)
	signer, known := a.signers[role]
	if !known {
		return nil, fmt.Errorf("sign event %s of case %s: no key for it is at hand", e.Type, e.Case)
	}
	return signer, nil
}
