// Package sim stands in for those who sign events, in tests of what follows the
// case log.
package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
)

// Anybody may write anything.
type Anybody struct{}

// Prove implements enforce.Prover.
func (Anybody) Prove(enforce.Event, []byte, enforce.Position) error { return nil }

// Proven is an event as the case log gives it, at its beginning. It panics if it
// is no event.
func Proven(e enforce.Event) enforce.Checked { return At(e, enforce.Position{}, Anybody{}) }

// Stranger is an event that nobody of this system wrote.
func Stranger(e enforce.Event) enforce.Checked { return At(e, enforce.Position{}, nil) }

// At is an event at a place of the case log.
func At(e enforce.Event, at enforce.Position, by enforce.Prover) enforce.Checked {
	raw, err := json.Marshal(e)
	if err == nil {
		var checked enforce.Checked
		if checked, err = enforce.Check(raw, at, by); err == nil {
			return checked
		}
	}
	panic(fmt.Sprintf("event %s of case %s: %v", e.Type, e.Case, err))
}

// System is what signs in a data folder.
type System struct {
	Dir  string // of the keys
	Ring *keys.Ring
	*authors.Authors
}

// Config is how its authors are opened.
func (s System) Config() authors.Config {
	return authors.Config{Dir: s.Dir, Root: s.Ring.Signer, Public: s.Ring.Public}
}

// Open opens the keys in a data folder, and makes those that are missing.
func Open(data string) (*System, error) {
	s := &System{Dir: filepath.Join(data, "keys")}
	var err error
	if s.Ring, err = keys.Open(keys.Config{Dir: s.Dir, Origin: "sim"}, time.Now()); err != nil {
		return nil, err
	}
	s.Authors, err = authors.Open(s.Config(), time.Now())
	return s, err
}

// SecretOf is the key of a role.
func (s System) SecretOf(role proof.Role) (note.Signer, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, string(role)+".key"))
	if err != nil {
		return nil, err
	}
	return note.NewSigner(string(text[:len(text)-1]))
}
