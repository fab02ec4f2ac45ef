package enforce

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Position is a place in the case log. All events of a case have the same
// partition and growing offsets.
type Position struct {
	Partition int
	Offset    int64
}

// Prover knows who may write to the case log.
type Prover interface {
	// Prove returns nil if what stands at a place of the log was written by a
	// part of this system that may write such an event; else it says why not.
	Prove(e Event, raw []byte, at Position) error
}

// Checked is an event as it stands in the case log, of which has been checked
// who wrote it. Only Check makes one that is proven, and only one that is
// proven changes a case: whoever can write to Kafka can write anything.
type Checked struct {
	Position
	claim  Event
	raw    string
	proven bool
	flaw   error // why it is not
}

// Check reads an event from its bytes in the log. The error says that it is no
// event at all; one that nobody of this system wrote is returned as unproven.
func Check(raw []byte, at Position, by Prover) (Checked, error) {
	c := Checked{Position: at, raw: string(raw)}
	if err := json.Unmarshal(raw, &c.claim); err != nil {
		return Checked{}, err
	}
	if err := c.claim.Complete(); err != nil {
		return Checked{}, err
	}
	c.flaw = c.Again(by)
	c.proven = c.flaw == nil
	// What this system wrote stays what it was, also from before it was asked
	// which characters people write.
	if err := c.claim.written(); err != nil && !c.proven {
		return Checked{}, err
	}
	return c, nil
}

// Again checks anew who wrote the event.
func (c Checked) Again(by Prover) error {
	if by == nil {
		return errors.New("there is nobody who can tell")
	}
	return by.Prove(c.claim, []byte(c.raw), c.Position)
}

// Claim is what the event says, whoever wrote it.
func (c Checked) Claim() Event { return c.claim }

// Proven is the event, and whether this system wrote it.
func (c Checked) Proven() (Event, bool) { return c.claim, c.proven }

// Raw are the bytes in the log.
func (c Checked) Raw() []byte { return []byte(c.raw) }

// Flaw says why the event is not proven; nil if it is.
func (c Checked) Flaw() error {
	if c.proven || c.flaw != nil {
		return c.flaw
	}
	return errors.New("nobody has checked who wrote it")
}

// Backs returns nil if the event, checked anew, is the decision that a case
// stands on.
func (c Checked) Backs(of Case, by Prover) error {
	again, err := Check([]byte(c.raw), c.Position, by)
	if err != nil {
		return err
	}
	e, proven := again.Proven()
	switch {
	case !proven:
		return again.Flaw()
	case e.Case != of.ID || e.Type != of.Decided || e.Revision+1 != of.Revision ||
		e.Actor != of.DecidedBy || *e.Decision != of.Decision:
		return fmt.Errorf("event %s is not the decision that the case stands on", e.ID)
	}
	return nil
}
