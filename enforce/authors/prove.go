package authors

import (
	"errors"
	"fmt"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// Prove implements enforce.Prover.
func (a *Authors) Prove(e enforce.Event, raw []byte, at enforce.Position) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.log == nil {
		return errors.New("stands in a case log that has not been met")
	}
	if a.earlier.holds(at, raw) {
		return nil
	}
	by, err := a.keys.Check(e, raw)
	if err != nil {
		return err
	}
	// In another partition it could come before what it was written after.
	if home := a.home(e.Case, a.log.Partitions); home != at.Partition {
		return fmt.Errorf("stands in partition %d, and its case in %d", at.Partition, home)
	}
	return a.ended(by, at)
}

// ended says that a key was replaced before an event came into the log.
func (a *Authors) ended(by proof.EventKey, at enforce.Position) error {
	ends, bounded := a.log.Retired[by.Name()]
	switch {
	case by.Retired.IsZero() || !bounded:
		return nil
	case at.Partition < len(ends) && at.Offset < ends[at.Partition]:
		return nil
	}
	return fmt.Errorf("is signed with key %s, which was replaced on %s, before it came into the log", by.Name(), by.Retired.Format("2006-01-02"))
}
