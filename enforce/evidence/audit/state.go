package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"tidewatch/enforce/proof"
)

// state is where an auditor is, and what it has found.
type state struct {
	Began     time.Time                  `json:"began,omitzero"` // the pass
	Done      bool                       `json:"done,omitempty"` // and it has come to its end
	Completed time.Time                  `json:"completed,omitzero"`
	Log       bool                       `json:"log,omitempty"`   // it has been looked at in this pass
	After     string                     `json:"after,omitempty"` // the last case that was looked at
	Wrong     map[string][]proof.Finding `json:"wrong,omitempty"` // by case

	saved time.Time
}

// sealed is the state as the file has it. A damaged one could have the check
// pass over evidence for years.
type sealed struct {
	State json.RawMessage `json:"state"`
	Sum   []byte          `json:"sha256"`
}

func (s state) seal() ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return json.Marshal(sealed{text, sum[:]})
}

func unseal(text []byte) (s state, err error) {
	var found sealed
	if err := json.Unmarshal(text, &found); err != nil {
		return s, err
	}
	if sum := sha256.Sum256(found.State); !bytes.Equal(sum[:], found.Sum) {
		return s, errors.New("it is not as it was written")
	}
	return s, json.Unmarshal(found.State, &s)
}

// loadState reads what was remembered. What cannot be read, or was altered, is
// forgotten, and the pass begins anew.
func loadState(path string) (s state) {
	text, err := os.ReadFile(path)
	if err == nil {
		s, err = unseal(text)
	}
	if err != nil {
		s = state{}
	}
	if s.Wrong == nil {
		s.Wrong = map[string][]proof.Finding{}
	}
	maps.DeleteFunc(s.Wrong, func(_ string, found []proof.Finding) bool { return len(found) == 0 })
	return s
}

// ids are the cases of which something is wrong, in order; that of the log is
// first.
func (s state) ids() []string { return slices.Sorted(maps.Keys(s.Wrong)) }

func (s state) count() (n int) {
	for _, found := range s.Wrong {
		n += len(found)
	}
	return n
}

func (a *Auditor) change(how func(*state)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	how(&a.state)
}

// now is where it is; what it has found is a copy.
func (a *Auditor) now() state {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state
	s.Wrong = maps.Clone(s.Wrong)
	return s
}

// enter takes what a look at a case has found in the place of what the one before
// had.
func (a *Auditor) enter(id string, found []proof.Finding) {
	before := a.now().Wrong[id]
	a.change(func(s *state) {
		delete(s.Wrong, id)
		if len(found) > 0 {
			s.Wrong[id] = found
		}
		a.metrics.wrong.Set(float64(s.count()))
	})
	if slices.Equal(before, found) {
		return
	}
	for _, f := range found {
		a.Logger.Error("evidence is not what was recorded", "case", f.Case, "file", f.File, "problem", string(f.Problem), "what", f.What, "means", f.Means)
	}
	if len(found) == 0 {
		a.Logger.Info("evidence is as it was recorded again", "case", id)
	}
	a.save()
}

// Health tells of what is wrong with the evidence; nil while nothing is known to
// be.
func (a *Auditor) Health() error {
	s := a.now()
	ids := s.ids()
	if len(ids) == 0 {
		return nil
	}
	first := s.Wrong[ids[0]][0]
	where := first.File
	if first.Case != "" {
		where = "case " + first.Case + ": " + first.File
	}
	more := ""
	if n := s.count() - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more findings)", n)
	}
	return fmt.Errorf("%s: %s%s; keep the disk as it is, run tidewatch verify --all, and restore from a backup what it names", where, first.What, more)
}

const saveEvery = time.Minute

func (a *Auditor) saveNowAndThen() {
	if time.Since(a.now().saved) >= saveEvery {
		a.save()
	}
}

// save writes down where it is. On a disk that cannot be written that is lost,
// and some evidence looked at twice.
func (a *Auditor) save() {
	a.change(func(s *state) { s.saved = time.Now() })
	text, err := a.now().seal()
	if err == nil {
		partial := a.State + ".partial"
		err = os.WriteFile(partial, text, 0o600)
		err = errors.Join(err, os.Rename(partial, a.State))
	}
	if err != nil {
		a.Logger.Debug("place of the check of evidence not written down", "error", err)
	}
}
